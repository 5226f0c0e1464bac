/// The last so many keys that were put in, each in a slot that it keeps until it is written over. Two sides that put
/// the same keys in, in the same order, agree on every slot.
struct RecentTable<Key: Hashable & Sendable>: Sendable {
  private let capacity: Int
  private var slots: [Key] = []
  private var index: [Key: Int] = [:]
  private var nextSlot = 0

  init(capacity: Int) {
    self.capacity = capacity
  }

  func slot(of key: Key) -> Int? { index[key] }

  /// - Returns: `nil` for a slot that is empty, or whose key was put in again later.
  func key(at slot: Int) -> Key? {
    guard slots.indices.contains(slot), index[slots[slot]] == slot else { return nil }
    return slots[slot]
  }

  /// How many keys ago a key was put in; 1 for the last one.
  func distance(of key: Key) -> Int? {
    index[key].map { ((nextSlot - $0 - 1) % capacity + capacity) % capacity + 1 }
  }

  func key(atDistance distance: Int) -> Key? {
    guard distance >= 1, distance <= slots.count else { return nil }
    return key(at: (nextSlot - distance + capacity) % capacity)
  }

  /// - Returns: The key's slot.
  @discardableResult
  mutating func insert(_ key: Key) -> Int {
    let slot = nextSlot
    if slot < slots.count {
      if index[slots[slot]] == slot { index[slots[slot]] = nil }
      slots[slot] = key
    } else {
      slots.append(key)
    }
    index[key] = slot
    nextSlot = (slot + 1) % capacity
    return slot
  }
}
