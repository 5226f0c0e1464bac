import FieldCore
import GRDB

extension DatabasePool {
  /// Reads one moment's contents. Unlike GRDB's own async calls this is not cut short by a cancelled task.
  func run<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(StoreError) -> Value {
    let result = await withCheckedContinuation { continuation in
      asyncRead { database in
        continuation.resume(returning: Result { try body(try database.get()) })
      }
    }
    return try storeErrors { try result.get() }
  }

  func runOnWriter<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StoreError)
    -> Value
  {
    let result = await withCheckedContinuation { continuation in
      asyncWriteWithoutTransaction { database in
        continuation.resume(returning: Result { try body(database) })
      }
    }
    return try storeErrors { try result.get() }
  }
}
