import BlueZ
import DBus
import FieldCore
import FieldWire
import Logging

/// The way out: from an address to a link.
extension AdapterHost {
  /// For one's turn to dial.
  private static let turnLimit = Duration.seconds(60)
  /// For discovery to stop; a connection is tried then anyhow.
  private static let stopLimit = Duration.seconds(5)
  /// Disconnecting takes bluetoothd two to three seconds.
  private static let leaveLimit = Duration.seconds(5)
  /// Between the end of a link and that of the connection below it.
  private static let lingering = Duration.milliseconds(500)
  /// Services are told of a moment after they are resolved.
  private static let presenceLimit = Duration.seconds(3)
  /// The link never came about, by a collision or bad luck: worth another try at once.
  private static let quickRetryCount = 2
  private static let quickRetryDelay = Duration.milliseconds(300)

  /// The characteristics of a peer's service.
  struct Characteristics {
    let information: RemoteCharacteristic
    let control: RemoteCharacteristic
    let receive: [RemoteCharacteristic]
    let transmit: [RemoteCharacteristic]
  }

  func path(of address: BluetoothAddress) -> ObjectPath? {
    client.devices.first { $0.adapter == adapterPath && $0.address == address }?.path
  }

  /// Nil until all of them are known.
  func characteristics(of device: ObjectPath) -> Characteristics? {
    let known = client.characteristics(of: device, service: FieldService.uuid)
    func find(_ uuid: BluetoothUUID) -> RemoteCharacteristic? {
      known.first { $0.uuid == uuid }.map { RemoteCharacteristic($0.path, of: client) }
    }
    let receive = FieldService.receive.compactMap(find)
    let transmit = FieldService.transmit.compactMap(find)
    guard let information = find(FieldService.information), let control = find(FieldService.control),
      receive.count == FieldService.slotCount, transmit.count == FieldService.slotCount
    else { return nil }
    return Characteristics(information: information, control: control, receive: receive, transmit: transmit)
  }

  /// Connects to a peer and opens a link to it. One at a time.
  func dial(_ address: BluetoothAddress) async throws(TransportError) -> FrameLinkConnection {
    try await takeTurn()
    defer {
      isDialing = false
      resumeWaiters()
    }
    guard machine.availability == .on else {
      throw TransportError(.unavailable, "Bluetooth is not there: \(machine.availability)")
    }
    await wait(for: .found(address), limit: configuration.searchDeadline)
    guard let device = path(of: address) else {
      throw TransportError(.unreachable, "no device with this address is near")
    }
    guard !hasLink(from: device) else {
      throw TransportError(.unavailable, "this device has a link from that one, and another makes it no faster")
    }
    if centralLinks.values.contains(where: { $0.device == device }) { return try await openChannelBeside(device) }
    perform(machine.dialBegan(now: clock.now()))
    await wait(for: .discoveryStopped, limit: Self.stopLimit)
    await wait(for: .left(device), limit: Self.leaveLimit)
    let began = clock.now()
    do throws(TransportError) {
      let connection = try await open(device)
      dialFailures = nil
      perform(machine.dialEnded(succeeded: true, now: clock.now()))
      return connection
    } catch {
      logger.debug("dial failed", metadata: ["peer": "\(peerDescription(device))", "error": "\(error)"])
      dialFailures = ((dialFailures?.count ?? 0) + 1, error)
      if error.code == .unreachable, client.device(device)?.isConnected != true {
        let duration = clock.now() - began
        outlets.sightings.update { table in
          table.missed(address.description, for: duration)
          return []
        }
      }
      // Not to be cancelled with the caller: the attempt would go on in bluetoothd.
      await Task { await leave(device) }.value
      perform(machine.dialEnded(succeeded: false, now: clock.now()))
      throw error
    }
  }

  private func takeTurn() async throws(TransportError) {
    let deadline = clock.now() + Self.turnLimit
    while isDialing {
      await wait(for: .dialTurn, limit: deadline - clock.now())
      guard !Task.isCancelled, clock.now() < deadline else {
        throw TransportError(.unavailable, "other connections are being made")
      }
    }
    isDialing = true
  }

  private func open(_ device: ObjectPath) async throws(TransportError) -> FrameLinkConnection {
    if let psm = client.device(device).flatMap({ advertisedPSM(of: $0) }) {
      do throws(ChannelFailure) {
        return try await openAdvertisedChannel(psm, to: device)
      } catch {
        // A peer that is not there will not be found by GATT either.
        guard !Task.isCancelled, client.device(device)?.isConnected == true else { throw error.reason }
        if error.isConnectionSuspect { await leave(device) }
      }
    }
    try await connect(device)
    let characteristics = try await resolve(device)
    let information = try await readInformation(characteristics, of: device)
    if let connection = await upgrade(device, information) {
      // The channel has carried a frame there and one back: only now is the slot given up.
      Task {
        try? await characteristics.control.write(ControlMessage(.bye, nonce: information.nonce).encoded(), .request)
      }
      return connection
    }
    let slot: Int
    switch information.slot {
    case .granted(let granted): slot = granted
    case .busy(let retrySeconds):
      throw TransportError(.unreachable, "the peer has no free slot; try again in \(retrySeconds) s")
    }
    let link = try await acquire(slot, of: characteristics, on: device, information)
    return try await FrameLinkConnection.open(
      .initiator(session: UInt16.random(in: .min ... .max)), over: link,
      configuration: .attributes(frameByteCount: link.maximumFrameByteCount), kind: .bluetooth,
      peerDescription: peerDescription(device, .attributes), isFallback: true, clock: baseClock)
  }

  // MARK: Steps

  private func connect(_ device: ObjectPath) async throws(TransportError) {
    let remote = Device(device, of: client)
    for attempt in 0... {
      do throws(BlueZError) {
        try await remote.connect(timeout: configuration.dialDeadline)
        break
      } catch {
        switch error.code {
        case .alreadyConnected: return
        case .timedOut: throw TransportError(.unreachable, "no connection in \(configuration.dialDeadline)")
        case .inProgress:
          // Somebody else's attempt does as well.
          await wait(for: .connected(device), limit: configuration.dialDeadline)
          guard client.device(device)?.isConnected != true else { return }
        case .failed where error.reason.contains("abort-by-local") && attempt < Self.quickRetryCount:
          try? await clock.sleepUntil(clock.now() + Self.quickRetryDelay)
          guard !Task.isCancelled else { break }
          continue
        case .failed where error.reason.hasPrefix("br-"):
          // bluetoothd takes it for a classic device; it learns better when it meets it anew.
          await forget(device)
        default: break
        }
        throw TransportError(error, "no connection")
      }
    }
    // The answer to a call may overtake the signal of what it did.
    await wait(for: .connected(device), limit: Self.presenceLimit)
  }

  private func resolve(_ device: ObjectPath) async throws(TransportError) -> Characteristics {
    await wait(for: .servicesResolved(device), limit: configuration.resolveDeadline)
    await wait(for: .characteristicsPresent(device), limit: Self.presenceLimit)
    if let characteristics = characteristics(of: device) { return characteristics }
    guard let properties = client.device(device), properties.isConnected else {
      throw TransportError(.unreachable, "the connection broke before the peer's services were known")
    }
    guard properties.areServicesResolved else {
      throw TransportError(.unreachable, "the peer's services are not known in time")
    }
    // What bluetoothd remembers of its services may be old.
    await forget(device)
    throw TransportError(.unreachable, "the peer does not offer the service")
  }

  func readInformation(
    _ characteristics: Characteristics, of device: ObjectPath
  ) async throws(TransportError) -> ServiceInformation {
    let bytes: [UInt8]
    do throws(BlueZError) {
      bytes = try await characteristics.information.read()
    } catch {
      await forgetUnlessLost(device)
      throw TransportError(error, "INFO cannot be read")
    }
    do throws(WireError) {
      return try ServiceInformation(decoding: bytes)
    } catch {
      await forgetUnlessLost(device)
      throw TransportError(.protocolViolation, error.reason)
    }
  }

  /// What bluetoothd remembers of a peer's services may be of a process that was killed.
  private func forgetUnlessLost(_ device: ObjectPath) async {
    if client.device(device)?.isConnected == true { await forget(device) }
  }

  private func acquire(
    _ slot: Int, of characteristics: Characteristics, on device: ObjectPath, _ information: ServiceInformation
  ) async throws(TransportError) -> AttributeLink {
    let incoming: AttributeChannel
    let outgoing: AttributeChannel
    do throws(BlueZError) {
      try await characteristics.control.write(ControlMessage(.hello, nonce: information.nonce).encoded(), .request)
      incoming = try await characteristics.transmit[slot].acquireNotify()
      outgoing = try await characteristics.receive[slot].acquireWrite()
    } catch {
      throw TransportError(error, "the peer's slot cannot be had")
    }
    let frameByteCount = min(
      information.maximumFrameByteCount, FieldService.frameByteCount(mtu: min(incoming.mtu, outgoing.mtu)))
    guard frameByteCount >= LinkFrame.smallestLinkByteCount else {
      throw TransportError(.protocolViolation, "an ATT MTU below the smallest")
    }
    lastID += 1
    let id = lastID
    let link = AttributeLink(
      outgoing: outgoing.socket, incoming: incoming.socket, maximumFrameByteCount: frameByteCount,
      onClose: { [weak self] in
        Task { await self?.centralLinkEnded(id) }
      })
    centralLinks[id] = CentralLink(device: device, link: link, nonce: information.nonce)
    publish()
    return link
  }

  // MARK: Ends

  private func centralLinkEnded(_ id: UInt64) async {
    guard let ended = centralLinks.removeValue(forKey: id) else { return }
    publish()
    // Whatever is dialling this device now wants the connection.
    guard !isDialing else { return }
    if client.device(ended.device)?.isConnected == true, let control = characteristics(of: ended.device)?.control {
      try? await control.write(ControlMessage(.bye, nonce: ended.nonce).encoded(), .request)
    }
    // That takes up to ten seconds, in which a dial may have begun.
    await leaveSoon(ended.device)
  }

  /// Disconnects a device whose link has ended, a little later: who ends by then, as a command does, leaves it alone.
  /// bluetoothd takes two seconds to disconnect, and would end what the next command began meanwhile.
  func leaveSoon(_ device: ObjectPath) async {
    try? await clock.sleepUntil(clock.now() + Self.lingering)
    guard !machine.hasEnded, !isDialing else { return }
    await leave(device)
  }

  /// Disconnects a device that nothing of ours needs, so that this adapter can advertise and the radio rests.
  func leave(_ device: ObjectPath) async {
    guard !isInUse(device), leaving.insert(device).inserted else { return }
    try? await Device(device, of: client).disconnect()
    leaving.remove(device)
    resumeWaiters()
  }

  /// Removes bluetoothd's memory of a device that is nothing to the machine's user, and that has no link here: with the
  /// memory goes the connection.
  func forget(_ device: ObjectPath) async {
    guard let adapterPath, let properties = client.device(device), !properties.isPaired, !properties.isTrusted,
      !isInUse(device)
    else { return }
    try? await Adapter(adapterPath, of: client).removeDevice(device)
  }
}
