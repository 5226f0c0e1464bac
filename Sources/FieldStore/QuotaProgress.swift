import FieldCore
import FieldWire

/// How far a store was looked through for payloads that may be dropped. Nothing behind a place may be, until more is
/// acknowledged: so each entry is looked at once, and not for each one that comes.
struct QuotaProgress {
  /// Who still needs a payload.
  enum Need: Hashable {
    case nobody, somebody, unknown
  }

  private struct Search: Hashable {
    let key: UsageTable.Key
    let need: Need
  }

  /// How many entries were looked at, over all of this process's transactions.
  var lookedAtCount: UInt64 = 0
  /// The arrivals up to which there is nothing left to drop.
  private var places: [Search: UInt64] = [:]
  private var acknowledgements: Acknowledgements?

  subscript(_ key: UsageTable.Key, _ need: Need) -> UInt64 {
    get { places[Search(key: key, need: need)] ?? 0 }
    set { places[Search(key: key, need: need)] = newValue }
  }

  /// Goes back to where `new` says otherwise than what held before.
  mutating func follow(_ new: Acknowledgements) {
    let end = acknowledgements.map { new.agreement(with: $0) } ?? 0
    acknowledgements = new
    for (search, place) in places where search.need != .unknown && place > end { places[search] = end }
  }
}
