/// Connections whose peers have not shown yet that they know a key: few, since anybody can make them. When there is no
/// room for another one, whichever origin has most of them gives its oldest. So who floods makes room for its own,
/// and a peer that sends its first message at once, as peers do, has left before its turn comes. No IO, no clock.
public struct WaitingRoom<ID: Hashable & Sendable>: Sendable {
  public static var seatLimit: Int { 64 }

  /// In the order of arrival.
  private var seats: [(id: ID, origin: String)] = []

  public init() {}

  public var count: Int { seats.count }

  /// - Parameter origin: ``TransportConnection/origin``.
  /// - Returns: Who has to go for it.
  public mutating func arrived(_ id: ID, from origin: String) -> ID? {
    seats.append((id, origin))
    guard seats.count > Self.seatLimit else { return nil }
    let counts = seats.reduce(into: [String: Int]()) { $0[$1.origin, default: 0] += 1 }
    let most = counts.values.max() ?? 0
    guard let index = seats.firstIndex(where: { counts[$0.origin] == most }) else { return nil }
    return seats.remove(at: index).id
  }

  public mutating func left(_ id: ID) { seats.removeAll { $0.id == id } }
}
