/// A set as a whole, for when most differs: the ids mapped to a range of `count << parameter` numbers, ascending, coded
/// as a ``GolombList`` (the Golomb-coded sets of BIP 158, there for clients that filter). An id that the other side has
/// alone looks as if it were here with a chance of 2^-parameter; with ``parameter(differences:)`` all are told apart
/// but for one list in 64 or so, which the root tells.
///
/// It keeps 8 bytes an id, so it is for sets that fit.
public struct GolombSet: SetSummary {
  public static let parameterLimit = 40
  /// The most ids: what the range can hold.
  public static let entryLimit = 1 << 23

  public let space: KeyedIDSpace
  private var values: [UInt64] = []

  /// So that of so many differences hardly one is hidden.
  public static func parameter(differences: Int) -> Int {
    let bits = Int.bitWidth - (max(differences, 1) - 1).leadingZeroBitCount
    return min(bits + 5, parameterLimit)
  }

  /// The empty set, that is to be mapped as the sender's.
  ///
  /// - Parameters:
  ///   - entryCount: How many ids the set of the list's sender has.
  ///   - parameter: 1 to ``parameterLimit``; `nil` for others, and for more ids than ``entryLimit``.
  public init?(entryCount: Int, parameter: Int) {
    guard (0...Self.entryLimit).contains(entryCount), (1...Self.parameterLimit).contains(parameter) else { return nil }
    space = .range(UInt64(max(entryCount, 1)) << UInt64(parameter))
  }

  /// What all values are below.
  public var universe: UInt64 { if case .range(let range) = space { range } else { 0 } }

  public mutating func add(_ ids: [KeyedID]) {
    for id in ids { values.append(space.value(of: id)) }
  }

  /// The values, ascending; ids that share one have it twice.
  public func sortedValues() -> [UInt64] { values.sorted() }

  /// The list to send.
  public func encoded() -> [UInt8] { GolombList.encode(sortedValues(), universe: universe) }

  /// Compares this set with the one that the peer listed.
  ///
  /// - Parameter peerValues: Ascending, as they were decoded.
  /// - Returns: The values that only this set has, to be looked up by ``KeyedIDLookup``, and the places in the peer's
  ///   list that only the peer has; both ascending.
  public func compare(with peerValues: [UInt64]) -> (ownOnly: [UInt64], peerOnlyIndexes: [UInt64]) {
    let own = sortedValues()
    var ownOnly: [UInt64] = []
    var peerOnlyIndexes: [UInt64] = []
    var (place, peerPlace) = (0, 0)
    while place < own.count || peerPlace < peerValues.count {
      if peerPlace == peerValues.count || (place < own.count && own[place] < peerValues[peerPlace]) {
        ownOnly.append(own[place])
        place += 1
      } else if place == own.count || peerValues[peerPlace] < own[place] {
        peerOnlyIndexes.append(UInt64(peerPlace))
        peerPlace += 1
      } else {
        place += 1
        peerPlace += 1
      }
    }
    return (ownOnly, peerOnlyIndexes)
  }
}
