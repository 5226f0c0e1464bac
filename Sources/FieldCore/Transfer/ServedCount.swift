import Synchronization

/// What a ``StoreServer`` has handed to the session for the peer.
public final class ServedCount: Sendable {
  private let counts = Mutex((entries: 0, bytes: 0))

  public init() {}

  /// Entries that went out whole, their payload at once or in pieces.
  public var entryCount: Int { counts.withLock(\.entries) }
  /// Bytes of the messages that carried entries, heads and pieces of payloads.
  public var byteCount: Int { counts.withLock(\.bytes) }

  func add(entries: Int, bytes: Int) {
    counts.withLock { counts in
      counts.entries += entries
      counts.bytes += bytes
    }
  }
}
