import BlueZ
import DBus
import FieldCore
import FieldWire
import L2CAP
import Logging

/// L2CAP channels, the bearer of choice: nothing on them is lost, reordered or shared, and a link to a peer whose PSM
/// was advertised is up without a look at its services.
extension AdapterHost {
  struct Channel {
    let address: BluetoothAddress
    let isOutgoing: Bool
    let link: ChannelLink
  }

  struct ChannelFailure: Error {
    let reason: TransportError
    /// The channel was there and carried nothing: whatever else goes over the same connection may not arrive either.
    let isConnectionSuspect: Bool
  }

  /// Channels that peers hold at once, strangers among them: in all, and each. The second one of a peer is for who
  /// comes back before its first one is known to be gone.
  static let incomingChannelLimit = 8
  static let incomingChannelLimitOfPeer = 2
  private static let backlog: Int32 = 4
  /// Between attempts to listen.
  private static let listenInterval = Duration.seconds(20)
  /// Between attempts to accept when there are no descriptors.
  private static let acceptDelay = Duration.seconds(1)
  /// From the channel to the answer to OPEN.
  private static let openLimit = Duration.seconds(3)
  /// For a channel to a peer that is connected already, and the answer to OPEN on it.
  private static let upgradeLimit = Duration.milliseconds(1500)

  // MARK: Taking channels

  /// Listens on the adapter in use, as long as it is on.
  func listen() {
    stopListening()
    listenedAt = clock.now()
    defer {
      slots.psm = announcedPSM
      advertisement.prepare(content)
    }
    guard configuration.usesChannels else { return }
    guard let local = localAddress else {
      channelProblem = "no L2CAP channels: the adapter has no address"
      return
    }
    do throws(L2CAPError) {
      let listener = try L2CAPListener(on: local, backlog: Self.backlog)
      self.listener = listener
      channelProblem = nil
      accepting = Task { await accept(from: listener) }
    } catch {
      channelProblem = "no L2CAP channels: \(error)"
    }
  }

  /// Other programs may have had all PSMs.
  func listenAgain(_ now: Duration) async {
    guard configuration.usesChannels, machine.availability == .on, listener == nil,
      listenedAt + Self.listenInterval <= now
    else { return }
    listen()
    if listener != nil { await announce(announcement) }
  }

  func stopListening() {
    accepting?.cancel()
    accepting = nil
    listener?.close()
    listener = nil
    slots.psm = nil
  }

  var announcedPSM: UInt16? { listener.flatMap { configuration.announcedPSM ?? $0.psm } }

  private var localAddress: LowEnergyAddress? {
    guard let adapter = adapterPath.flatMap({ client.adapter($0) }), let address = adapter.address else { return nil }
    return LowEnergyAddress(address, adapter.addressType)
  }

  private func accept(from listener: L2CAPListener) async {
    while !Task.isCancelled {
      do throws(L2CAPError) {
        take(try await listener.accept())
      } catch {
        guard error.code == .limitExceeded else {
          guard !Task.isCancelled, self.listener === listener else { return }
          channelProblem = "no more L2CAP channels are taken: \(error)"
          return publish()
        }
        try? await clock.sleepUntil(clock.now() + Self.acceptDelay)
      }
    }
  }

  private func take(_ channel: L2CAPChannel) {
    let incoming = channels.values.filter { !$0.isOutgoing }
    guard let address = channel.peer.flatMap({ BluetoothAddress($0) }), incoming.count < Self.incomingChannelLimit,
      incoming.count(where: { $0.address == address }) < Self.incomingChannelLimitOfPeer,
      channel.sendByteCount >= LinkFrame.smallestLinkByteCount
    else {
      logger.debug("channel not taken", metadata: ["channels": "\(incoming.count)"])
      return channel.close()
    }
    let link = add(channel, of: address, isOutgoing: false)
    let peer = Self.peerDescription(address, .channel)
    Task { [baseClock, outlets, logger] in
      do throws(TransportError) {
        // The deadline for OPEN bounds how long a stranger holds a channel; from then on it is the session's.
        let connection = try await FrameLinkConnection.open(
          .acceptor, over: link, configuration: .channel(frameByteCount: link.maximumFrameByteCount), kind: .bluetooth,
          peerDescription: peer, clock: baseClock)
        logger.debug("channel from peer", metadata: ["peer": "\(peer)"])
        outlets.incoming(connection)
      } catch {
        logger.debug("peer did not open its channel", metadata: ["peer": "\(peer)", "error": "\(error)"])
      }
    }
  }

  private func add(_ channel: L2CAPChannel, of address: BluetoothAddress, isOutgoing: Bool) -> ChannelLink {
    lastID += 1
    let id = lastID
    let link = ChannelLink(channel) { [weak self] in
      Task { await self?.channelEnded(id) }
    }
    channels[id] = Channel(address: address, isOutgoing: isOutgoing, link: link)
    publish()
    return link
  }

  private func channelEnded(_ id: UInt64) async {
    guard let ended = channels.removeValue(forKey: id) else { return }
    logger.debug("channel ended", metadata: ["peer": "\(Self.peerDescription(ended.address, .channel))"])
    publish()
    // Whatever is dialling this device now wants the connection. Who dialled is who disconnects.
    guard ended.isOutgoing, !isDialing, let device = path(of: ended.address) else { return }
    await leaveSoon(device)
  }

  // MARK: Opening channels

  /// Where a peer takes channels, by its advertisement, unless it lately did not.
  func advertisedPSM(of device: DeviceProperties) -> UInt16? {
    guard listener != nil, let address = device.address,
      let psm = ServiceAdvertisement(decoding: device.manufacturerData[FieldService.company] ?? [])?.psm,
      channelHistory.isWorthTrying(address, psm: psm, now: clock.now())
    else { return nil }
    return psm
  }

  /// The way in without GATT.
  func openAdvertisedChannel(_ psm: UInt16, to device: ObjectPath) async throws(ChannelFailure) -> FrameLinkConnection {
    try await openChannel(
      psm, to: device, connectBy: clock.now() + configuration.dialDeadline, openLimit: Self.openLimit)
  }

  /// A channel beside the GATT connection that INFO was read on; nil when there is none to be had.
  func upgrade(_ device: ObjectPath, _ information: ServiceInformation) async -> FrameLinkConnection? {
    guard listener != nil, information.capabilities.contains(.channel),
      let psm = ServiceInformation.dynamicPSM(information.psm), let address = client.device(device)?.address,
      channelHistory.isWorthTrying(address, psm: psm, now: clock.now())
    else { return nil }
    let deadline = clock.now() + Self.upgradeLimit
    return try? await openChannel(psm, to: device, connectBy: deadline, openLimit: Self.upgradeLimit)
  }

  /// A channel to a peer that a link over GATT goes to. INFO says over that link where it takes one now; its
  /// advertisement says so as well, and is seldom listened for while links are open.
  func openChannelBeside(_ device: ObjectPath) async throws(TransportError) -> FrameLinkConnection {
    if listener != nil, let characteristics = characteristics(of: device),
      let connection = await upgrade(device, try await readInformation(characteristics, of: device))
    {
      return connection
    }
    throw TransportError(.unavailable, "there is a link to this device, and no better one is to be had")
  }

  private func openChannel(
    _ psm: UInt16, to device: ObjectPath, connectBy deadline: Duration, openLimit: Duration
  ) async throws(ChannelFailure) -> FrameLinkConnection {
    guard let local = localAddress, let properties = client.device(device), let address = properties.address,
      let remote = LowEnergyAddress(address, properties.addressType)
    else {
      throw ChannelFailure(reason: TransportError(.unreachable, "the device is gone"), isConnectionSuspect: false)
    }
    var opened: ChannelLink?
    var wasRefused = false
    do throws(TransportError) {
      let channel: L2CAPChannel
      do throws(L2CAPError) {
        channel = try await L2CAPChannel.connect(from: local, to: remote, psm: psm) { [clock] in
          try? await clock.sleepUntil(deadline)
        }
      } catch {
        wasRefused = error.code == .refused
        throw TransportError(error, "no channel")
      }
      guard channel.sendByteCount >= LinkFrame.smallestLinkByteCount else {
        channel.close()
        throw TransportError(.protocolViolation, "a channel for packets of \(channel.sendByteCount) bytes")
      }
      let link = add(channel, of: address, isOutgoing: true)
      opened = link
      let connection = try await FrameLinkConnection.open(
        .initiator(session: UInt16.random(in: .min ... .max)), over: link,
        configuration: .channel(frameByteCount: link.maximumFrameByteCount, openDeadline: openLimit), kind: .bluetooth,
        peerDescription: Self.peerDescription(address, .channel), clock: baseClock)
      channelHistory.succeeded(address)
      channelProblem = nil
      return connection
    } catch {
      // Closed before the connection below it is ended, and not in the way of that.
      opened?.end()
      channels = channels.filter { $0.value.link !== opened }
      let hasLink = client.device(device)?.isConnected == true
      logger.debug(
        "no channel",
        metadata: ["peer": "\(Self.peerDescription(address, .channel))", "error": "\(error)", "link": "\(hasLink)"])
      if !Task.isCancelled {
        // On a busy machine the link may be gone by the time that a refusal is looked at.
        let outcome: ChannelHistory.Outcome = hasLink || wasRefused ? .refused : .withoutLink
        channelHistory.failed(address, psm: psm, outcome, now: clock.now())
        channelProblem = outcome.problem(with: Self.peerDescription(address), error)
        publish()
      }
      throw ChannelFailure(reason: error, isConnectionSuspect: opened != nil)
    }
  }
}

extension LowEnergyAddress {
  init?(_ address: BluetoothAddress, _ type: BluetoothAddressType?) {
    self.init(address.bytes, type == .random ? .random : .public)
  }
}

extension BluetoothAddress {
  init?(_ address: LowEnergyAddress) { self.init(bytes: address.bytes) }
}

extension FrameLinkConfiguration {
  /// For a GATT slot.
  static func attributes(frameByteCount: Int) -> FrameLinkConfiguration {
    FrameLinkConfiguration(
      maximumFrameByteCount: frameByteCount,
      maximumMessageByteCount: messageByteCount(
        within: FrameLinkLimits.messageByteCount, frameByteCount: frameByteCount))
  }

  /// For an L2CAP channel, whose frames are large.
  static func channel(
    frameByteCount: Int, openDeadline: Duration = FrameLinkLimits.openDeadline
  ) -> FrameLinkConfiguration {
    FrameLinkConfiguration(
      maximumFrameByteCount: frameByteCount,
      maximumMessageByteCount: messageByteCount(
        within: FrameLinkLimits.channelMessageByteCount, frameByteCount: frameByteCount),
      openDeadline: openDeadline)
  }
}
