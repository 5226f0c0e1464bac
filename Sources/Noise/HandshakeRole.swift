/// Which side of a handshake one is on.
public enum HandshakeRole: Sendable {
  /// Writes the first message.
  case initiator
  case responder

  var other: HandshakeRole { self == .initiator ? .responder : .initiator }
}
