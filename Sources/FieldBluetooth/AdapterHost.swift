import BlueZ
import DBus
import FieldCore
import L2CAP
import Logging

/// One adapter of one bluetoothd, for as long as the connection to the message bus lasts: keeps the state machines
/// informed, does what they say, and makes links in both directions.
actor AdapterHost {
  /// Where results go that outlive the host.
  struct Outlets: Sendable {
    let sightings: SightingFeed
    let incoming: @Sendable (FrameLinkConnection) -> Void
    let status: @Sendable (BluetoothStatus) -> Void
  }

  struct CentralLink {
    let device: ObjectPath
    let link: AttributeLink
    let nonce: [UInt8]
  }

  private static let tickInterval = Duration.seconds(1)
  /// For a connection that carries no link.
  private static let idleLimit = Duration.seconds(30)
  /// For what is under way at the end.
  private static let endLimit = Duration.seconds(3)
  private static let applicationPath: ObjectPath = "/org/fieldsync/bluetooth"
  private static let advertisementPath: ObjectPath = "/org/fieldsync/advertisement"

  let client: BlueZClient
  let configuration: BluetoothConfiguration
  let baseClock: any Clock<Duration>
  let clock: FrameLinkClock
  let logger: Logger
  let outlets: Outlets
  let slots: PeripheralSlots
  private let application: GATTApplication
  let advertisement: Advertisement
  private let releases: AsyncStream<Void>
  private let slotLinks: AsyncStream<(SlotLink, ObjectPath)>
  private let slotEnds: AsyncStream<ObjectPath>

  var adapterPath: ObjectPath?
  var machine = AdapterStateMachine()
  var waiters: [UInt64: Waiter] = [:]
  var lastID: UInt64 = 0
  var isDialing = false
  /// Actions of ``machine`` that bluetoothd has not answered.
  var actionsUnderWay = 0
  /// Devices that are being disconnected, which takes seconds.
  var leaving: Set<ObjectPath> = []
  var centralLinks: [UInt64: CentralLink] = [:]
  /// Takes channels while the adapter is on; nil where the kernel gives none.
  var listener: L2CAPListener?
  var accepting: Task<Void, Never>?
  /// When it was last tried to listen.
  var listenedAt: Duration = .zero
  var channels: [UInt64: Channel] = [:]
  var channelHistory = ChannelHistory()
  /// Why links are not over channels.
  var channelProblem: String?
  var announcement: [UInt8]
  /// Connection attempts that failed in a row, and the last one's error.
  var dialFailures: (count: Int, last: TransportError)?
  var featureErrors: [AdapterStateMachine.Feature: BlueZError] = [:]
  private var idleSince: [ObjectPath: Duration] = [:]
  /// Devices that bluetoothd was made to forget since it or the adapter came.
  var forgotten: Set<ObjectPath> = []
  /// Since when discovery pauses between two scans.
  var restSince: Duration?
  var lastStatus: BluetoothStatus?

  init(
    client: BlueZClient, configuration: BluetoothConfiguration, announcement: [UInt8], schedule: DiscoverySchedule,
    clock: any Clock<Duration>, logger: Logger, outlets: Outlets
  ) {
    _ = machine.scheduleChanged(to: schedule, now: .zero)
    self.announcement = announcement
    self.client = client
    self.configuration = configuration
    baseClock = clock
    self.clock = FrameLinkClock(clock)
    self.logger = logger
    self.outlets = outlets
    let (slotLinks, linkQueue) = AsyncStream.makeStream(of: (SlotLink, ObjectPath).self)
    let (slotEnds, endQueue) = AsyncStream.makeStream(of: ObjectPath.self)
    let (releases, releaseQueue) = AsyncStream.makeStream(of: Void.self)
    self.slotLinks = slotLinks
    self.slotEnds = slotEnds
    self.releases = releases
    slots = PeripheralSlots(
      clock: self.clock, logger: logger, onLink: { linkQueue.yield(($0, $1)) }, onEnd: { endQueue.yield($0) })
    application = GATTApplication(root: Self.applicationPath, services: [slots.service()])
    advertisement = Advertisement(
      path: Self.advertisementPath, content: Self.content(nil, announcement, configuration),
      onRelease: { releaseQueue.yield() })
  }

  /// What to advertise now.
  var content: Advertisement.Content { Self.content(announcedPSM, announcement, configuration) }

  private static func content(
    _ psm: UInt16?, _ announcement: [UInt8], _ configuration: BluetoothConfiguration
  ) -> Advertisement.Content {
    let data = ServiceAdvertisement(psm: psm, announcement: announcement).encoded()
    return Advertisement.Content(
      serviceUUIDs: [FieldService.uuid], manufacturerData: [FieldService.company: data],
      interval: configuration.advertisingInterval)
  }

  var linkCount: Int { centralLinks.count + slots.linkCount + channels.count }

  // MARK: Running

  /// Returns when the bus is lost, when bluetoothd came back and cannot be followed, and when the task is cancelled.
  func run() async {
    chooseAdapter()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.followEvents() }
      group.addTask { await self.tick() }
      group.addTask { for await _ in self.releases { await self.advertisementReleased() } }
      group.addTask { for await (link, device) in self.slotLinks { await self.accept(link, from: device) } }
      group.addTask { for await device in self.slotEnds { await self.slotLinkEnded(device) } }
      // The events end first; what else there is ends by that.
      await group.next()
      group.cancelAll()
    }
    // Not to be cancelled with this task.
    await Task { await end() }.value
  }

  private func followEvents() async {
    while !Task.isCancelled {
      for await event in client.events() { handle(event) }
      // The stream of a reader that was too slow ends, and a new one begins with what is present.
      guard !Task.isCancelled, !client.isEnded else { return }
    }
  }

  private func tick() async {
    while !Task.isCancelled {
      let now = clock.now()
      perform(machine.timerFired(now: now))
      slots.expire()
      await listenAgain(now)
      await forgetVanished(now)
      await leaveIdleDevices(now)
      watchDiscovery(now)
      publish()
      do {
        try await clock.sleepUntil(now + Self.tickInterval)
      } catch {
        return
      }
    }
  }

  /// Connections to our peers that carry nothing for long: what a process that was killed left behind, on either end.
  private func leaveIdleDevices(_ now: Duration) async {
    let idle = client.devices.filter { device in
      device.adapter == adapterPath && device.isConnected && !device.isPaired && !device.isTrusted
        && device.uuids.contains(FieldService.uuid) && !isInUse(device.path)
    }.map(\.path)
    idleSince = Dictionary(uniqueKeysWithValues: idle.map { ($0, idleSince[$0] ?? now) })
    guard !isDialing, let (device, _) = idleSince.first(where: { $0.value + Self.idleLimit <= now }) else { return }
    logger.debug("idle connection ended", metadata: ["peer": "\(peerDescription(device))"])
    idleSince[device] = nil
    await leave(device)
  }

  /// Waits for what is under way: an advertisement whose owner is gone before it is registered stays on the air for
  /// good, by bluetoothd 5.66, and an adapter has room for five.
  private func end() async {
    machine.end()
    stopListening()
    endLinks()
    for waiter in waiters.values { waiter.continuation.resume() }
    waiters = [:]
    await wait(for: .nothingUnderWay, limit: Self.endLimit)
  }

  // MARK: Events

  private func handle(_ event: BlueZEvent) {
    switch event {
    case .adapterAppeared, .adapterChanged, .adapterGone, .serviceGone, .serviceBack:
      chooseAdapter()
    case .deviceFound(let device):
      heard(device, isFresh: device.rssi != nil)
    case .deviceChanged(let device, let names):
      heard(device, isFresh: device.rssi != nil && !names.isDisjoint(with: ["RSSI", "ManufacturerData", "UUIDs"]))
    case .deviceConnected(let path):
      connectionChanged(path, isConnected: true)
    case .deviceDisconnected(let path):
      connectionChanged(path, isConnected: false)
    case .deviceGone(let path):
      guard let address = address(at: path) else { break }
      outlets.sightings.update { $0.gone(address.description).map { [$0] } ?? [] }
    case .servicesResolved, .characteristicAppeared, .characteristicGone:
      break
    }
    resumeWaiters()
  }

  private func chooseAdapter() {
    let adapters = client.adapters
    let chosen: AdapterProperties? =
      if let name = configuration.adapter {
        adapters.first { $0.name == name || $0.address?.description == name.uppercased() }
      } else {
        adapters.first { $0.path == adapterPath && $0.isPowered } ?? adapters.first { $0.isPowered } ?? adapters.first
      }
    if chosen?.path != adapterPath {
      // Nothing of the other one's is of use.
      availabilityChanged(to: .missing)
      adapterPath = chosen?.path
    }
    if !client.isServiceRunning {
      availabilityChanged(to: .serviceGone)
    } else {
      availabilityChanged(to: chosen.map { $0.isPowered ? .on : .off } ?? .missing)
    }
    publish()
  }

  private func availabilityChanged(to availability: AdapterStateMachine.Availability) {
    guard availability != machine.availability else { return }
    logger.debug("adapter", metadata: ["state": "\(availability)", "path": "\(adapterPath?.text ?? "none")"])
    if machine.availability == .on {
      stopListening()
      endLinks()
    }
    featureErrors = [:]
    idleSince = [:]
    forgotten = []
    if availability == .on { listen() }
    perform(machine.availabilityChanged(to: availability, now: clock.now()))
  }

  private func endLinks() {
    slots.endAll()
    for link in centralLinks.values { link.link.end() }
    for channel in channels.values { channel.link.end() }
    outlets.sightings.update { $0.clear() }
  }

  private func connectionChanged(_ path: ObjectPath, isConnected: Bool) {
    guard let adapterPath, path.isWithin(adapterPath) else { return }
    let now = clock.now()
    if let address = address(at: path) {
      outlets.sightings.update { table in
        table.connection(address.description, isConnected: isConnected, now: now)
        return []
      }
    }
    if !isConnected {
      slots.disconnected(path)
      for (id, link) in centralLinks where link.device == path {
        // Not left to the task that its end starts: whoever dials before that has run would be told of a link.
        centralLinks[id] = nil
        link.link.end()
      }
      publish()
    }
    perform(machine.linksChanged(now: now))
  }

  // MARK: What is registered

  func announce(_ announcement: [UInt8]) async {
    self.announcement = announcement
    do throws(BlueZError) {
      try await advertisement.update(content, on: client.connection)
    } catch {
      logger.debug("announcement not changed", metadata: ["error": "\(error)"])
    }
  }

  func schedule(_ schedule: DiscoverySchedule) {
    perform(machine.scheduleChanged(to: schedule, now: clock.now()))
  }

  func perform(_ actions: [AdapterStateMachine.Action]) {
    actionsUnderWay += actions.count
    for action in actions {
      Task {
        await execute(action)
        actionsUnderWay -= 1
        resumeWaiters()
      }
    }
  }

  private func execute(_ action: AdapterStateMachine.Action) async {
    guard let adapterPath else { return }
    let adapter = Adapter(adapterPath, of: client)
    do throws(BlueZError) {
      try await carryOut(action, on: adapter)
      if action.verb == .start, machine.isCurrent(action) { featureErrors[action.feature] = nil }
      finished(action, .done)
    } catch {
      if action.verb == .start, machine.isCurrent(action) { featureErrors[action.feature] = error }
      logger.debug(
        "bluetoothd refused",
        metadata: ["what": "\(action.verb) \(action.feature)", "error": "\(error)"])
      finished(action, .failed)
    }
  }

  private func carryOut(_ action: AdapterStateMachine.Action, on adapter: Adapter) async throws(BlueZError) {
    switch (action.feature, action.verb) {
    case (.application, .start):
      do throws(BlueZError) {
        try await application.register(on: adapter.path, of: client)
      } catch {
        // It outlived the adapter's absence.
        guard error.code == .alreadyExists else { throw error }
      }
    case (.application, .stop): try await application.unregister(from: adapter.path, of: client)
    case (.advertisement, .start):
      do throws(BlueZError) {
        try await advertisement.register(on: adapter.path, of: client)
      } catch {
        guard error.code == .alreadyExists else { throw error }
        // Left from before the adapter was off: whether it is on the air nobody says.
        try await advertisement.unregister(from: adapter.path, of: client)
        try await advertisement.register(on: adapter.path, of: client)
      }
    case (.advertisement, .stop): try await advertisement.unregister(from: adapter.path, of: client)
    case (_, .renew): try await advertisement.renew(on: client.connection)
    case (.discovery, .start):
      do throws(BlueZError) {
        try await adapter.setDiscoveryFilter(DiscoveryFilter(uuids: [FieldService.uuid]))
        try await adapter.startDiscovery()
      } catch {
        // Left from before: by us, or in the kernel by a bluetoothd that was killed. It ends, and then ours can begin.
        if error.code == .inProgress { try? await adapter.stopDiscovery() }
        throw error
      }
    case (.discovery, .stop): try await adapter.stopDiscovery()
    }
  }

  private func finished(_ action: AdapterStateMachine.Action, _ outcome: AdapterStateMachine.Outcome) {
    let now = clock.now()
    perform(machine.finished(action, outcome, now: now))
    let isListening = machine.isRunning(.discovery)
    outlets.sightings.update { table in
      table.listening(isListening, now: now)
      return []
    }
    resumeWaiters()
    publish()
  }

  private func advertisementReleased() {
    logger.debug("bluetoothd ended the advertisement")
    perform(machine.released(.advertisement, now: clock.now()))
  }

  // MARK: Links that peers open

  private func accept(_ link: SlotLink, from device: ObjectPath) {
    let peer = peerDescription(device, .attributes)
    Task { [baseClock, outlets, logger] in
      do throws(TransportError) {
        let connection = try await FrameLinkConnection.open(
          .acceptor, over: link,
          configuration: .attributes(frameByteCount: link.maximumFrameByteCount),
          kind: .bluetooth, peerDescription: peer, isFallback: true, clock: baseClock)
        logger.debug("link from peer", metadata: ["peer": "\(peer)", "slot": "\(link.slot)"])
        outlets.incoming(connection)
      } catch {
        logger.debug("peer did not open its link", metadata: ["peer": "\(peer)", "error": "\(error)"])
      }
    }
    publish()
  }

  private func slotLinkEnded(_ device: ObjectPath) {
    logger.debug("link from peer ended", metadata: ["peer": "\(peerDescription(device))"])
    publish()
  }

  /// Whether anything of ours goes over the connection to a device.
  func isInUse(_ device: ObjectPath) -> Bool {
    slots.isHeld(by: device) || centralLinks.values.contains { $0.device == device }
      || channels.values.contains { path(of: $0.address) == device }
  }

  /// Whether a device has opened a link to this one.
  func hasLink(from device: ObjectPath) -> Bool {
    slots.hasLink(of: device) || channels.values.contains { !$0.isOutgoing && path(of: $0.address) == device }
  }
}
