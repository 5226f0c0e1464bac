import BlueZ
import DBus
public import FieldCore
public import Logging
import Synchronization

/// Links over Bluetooth LE, through bluetoothd: this device advertises and can be dialled, and looks for others and
/// dials them, at the same time on one adapter.
///
/// Nothing here is authenticated or encrypted, and no Bluetooth pairing takes place: that is the session's business.
public final class BluetoothTransport: NetworkTransport {
  /// Links that wait for somebody to take them; further ones are closed.
  public static let unclaimedConnectionCount = 8
  /// Between attempts to reach the message bus.
  private static let busRetryFloor = Duration.seconds(1)
  private static let busRetryCeiling = Duration.seconds(30)

  private struct State {
    var announcement: [UInt8]
    var schedule = DiscoverySchedule.continuous
    var host: AdapterHost?
    var wasStarted = false
  }

  public let kind = TransportKind.bluetooth
  public let cost = TransportCost.shortRangeRadio

  private let configuration: BluetoothConfiguration
  private let clock: any Clock<Duration>
  private let time: FrameLinkClock
  private let logger: Logger
  private let feed: SightingFeed
  private let incoming: AsyncStream<any TransportConnection>
  private let offer: AsyncStream<any TransportConnection>.Continuation
  private let currentStatus = CurrentValue(BluetoothStatus())
  private let state: Mutex<State>

  /// - Parameter clock: Time for deadlines; only tests want another one.
  public init(
    configuration: BluetoothConfiguration = BluetoothConfiguration(), clock: any Clock<Duration> = ContinuousClock(),
    logger: Logger
  ) {
    self.configuration = configuration
    self.clock = clock
    time = FrameLinkClock(clock)
    self.logger = logger
    feed = SightingFeed(lifetime: configuration.sightingLifetime)
    (incoming, offer) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.unclaimedConnectionCount))
    state = Mutex(State(announcement: configuration.announcement))
  }

  // MARK: Running

  /// Runs until the task is cancelled, once. Neither bluetoothd nor the adapter need to be there: ``status`` tells, and
  /// everything is set up when they come, and anew when they come back.
  public func run() async throws(TransportError) {
    let isFirst = state.withLock { state in
      defer { state.wasStarted = true }
      return !state.wasStarted
    }
    guard isFirst else { throw TransportError(.unavailable, "the transport was started before") }
    var delay = Self.busRetryFloor
    while !Task.isCancelled {
      do {
        try await runHost()
        delay = Self.busRetryFloor
        if !Task.isCancelled {
          publish(BluetoothStatus(problem: BluetoothProblem(.busUnavailable, "the message bus was lost")))
        }
      } catch {
        logger.debug("no message bus", metadata: ["error": "\(error)"])
        publish(BluetoothStatus(problem: problem(error)))
        delay = min(delay * 2, Self.busRetryCeiling)
      }
      try? await time.sleepUntil(time.now() + delay)
    }
    feed.finish()
    offer.finish()
    for await _ in incoming {}
    currentStatus.finish()
  }

  /// For as long as one connection to the bus lasts.
  private func runHost() async throws {
    let connection = try await DBusConnection.open(configuration.bus)
    // With it bluetoothd forgets everything that was registered.
    defer { connection.close() }
    let client = try await BlueZClient.attach(to: connection)
    let outlets = AdapterHost.Outlets(
      sightings: feed, incoming: { [offer] in offer.yield($0) }, status: { [weak self] in self?.publish($0) })
    let (announcement, schedule) = state.withLock { ($0.announcement, $0.schedule) }
    let host = AdapterHost(
      client: client, configuration: configuration, announcement: announcement, schedule: schedule, clock: clock,
      logger: logger, outlets: outlets)
    state.withLock { $0.host = host }
    await host.run()
    state.withLock { $0.host = nil }
  }

  private func problem(_ error: any Error) -> BluetoothProblem {
    if let error = error as? BlueZError, error.code == .timedOut {
      BluetoothProblem(.serviceNotAnswering, "bluetoothd does not answer")
    } else {
      BluetoothProblem(.busUnavailable, "the message bus cannot be used: \(error)")
    }
  }

  // MARK: NetworkTransport

  /// Devices that advertise the service. Each stream begins with who is there.
  public func sightings() -> AsyncStream<PeerSighting> { feed.sightings() }

  /// One stream, however often it is asked for.
  public func incomingConnections() -> AsyncStream<any TransportConnection> { incoming }

  /// Dials `ble://ADDRESS`, one peer at a time: the others wait for their turn.
  ///
  /// - Throws: ``TransportError``: `unreachable` when the peer is not there, too far or without a free slot,
  ///   `unavailable`
  ///   when this machine's Bluetooth is.
  public func connect(to address: PeerAddress) async throws(TransportError) -> any TransportConnection {
    guard address.kind == .bluetooth, let location = BluetoothAddress(address.location) else {
      throw TransportError(.badAddress, "expected ble://AA:BB:CC:DD:EE:FF")
    }
    guard let host = state.withLock({ $0.host }) else {
      throw TransportError(.unavailable, "Bluetooth does not run")
    }
    return try await host.dial(location)
  }

  // MARK: Announcement, discovery and status

  /// Announces something else from now on.
  public func announce(_ bytes: [UInt8]) async {
    let announcement = BluetoothConfiguration.announcement(bytes)
    let host = state.withLock { state in
      state.announcement = announcement
      return state.host
    }
    await host?.announce(announcement)
  }

  /// Looks for peers by another schedule from now on; at first it is `continuous`. While links are open it is ten
  /// seconds a minute at most, and nothing while a connection is being made.
  public func discover(_ schedule: DiscoverySchedule) async {
    let host = state.withLock { state in
      state.schedule = schedule
      return state.host
    }
    await host?.schedule(schedule)
  }

  public var status: BluetoothStatus { currentStatus.value }

  /// The status and its changes; a slow listener gets the newest.
  public func statusChanges() -> AsyncStream<BluetoothStatus> { currentStatus.values() }

  /// Called by one task at a time.
  private func publish(_ status: BluetoothStatus) {
    let before = currentStatus.value.problem
    currentStatus.set(status)
    if let problem = status.problem, problem != before {
      logger.warning("Bluetooth: \(problem.reason)", metadata: ["remedy": "\(problem.remedy)"])
    }
  }
}
