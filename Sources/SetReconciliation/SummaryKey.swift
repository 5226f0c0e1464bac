/// The key of one summary: 16 bytes that both peers had a hand in, new for every session and every retry, so that
/// nobody can craft entries that a summary hides, and no entry is hidden twice by chance.
public struct SummaryKey: Hashable, Sendable {
  public static let byteCount = 16

  private let first: UInt64
  private let second: UInt64

  public init(words: (UInt64, UInt64)) {
    (first, second) = words
  }

  var sipHash: SipHash { SipHash(key: (first, second)) }
}
