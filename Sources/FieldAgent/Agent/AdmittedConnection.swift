import FieldCore
import Synchronization

/// A connection whose first message was read already.
final class AdmittedConnection: TransportConnection {
  private let connection: any TransportConnection
  private let first: Mutex<[UInt8]?>

  init(_ connection: any TransportConnection, first: [UInt8]) {
    self.connection = connection
    self.first = Mutex(first)
  }

  var kind: TransportKind { connection.kind }
  var peerDescription: String { connection.peerDescription }
  var origin: String { connection.origin }
  var isFallback: Bool { connection.isFallback }
  var maximumMessageByteCount: Int { connection.maximumMessageByteCount }

  func send(_ message: [UInt8]) async throws(TransportError) { try await connection.send(message) }

  func receive() async throws(TransportError) -> [UInt8]? {
    let first = first.withLock { first in
      defer { first = nil }
      return first
    }
    if let first { return first }
    return try await connection.receive()
  }

  func close() async { await connection.close() }
  func abort() async { await connection.abort() }
}
