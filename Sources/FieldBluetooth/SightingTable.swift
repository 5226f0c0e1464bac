/// Who has been heard of late. Time in which nobody listens does not count against anyone.
struct SightingTable: Sendable {
  /// Peers remembered at most; more than that are not told of. Addresses that change add up.
  static let peerLimit = 16_384

  enum Change: Equatable, Sendable {
    case appeared(String, announcement: [UInt8])
    case vanished(String, announcement: [UInt8])

    var address: String {
      switch self {
      case .appeared(let address, _), .vanished(let address, _): address
      }
    }
  }

  private struct Peer {
    var announcement: [UInt8]
    /// In the time of listening.
    var heardAt: Duration
    var isConnected = false
  }

  private let lifetime: Duration
  private var peers: [String: Peer] = [:]
  private var listenedFor = Duration.zero
  private var listeningSince: Duration?

  init(lifetime: Duration) {
    self.lifetime = lifetime
  }

  /// Everybody who is there, in the order of their addresses.
  var present: [Change] {
    peers.sorted { $0.key < $1.key }.map { .appeared($0.key, announcement: $0.value.announcement) }
  }

  mutating func listening(_ isListening: Bool, now: Duration) {
    listenedFor = clock(now)
    listeningSince = isListening ? now : nil
  }

  mutating func heard(_ address: String, announcement: [UInt8], now: Duration) -> Change? {
    let time = clock(now)
    guard let known = peers[address] else {
      guard peers.count < Self.peerLimit else { return nil }
      peers[address] = Peer(announcement: announcement, heardAt: time)
      return .appeared(address, announcement: announcement)
    }
    peers[address]?.heardAt = time
    peers[address]?.announcement = announcement
    return known.announcement == announcement ? nil : .appeared(address, announcement: announcement)
  }

  /// Who is connected is there, though it may not advertise.
  mutating func connection(_ address: String, isConnected: Bool, now: Duration) {
    let time = clock(now)
    peers[address]?.isConnected = isConnected
    peers[address]?.heardAt = time
  }

  /// A dial to it failed, for which nobody listened meanwhile: who is there would have answered.
  mutating func missed(_ address: String, for duration: Duration) { peers[address]?.heardAt -= duration }

  mutating func gone(_ address: String) -> Change? {
    peers.removeValue(forKey: address).map { .vanished(address, announcement: $0.announcement) }
  }

  /// The adapter is gone, and with it everybody.
  mutating func clear() -> [Change] {
    let addresses = peers.keys.sorted()
    return addresses.compactMap { gone($0) }
  }

  mutating func expire(now: Duration) -> [Change] {
    let time = clock(now)
    let silent = peers.filter { !$0.value.isConnected && $0.value.heardAt + lifetime <= time }.keys.sorted()
    return silent.compactMap { gone($0) }
  }

  private func clock(_ now: Duration) -> Duration {
    listenedFor + (listeningSince.map { now - $0 } ?? .zero)
  }
}
