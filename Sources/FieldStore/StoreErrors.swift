import FieldCore
import GRDB

extension StoreError {
  /// Whatever went wrong below, in the terms of the store's callers.
  init(_ error: any Error) {
    switch error {
    case let error as StoreError: self = error
    case let error as DatabaseError: self.init(Self.code(of: error), error.message ?? error.resultCode.description)
    default: self.init(.damaged, "\(error)")
    }
  }

  private static func code(of error: DatabaseError) -> Code {
    switch error.resultCode.primaryResultCode {
    case .SQLITE_FULL, .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_NOMEM: .cannotWrite
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL: .busy
    case .SQLITE_MISUSE, .SQLITE_INTERRUPT, .SQLITE_ABORT: .closed
    default: .damaged
    }
  }
}

/// Runs `body` with its errors as ``StoreError``.
func storeErrors<Value>(_ body: () throws -> Value) throws(StoreError) -> Value {
  do {
    return try body()
  } catch {
    throw StoreError(error)
  }
}
