import FieldCore
import FieldWire
import GRDB
import GRDBSQLite

/// A value that is bound to a statement.
enum SQLValue {
  case integer(Int64)
  case bytes([UInt8])
  case null

  static func integer(_ value: UInt64) -> SQLValue { .integer(Int64(clamping: value)) }
  static func epoch(_ value: StoreEpoch) -> SQLValue { .integer(Int64(bitPattern: value.rawValue)) }
  static func identifier<Tag>(_ value: Identifier32<Tag>) -> SQLValue { .bytes(value.bytes) }
  static func identifier<Tag>(_ value: Identifier16<Tag>) -> SQLValue { .bytes(value.bytes) }
}

/// A statement that its connection prepared once and keeps, run through SQLite's own calls: those take our byte arrays
/// as they are, where GRDB's want each one copied into a `Data` first, which takes up to twice the time.
struct KeptStatement {
  private let statement: Statement
  private let database: Database

  /// - Parameter sql: One of a fixed set of texts, since each is kept for as long as its connection.
  init(_ sql: String, in database: Database) throws {
    statement = try database.cachedStatement(sql: sql)
    self.database = database
  }

  func run(_ values: SQLValue...) throws {
    try forEachRow(values) { _ in true }
  }

  /// What `map` makes of the first row; `nil` when there is none.
  func first<Value>(_ values: SQLValue..., map: (ResultRow) throws -> Value) throws -> Value? {
    var value: Value?
    try forEachRow(values) { row in
      value = try map(row)
      return false
    }
    return value
  }

  /// Goes through the rows until `body` returns `false`.
  func forEachRow(_ values: [SQLValue], _ body: (ResultRow) throws -> Bool) throws {
    let handle = statement.sqliteStatement
    defer {
      sqlite3_reset(handle)
      sqlite3_clear_bindings(handle)
    }
    for (index, value) in values.enumerated() { try check(bind(value, at: Int32(index + 1), of: handle)) }
    while true {
      let code = sqlite3_step(handle)
      if code == SQLITE_DONE { return }
      guard code == SQLITE_ROW else { return try check(code) }
      guard try body(ResultRow(handle: handle)) else { return }
    }
  }

  private func bind(_ value: SQLValue, at index: Int32, of handle: OpaquePointer) -> Int32 {
    switch value {
    case .null: sqlite3_bind_null(handle, index)
    case .integer(let integer): sqlite3_bind_int64(handle, index, integer)
    // A null pointer would bind NULL.
    case .bytes(let bytes) where bytes.isEmpty: sqlite3_bind_zeroblob(handle, index, 0)
    case .bytes(let bytes): sqlite3_bind_blob(handle, index, bytes, Int32(bytes.count), Self.copied)
    }
  }

  private func check(_ code: Int32) throws {
    guard code == SQLITE_OK else {
      throw DatabaseError(resultCode: ResultCode(rawValue: code), message: database.lastErrorMessage)
    }
  }

  /// SQLITE_TRANSIENT, a cast that Swift does not import.
  private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}

/// The row that a statement is at; its columns hold until the next step.
struct ResultRow {
  fileprivate let handle: OpaquePointer

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  /// An integer that counts something.
  func count(_ column: Int32) -> UInt64 { UInt64(clamping: integer(column)) }

  func epoch(_ column: Int32) -> StoreEpoch { StoreEpoch(rawValue: UInt64(bitPattern: integer(column))) }

  func bytes(_ column: Int32) -> [UInt8] { withBytes(column) { Array($0) } }

  func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

  func withBytes<Value>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    let start = sqlite3_column_blob(handle, column)
    return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }

  /// - Throws: ``StoreError`` with `damaged` where the column is no identifier.
  func identifier<Tag>(
    _ column: Int32, _ type: Identifier32<Tag>.Type = Identifier32<Tag>.self
  ) throws
    -> Identifier32<Tag>
  {
    try withBytes(column) { bytes in
      guard bytes.count == Identifier32<Tag>.byteCount else {
        throw StoreError(.damaged, "an identifier of \(bytes.count) bytes")
      }
      return Identifier32(words: (bytes.word(0), bytes.word(8), bytes.word(16), bytes.word(24)))
    }
  }

  func identifier<Tag>(
    _ column: Int32, _ type: Identifier16<Tag>.Type = Identifier16<Tag>.self
  ) throws
    -> Identifier16<Tag>
  {
    try withBytes(column) { bytes in
      guard bytes.count == Identifier16<Tag>.byteCount else {
        throw StoreError(.damaged, "an identifier of \(bytes.count) bytes")
      }
      return Identifier16(words: (bytes.word(0), bytes.word(8)))
    }
  }
}

extension UnsafeRawBufferPointer {
  /// A big-endian word of eight bytes.
  func word(_ offset: Int) -> UInt64 { UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
}
