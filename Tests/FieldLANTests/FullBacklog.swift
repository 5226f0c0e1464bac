import FieldCore
import FieldLAN

/// A port that no longer answers: its queue of connections that nobody accepts is full.
struct FullBacklog {
  let address: PeerAddress
  private let sockets: [RawSocket]

  init() throws {
    let (listener, port) = try RawSocket.listen(backlogCount: 0)
    // The kernel takes one connection more than the backlog, and drops the openings of others.
    sockets = [listener, try RawSocket.connect(port: port)]
    address = TCPEndpoint(host: "127.0.0.1", port: port).peerAddress
  }
}
