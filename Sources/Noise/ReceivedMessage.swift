/// A handshake message that was read and found authentic.
public struct ReceivedMessage: Sendable {
  public let payload: [UInt8]
  /// The transcript hash after the message's keys and before its payload, which the payload may hold a signature over.
  public let transcriptHash: [UInt8]
}
