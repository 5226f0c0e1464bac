import FieldCore
import FieldLAN
import Testing

/// A running transport on this machine, for the time of a test.
struct Loopback {
  let transport: TCPTransport
  let endpoint: TCPEndpoint

  struct NoConnection: Error {}

  static func run<Result>(
    host: String = "127.0.0.1", limits: TCPLimits = TCPLimits(), _ body: (Loopback) async throws -> Result
  ) async throws -> Result {
    let transport = TCPTransport(listen: TCPEndpoint(host: host, port: 0), limits: limits)
    try await transport.bind()
    let endpoint = try #require(transport.boundAddress)
    let running = Task { try await transport.run() }
    defer { running.cancel() }
    return try await body(Loopback(transport: transport, endpoint: endpoint))
  }

  func accept() async throws -> TCPConnection {
    for await connection in transport.incomingConnections() {
      return try #require(connection as? TCPConnection)
    }
    throw NoConnection()
  }

  func connect() async throws -> TCPConnection {
    try #require(try await transport.connect(to: endpoint.peerAddress) as? TCPConnection)
  }

  /// Both ends of a connection, ours at both.
  func pair() async throws -> (dialled: TCPConnection, accepted: TCPConnection) {
    let dialled = try await connect()
    return (dialled, try await accept())
  }

  /// A connection whose other end is a plain socket.
  func rawPair(receiveByteCount: CInt? = nil) async throws -> (raw: RawSocket, connection: TCPConnection) {
    let raw = try RawSocket.connect(port: endpoint.port, receiveByteCount: receiveByteCount)
    return (raw, try await accept())
  }
}

func framed(_ message: [UInt8]) -> [UInt8] {
  withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message
}

/// Lets other tasks run until the condition holds; the time limit of the test ends it where it never does.
func wait(until condition: () throws -> Bool) async throws {
  while try !condition() {
    try Task.checkCancellation()
    await Task.yield()
  }
}
