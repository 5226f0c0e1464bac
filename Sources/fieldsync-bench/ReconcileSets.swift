import FieldCore
import FieldTesting
import FieldWire
import Foundation

/// Two sets of ids, in the order of arrival at each side, from a seed. `compare-negentropy.cpp` makes the same.
struct ReconcileSets {
  private(set) var first: [EntryID]
  private(set) var second: [EntryID]
  /// How many at the end came since both sides were equal.
  let since: Int?
  /// What one side alone holds.
  let firstOnly: Set<EntryID>
  let secondOnly: Set<EntryID>
  private var random: SeededRandom

  init(_ setup: ReconcileCase, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    func ids(_ count: Int) -> [EntryID] {
      (0..<count).map { _ in EntryID(words: (random.next(), random.next(), random.next(), random.next())) }
    }
    let shared = ids(max(0, setup.entries - max(setup.firstOnlyCount, setup.secondOnlyCount)))
    let (firstOnly, secondOnly) = (ids(setup.firstOnlyCount), ids(setup.secondOnlyCount))
    var (first, second) = (shared + firstOnly, shared + secondOnly)
    self.firstOnly = Set(firstOnly)
    self.secondOnly = Set(secondOnly)
    since = setup.since
    if setup.order == .scattered {
      // Only what came since may be anywhere: what was there before is the same.
      let old = setup.since.map { max(0, setup.entries - $0) } ?? 0
      first[min(old, first.count)...].shuffle(using: &random)
      second[min(old, second.count)...].shuffle(using: &random)
    }
    self.first = first
    self.second = second
    self.random = random
  }

  /// What each side knows of itself: the digest is kept by the store, so that making it up here costs what reading
  /// costs.
  func facts(expected: (first: Int?, second: Int?)) -> (first: ReconcileFacts, second: ReconcileFacts) {
    let isEqual = firstOnly.isEmpty && secondOnly.isEmpty
    let epochs = (StoreEpoch(rawValue: 1), StoreEpoch(rawValue: 2))
    func head(_ ids: [EntryID], _ epoch: StoreEpoch, _ digest: UInt8) -> StoreHead {
      StoreHead(
        epoch: epoch, arrival: UInt64(ids.count), entryCount: UInt64(ids.count),
        digest: [UInt8](repeating: digest, count: 32))
    }
    func bases(_ ids: [EntryID], _ own: StoreEpoch, _ peer: StoreEpoch) -> [KnownBase] {
      guard let since else { return [] }
      let old = UInt64(max(0, first.count - since))
      let record = BaseRecord(
        entryCount: old, digest: [UInt8](repeating: 9, count: 32), own: StoreCursor(epoch: own, arrival: old),
        peer: StoreCursor(epoch: peer, arrival: old))
      return [KnownBase(record: record, countSince: UInt64(ids.count) - old)]
    }
    return (
      ReconcileFacts(
        head: head(first, epochs.0, 1), bases: bases(first, epochs.0, epochs.1), expectedDifference: expected.first),
      ReconcileFacts(
        head: head(second, epochs.1, isEqual ? 1 : 2), bases: bases(second, epochs.1, epochs.0),
        expectedDifference: expected.second)
    )
  }

  /// A session's secret, of which each run has another.
  mutating func handshakeHash() -> [UInt8] { random.bytes(64) }
}
