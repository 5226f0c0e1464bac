/// The bounds of a session. They hold for every peer, members too.
public enum SessionLimits {
  /// From the first byte to the end of the handshake.
  public static let handshakeDeadline: Duration = .seconds(10)
  /// From the handshake to the peer's proof of membership, where it has to give one.
  public static let credentialDeadline: Duration = .seconds(10)
  /// From there to the peer's first word about its store.
  public static let helloDeadline: Duration = .seconds(30)
  /// Silence after which a ping is sent, and after which the session is given up.
  public static let pingAfter: Duration = .seconds(15)
  public static let giveUpAfter: Duration = .seconds(45)
  /// How long what arrived before the link was lost may take to be read.
  public static let lastWordsDeadline: Duration = .seconds(5)
  /// Silence after which ``Session/probe(isBusy:)`` pings: of a session with work to do, and of one without.
  public static let probeAfter: Duration = .milliseconds(400)
  public static let idleProbeAfter: Duration = .seconds(8)
  /// The largest message of a stream: an entry of the largest size, or a summary.
  public static let messageByteCount = EntryLimits.entryByteCount + 64
  /// What a stream's sender may send ahead of its reader.
  public static let streamWindowByteCount = 64 << 10
  /// Streams that a peer may have open at once.
  public static let peerStreamCount = 32
  /// Streams that a peer may have opened and that this side is not done with, those included that are over: ones of a
  /// notice, which end at once, and ones that were reset.
  public static let unfinishedStreamCount = 1024
  /// Bytes of unfinished and unread messages of all of a peer's streams together.
  public static let inboundByteCount = 8 << 20
  /// What a stream's own writer may queue before it has to wait.
  public static let outboundByteCount = 128 << 10
  /// Transport messages under one key; then both sides rekey.
  public static let messagesPerKey: UInt64 = 1 << 16
  /// Overhead of the cipher in each transport message.
  public static let tagByteCount = 16
}
