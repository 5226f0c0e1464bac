import FieldWire

/// Lets the sessions that a store has with one peer at the same time take turns, so that no entry and no piece of a
/// payload comes over two of them: while a connection is replaced by a better one, and when both sides dial at once.
/// One session at a time compares and brings entries, and one brings large payloads; who comes next looks at what is
/// in the store then.
public actor PeerTurns {
  enum Job: Hashable {
    case entries, contents
  }

  /// A session's name, the same on both sides.
  typealias Name = [UInt8]

  private struct Place: Hashable {
    var peer: DeviceKey
    var job: Job
  }

  private struct Turn {
    var holder: Name
    var depth = 1
    /// Gives the turn up while the peer has not answered yet.
    var giveUp: (@Sendable () async -> Void)?
    var waiters: [Waiter] = []
  }

  private struct Waiter {
    var name: Name
    var continuation: CheckedContinuation<Bool, Never>
  }

  private var turns: [Place: Turn] = [:]
  private var sessions: [DeviceKey: Set<Name>] = [:]

  public init() {}

  func join(_ peer: DeviceKey, _ name: Name) { sessions[peer, default: []].insert(name) }

  /// The session is over: it waits for nothing any more. What it holds it keeps until ``leave(_:_:)``.
  func stopWaiting(_ peer: DeviceKey, _ name: Name) {
    sessions[peer]?.remove(name)
    if sessions[peer]?.isEmpty == true { sessions[peer] = nil }
    for job in [Job.entries, .contents] {
      let place = Place(peer: peer, job: job)
      let gone = turns[place]?.waiters.filter { $0.name == name } ?? []
      turns[place]?.waiters.removeAll { $0.name == name }
      for waiter in gone { waiter.continuation.resume(returning: false) }
    }
  }

  /// All that came by the session is stored.
  func leave(_ peer: DeviceKey, _ name: Name) {
    stopWaiting(peer, name)
    for job in [Job.entries, .contents] {
      let place = Place(peer: peer, job: job)
      if turns[place]?.holder == name { passOn(place) }
    }
  }

  /// Whether another session with the peer has its turn: then this one has to wait.
  func isBusy(_ peer: DeviceKey, beside name: Name) -> Bool {
    turns[Place(peer: peer, job: .entries)].map { $0.holder != name } ?? false
  }

  /// Waits for the session's turn.
  ///
  /// - Returns: Whether it has come; else the session is over.
  func take(_ job: Job, of peer: DeviceKey, for name: Name) async -> Bool {
    let place = Place(peer: peer, job: job)
    guard sessions[peer]?.contains(name) == true else { return false }
    guard let turn = turns[place] else {
      turns[place] = Turn(holder: name)
      return true
    }
    if turn.holder == name {
      turns[place]?.depth += 1
      return true
    }
    return await withCheckedContinuation { turns[place]?.waiters.append(Waiter(name: name, continuation: $0)) }
  }

  /// Waits for the turn to answer a peer who began. When both sides have begun at once, each over another session, the
  /// session whose name is less goes first.
  func takeToAnswer(_ peer: DeviceKey, for name: Name) async -> Bool {
    let place = Place(peer: peer, job: .entries)
    if let turn = turns[place], let giveUp = turn.giveUp, name.lexicographicallyPrecedes(turn.holder) {
      turns[place]?.giveUp = nil
      await giveUp()
    }
    return await take(.entries, of: peer, for: name)
  }

  /// The session has its turn and has begun: until the peer answers, `giveUp` may be called, upon which the turn has to
  /// be released.
  func began(_ peer: DeviceKey, _ name: Name, giveUp: @escaping @Sendable () async -> Void) {
    let place = Place(peer: peer, job: .entries)
    if turns[place]?.holder == name { turns[place]?.giveUp = giveUp }
  }

  /// The peer has answered.
  func wasAnswered(_ peer: DeviceKey, _ name: Name) {
    let place = Place(peer: peer, job: .entries)
    if turns[place]?.holder == name { turns[place]?.giveUp = nil }
  }

  func release(_ job: Job, of peer: DeviceKey, by name: Name) {
    let place = Place(peer: peer, job: job)
    guard let turn = turns[place], turn.holder == name else { return }
    if turn.depth > 1 { turns[place]?.depth -= 1 } else { passOn(place) }
  }

  private func passOn(_ place: Place) {
    guard var turn = turns[place], !turn.waiters.isEmpty else {
      turns[place] = nil
      return
    }
    let next = turn.waiters.removeFirst()
    turns[place] = Turn(holder: next.name, waiters: turn.waiters)
    next.continuation.resume(returning: true)
  }
}
