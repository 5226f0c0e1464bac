/// An id as one session sees it: SipHash-2-4 of its 32 bytes under the session's key. All summaries of the set are made
/// of these 64 bits, so that one hash an id is enough and nobody without the key can choose what they are.
///
/// - The short id, 32 bits, is what sketches hold (Erlay, BIP 330): the low 32 bits, 1 instead of 0.
/// - The bucket out of g is `floor(high 32 bits * g / 2^32)`.
/// - The estimator's level is the number of trailing zeros of the high 32 bits.
public struct KeyedID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let value: UInt64

  public init(_ value: UInt64) { self.value = value }

  /// Never 0, which would not change a power sum.
  public var short: UInt32 { max(UInt32(truncatingIfNeeded: value), 1) }

  public func bucket(of bucketCount: Int) -> Int {
    Int(truncatingIfNeeded: (value >> 32).multipliedReportingOverflow(by: UInt64(bucketCount)).partialValue >> 32)
  }

  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

extension SummaryKey {
  /// - Parameter id: The id's 32 bytes as words.
  public func hash(_ id: (UInt64, UInt64, UInt64, UInt64)) -> KeyedID { KeyedID(sipHash.hash(id)) }
}
