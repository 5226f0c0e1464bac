/// What the first message of a connection says of it, before anything is answered.
public enum SessionOpening: Sendable {
  /// As long as the first message of a handshake is: some key may open it, see ``SessionHandshake/begins(_:with:)``.
  case handshake
  /// Somebody tries a spoken code, see ``CodeExchange``.
  case code

  /// `nil` for what no session begins with.
  public init?(_ message: [UInt8]) {
    if CodeExchange.isRequest(message) {
      self = .code
    } else if message.count == SessionHandshake.firstMessageByteCount {
      self = .handshake
    } else {
      return nil
    }
  }
}
