import DBus

/// Which services are being resolved. Avahi tells of a service once and gives a client so many resolvers and no more,
/// while a host on the network may announce any number of services: those that wait and those that are at work take
/// turns then, so that no peer stays unseen for them. What was found out of a service stays when its turn is over.
struct AvahiResolvers: Sendable {
  /// Resolvers at once. An avahi-daemon that is not told otherwise allows a client 1024 objects
  /// (`objects-per-client-max`), which the browser and what is published are among.
  static let limit = 1000
  /// Services that begin their turn at once.
  static let turnCount = 250

  private struct Resolver {
    var item: AvahiPeerTable.Item
    var path: ObjectPath
  }

  /// Services without a resolver, the one whose turn it is first.
  private(set) var waiting: [AvahiPeerTable.Item] = []
  /// The one that has been at work for longest first.
  private var working: [Resolver] = []
  /// Avahi gave no more.
  private var wasRefused = false

  var hasRoom: Bool { working.count < Self.limit }

  mutating func appeared(_ item: AvahiPeerTable.Item) { waiting.append(item) }

  /// - Returns: Whether the resolver is of use; otherwise it is to be freed.
  mutating func started(_ item: AvahiPeerTable.Item, at path: ObjectPath) -> Bool {
    guard let index = waiting.firstIndex(of: item) else { return false }
    waiting.remove(at: index)
    working.append(Resolver(item: item, path: path))
    return true
  }

  /// No resolver could be made: others have their turn before this one.
  ///
  /// - Parameter isForWantOfRoom: Whether any other would fail as well.
  mutating func failed(_ item: AvahiPeerTable.Item, isForWantOfRoom: Bool) {
    wasRefused = wasRefused || isForWantOfRoom
    guard !isForWantOfRoom, let index = waiting.firstIndex(of: item) else { return }
    waiting.append(waiting.remove(at: index))
  }

  /// - Returns: The resolver to be freed.
  mutating func gone(_ item: AvahiPeerTable.Item) -> ObjectPath? {
    waiting.removeAll { $0 == item }
    guard let index = working.firstIndex(where: { $0.item == item }) else { return nil }
    return working.remove(at: index).path
  }

  /// Ends the turn of some when others wait and there is no room.
  ///
  /// - Returns: The resolvers to be freed.
  mutating func makeRoom() -> [ObjectPath] {
    guard wasRefused || !hasRoom else { return [] }
    wasRefused = false
    let ended = working.prefix(min(Self.turnCount, waiting.count))
    working.removeFirst(ended.count)
    waiting += ended.map(\.item)
    return ended.map(\.path)
  }
}
