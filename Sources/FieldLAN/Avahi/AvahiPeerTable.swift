import FieldCore

/// Services of peers as Avahi tells of them: one for each network card and protocol over which a peer was found, each
/// at some address. An address is there as long as one of them is at it.
struct AvahiPeerTable: Sendable {
  /// Services remembered at most; more than that are not told of.
  static let itemLimit = 4096

  struct Item: Hashable, Sendable {
    var interface: Int32
    var addressProtocol: Int32
    var name: String
  }

  private struct Place {
    var address: PeerAddress
    var announcement: [UInt8]
  }

  private var items: [Item: Place?] = [:]
  /// Some were not told of.
  private var isIncomplete = false

  var count: Int { items.count }

  var present: [PeerSighting] {
    let places = items.values.compactMap { $0 }
    return Set(places.map(\.address)).sorted { $0.location < $1.location }.compactMap { address in
      places.last { $0.address == address }
        .map { PeerSighting(address: address, change: .appeared, announcement: $0.announcement) }
    }
  }

  /// - Returns: Whether it is to be resolved.
  mutating func appeared(_ item: Item) -> Bool {
    guard items[item] == nil else { return false }
    guard items.count < Self.itemLimit else {
      isIncomplete = true
      return false
    }
    items[item] = .some(nil)
    return true
  }

  /// - Returns: Whether some were not told of for want of room, and there is room now; once.
  mutating func takeIncomplete() -> Bool {
    guard isIncomplete, items.count < Self.itemLimit else { return false }
    isIncomplete = false
    return true
  }

  mutating func resolved(_ item: Item, at address: PeerAddress, announcement: [UInt8]) -> [PeerSighting] {
    guard let known = items[item] else { return [] }
    guard known?.address != address || known?.announcement != announcement else { return [] }
    items[item] = Place(address: address, announcement: announcement)
    let moved = known.flatMap { $0.address == address ? nil : vanished($0) }
    return [moved, PeerSighting(address: address, change: .appeared, announcement: announcement)].compactMap { $0 }
  }

  mutating func gone(_ item: Item) -> [PeerSighting] {
    guard let known = items.removeValue(forKey: item), let place = known else { return [] }
    return [vanished(place)].compactMap { $0 }
  }

  mutating func clear() -> [PeerSighting] {
    defer { (items, isIncomplete) = ([:], false) }
    return present.map { PeerSighting(address: $0.address, change: .vanished, announcement: $0.announcement) }
  }

  private func vanished(_ place: Place) -> PeerSighting? {
    guard !items.values.contains(where: { $0?.address == place.address }) else { return nil }
    return PeerSighting(address: place.address, change: .vanished, announcement: place.announcement)
  }
}
