/// Where a peer can be reached over one transport: `tcp://HOST:PORT` or `ble://ADDRESS`.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  public var kind: TransportKind
  /// What the transport makes of it: host and port, or a Bluetooth address.
  public var location: String

  public init(kind: TransportKind, location: String) {
    self.kind = kind
    self.location = location
  }

  /// `nil` for anything but the two forms.
  public init?(_ text: String) {
    if text.hasPrefix("tcp://"), text.utf8.count > 6 {
      self.init(kind: .lan, location: String(text.dropFirst(6)))
    } else if text.hasPrefix("ble://"), text.utf8.count > 6 {
      self.init(kind: .bluetooth, location: String(text.dropFirst(6)))
    } else {
      return nil
    }
  }

  public var description: String {
    switch kind {
    case .lan: "tcp://\(location)"
    case .bluetooth: "ble://\(location)"
    case .simulated: "simulated://\(location)"
    }
  }
}
