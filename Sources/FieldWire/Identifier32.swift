/// Thirty-two bytes that name something: a hash or a public key. `Tag` keeps the kinds apart; the order is that of the
/// bytes.
public struct Identifier32<Tag>: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public static var byteCount: Int { 32 }

  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// Big-endian words of eight bytes.
  public var words: (UInt64, UInt64, UInt64, UInt64) { (first, second, third, fourth) }

  public init(words: (UInt64, UInt64, UInt64, UInt64)) {
    (first, second, third, fourth) = words
  }

  /// `nil` unless there are 32 bytes.
  public init?(_ bytes: [UInt8]) {
    var reader = WireReader(bytes)
    guard bytes.count == Self.byteCount, let value = try? reader.identifier(Self.self) else { return nil }
    self = value
  }

  public static var zero: Self { Self(words: (0, 0, 0, 0)) }

  public var bytes: [UInt8] {
    var writer = WireWriter(capacity: Self.byteCount)
    writer.identifier(self)
    return writer.bytes
  }

  public static func < (left: Self, right: Self) -> Bool { left.words < right.words }

  /// Lower-case hexadecimal.
  public var description: String { Hexadecimal.encode(bytes) }
}
