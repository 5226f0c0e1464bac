/// Keeps what we have at bluetoothd as it should be: the GATT application and the advertisement registered, discovery
/// running but not while a connection is being made, and all of it anew after bluetoothd or the adapter was away.
///
/// A state machine without IO, clock or randomness. Each event returns what is to be done now, ``timerFired(now:)``
/// comes about every second, and the caller reports how an action ended with ``finished(_:_:now:)``. One action at a
/// time is under way for each feature.
struct AdapterStateMachine: Sendable {
  static let retryFloor = Duration.seconds(1)
  static let retryCeiling = Duration.seconds(30)
  /// After a link came or went, until the advertisement is renewed. Linux 6.1 keeps for two seconds to what was on the
  /// air when a connection ended, and what it is given meanwhile it does not advertise, although it says so.
  static let renewalDelay = Duration.seconds(3)
  /// The advertisement is renewed after this, since nobody says when it is not on the air any more.
  static let advertisementLife = Duration.seconds(15)
  /// Discovery is started anew after this, in case that it hangs.
  static let discoveryLife = Duration.seconds(300)
  /// While links are open: looking for others takes air from them.
  static let scheduleWithLinks = DiscoverySchedule.periodic(on: .seconds(10), every: .seconds(60))

  enum Feature: Int, CaseIterable, Sendable {
    case application
    case advertisement
    case discovery
  }

  enum Availability: Equatable, Sendable {
    /// bluetoothd does not run.
    case serviceGone
    /// There is no such adapter.
    case missing
    case off
    case on
  }

  struct Action: Hashable, Sendable {
    enum Verb: Sendable {
      case start, stop
      /// Without an end: what was registered stays, as what takes its place is another to the kernel.
      case renew
    }

    let verb: Verb
    let feature: Feature
    fileprivate let generation: Int
  }

  enum Outcome: Equatable, Sendable {
    case done
    case failed
  }

  private enum Step: Equatable {
    case idle
    case starting
    case running
    case renewing
    case stopping
    case waiting(until: Duration)
  }

  private struct Progress {
    var step = Step.idle
    var failureCount = 0
    /// When it is to be renewed: discovery by stopping and starting it.
    var renewal: Duration?
  }

  private(set) var availability = Availability.serviceGone
  private(set) var hasEnded = false
  private var generation = 0
  private var progress: [Feature: Progress] = [:]
  private var dialCount = 0
  private var schedule = DiscoverySchedule.continuous
  private var hasLinks = false
  /// When discovery was last started.
  private var discoveryStart: Duration?
  /// When discovery was last stopped.
  private var discoveryEnd: Duration?
  private var now = Duration.zero

  // MARK: What is known

  func isRunning(_ feature: Feature) -> Bool {
    self[feature].step == .running || self[feature].step == .renewing
  }

  /// Whether nothing of the feature is there or on its way.
  func isStopped(_ feature: Feature) -> Bool {
    switch self[feature].step {
    case .idle, .waiting: true
    case .starting, .running, .renewing, .stopping: false
    }
  }

  /// How often starting the feature has failed in a row.
  func failureCount(_ feature: Feature) -> Int { self[feature].failureCount }

  /// Whether an action is of the time since bluetoothd and the adapter are as they are. The answer to an older one may
  /// come long after, and says nothing.
  func isCurrent(_ action: Action) -> Bool { action.generation == generation }

  // MARK: Events

  mutating func availabilityChanged(to new: Availability, now: Duration) -> [Action] {
    if new != availability {
      availability = new
      // bluetoothd forgot everything, and whatever is still answered is about the time before.
      generation += 1
      progress = [:]
    }
    return actions(now)
  }

  mutating func finished(_ action: Action, _ outcome: Outcome, now: Duration) -> [Action] {
    guard isCurrent(action) else { return [] }
    switch (action.verb, outcome) {
    case (.start, .done):
      self[action.feature].failureCount = 0
      runs(action.feature, now)
      if action.feature == .discovery { discoveryStart = now }
    case (.renew, _):
      // bluetoothd may have ended it meanwhile.
      if self[action.feature].step == .renewing { runs(action.feature, now) }
    case (.start, .failed):
      self[action.feature].failureCount += 1
      self[action.feature].step = .waiting(until: now + retryDelay(self[action.feature].failureCount))
    case (.stop, _):
      // What could not be stopped is not there.
      self[action.feature].step = .idle
      if action.feature == .discovery { discoveryEnd = now }
    }
    return actions(now)
  }

  /// bluetoothd ended a feature by itself.
  mutating func released(_ feature: Feature, now: Duration) -> [Action] {
    guard isRunning(feature) else { return [] }
    self[feature].failureCount += 1
    self[feature].step = .waiting(until: now + retryDelay(self[feature].failureCount))
    return actions(now)
  }

  /// A connection is about to be made: to be waited for until discovery is stopped.
  mutating func dialBegan(now: Duration) -> [Action] {
    dialCount += 1
    return actions(now)
  }

  mutating func dialEnded(succeeded: Bool, now: Duration) -> [Action] {
    dialCount = max(0, dialCount - 1)
    // Some controllers do not advertise again after a connection attempt that was given up.
    if !succeeded { renewAdvertisement(at: now) }
    return actions(now)
  }

  /// A device connected or disconnected: controllers stop to advertise by that, and not all resume.
  mutating func linksChanged(now: Duration) -> [Action] {
    renewAdvertisement(at: now + Self.renewalDelay)
    return actions(now)
  }

  /// How much of the time to look for peers.
  mutating func scheduleChanged(to new: DiscoverySchedule, now: Duration) -> [Action] {
    schedule = new
    return actions(now)
  }

  /// Whether any link of ours is open.
  mutating func linksOpen(_ hasLinks: Bool, now: Duration) -> [Action] {
    self.hasLinks = hasLinks
    return actions(now)
  }

  mutating func timerFired(now: Duration) -> [Action] { actions(now) }

  /// Nothing more is begun.
  mutating func end() { hasEnded = true }

  // MARK: Deciding

  private mutating func actions(_ now: Duration) -> [Action] {
    self.now = now
    guard availability == .on, !hasEnded else { return [] }
    return Feature.allCases.compactMap { feature in
      switch self[feature].step {
      case .starting, .renewing, .stopping: return nil
      case .idle:
        return isWanted(feature) ? start(feature) : nil
      case .waiting(let until):
        return isWanted(feature) && now >= until ? start(feature) : nil
      case .running:
        let isDue = self[feature].renewal.map { $0 <= now } ?? false
        guard !isWanted(feature) || isDue else { return nil }
        let isRenewed = feature == .advertisement && isWanted(feature)
        self[feature].renewal = nil
        self[feature].step = isRenewed ? .renewing : .stopping
        return Action(verb: isRenewed ? .renew : .stop, feature: feature, generation: generation)
      }
    }
  }

  private mutating func runs(_ feature: Feature, _ now: Duration) {
    self[feature].step = .running
    switch feature {
    case .application: break
    case .advertisement: renewAdvertisement(at: now + Self.advertisementLife)
    case .discovery: self[.discovery].renewal = now + Self.discoveryLife
    }
  }

  private mutating func start(_ feature: Feature) -> Action {
    self[feature].step = .starting
    self[feature].renewal = nil
    return Action(verb: .start, feature: feature, generation: generation)
  }

  private func isWanted(_ feature: Feature) -> Bool {
    switch feature {
    case .application: true
    // Who is found by it wants the service.
    case .advertisement: isRunning(.application)
    case .discovery: dialCount == 0 && isDiscoveryTime
    }
  }

  // MARK: When to look for peers

  private var effectiveSchedule: DiscoverySchedule {
    hasLinks ? schedule.sparser(than: Self.scheduleWithLinks) : schedule
  }

  /// When discovery runs, or ran last; nil when it has no end, or never began.
  private var window: Range<Duration>? {
    guard case .periodic(let on, _) = effectiveSchedule, let discoveryStart else { return nil }
    return discoveryStart..<discoveryStart + max(on, .zero)
  }

  /// When discovery is to start again. It may have run for longer than its window, when it had all the time before.
  private var nextWindow: Duration? {
    guard case .periodic(let on, let every) = effectiveSchedule, let discoveryStart else { return nil }
    return max(discoveryStart + every, (discoveryEnd ?? discoveryStart) + every - on)
  }

  private var isDiscoveryTime: Bool {
    switch effectiveSchedule {
    case .continuous: true
    case .periodic:
      window.map { $0.contains(now) || (!isRunning(.discovery) && nextWindow.map { now >= $0 } ?? false) } ?? true
    }
  }

  private mutating func renewAdvertisement(at time: Duration) {
    guard !isStopped(.advertisement) else { return }
    self[.advertisement].renewal = self[.advertisement].renewal.map { min($0, time) } ?? time
  }

  private func retryDelay(_ failureCount: Int) -> Duration {
    min(Self.retryFloor * (1 << min(failureCount - 1, 10)), Self.retryCeiling)
  }

  private subscript(feature: Feature) -> Progress {
    get { progress[feature] ?? Progress() }
    set { progress[feature] = newValue }
  }
}
