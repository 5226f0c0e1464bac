import BlueZ
import DBus
import FieldCore
import FieldWire
import Logging
import Synchronization

/// This device's service: the handlers behind its characteristics, and the links that come about on its slots.
///
/// Sockets belong to slots, not to links: bluetoothd before 5.69 has one socket of a characteristic for all centrals,
/// and leaves the one for writes open when a central goes. So each is read for as long as it lives, and what comes in
/// goes to the slot's link, if there is one.
final class PeripheralSlots: Sendable {
  typealias Table = SlotTable<ObjectPath>
  /// Sockets of one characteristic, in case that bluetoothd has one for each device.
  private static let channelLimit = 8

  private enum Side: Int {
    case receive
    case transmit
  }

  private struct Socket {
    let id: UInt64
    let channel: AttributeChannel
  }

  private struct State {
    var table = Table(slotCount: FieldService.slotCount)
    var links: [UInt64: SlotLink] = [:]
    var devices: [UInt64: ObjectPath] = [:]
    var sockets: [[[Socket]]] = Array(repeating: Array(repeating: [], count: FieldService.slotCount), count: 2)
    /// Links that wait for a socket to send through.
    var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    /// INFO of those who read it in several parts.
    var information: [ObjectPath: [UInt8]] = [:]
    var psm: UInt16?
    var lastID: UInt64 = 0

    mutating func nextID() -> UInt64 {
      lastID += 1
      return lastID
    }

    subscript(side: Side, slot: Int) -> [Socket] {
      get { sockets[side.rawValue][slot] }
      set { sockets[side.rawValue][slot] = newValue }
    }

    /// The socket that leads to the link's device. Where all devices share one, it is whoever's was first.
    func transmitter(for link: SlotLink) -> Socket? {
      let sockets = self[.transmit, link.slot]
      return sockets.last { $0.channel.device == devices[link.id] } ?? sockets.last
    }

    /// Forgets a link.
    mutating func remove(_ id: UInt64) -> (SlotLink, CheckedContinuation<Void, Never>?)? {
      table.ended(id)
      devices[id] = nil
      guard let link = links.removeValue(forKey: id) else { return nil }
      return (link, waiting.removeValue(forKey: id))
    }
  }

  private let state = Mutex(State())
  private let clock: FrameLinkClock
  private let logger: Logger
  private let onLink: @Sendable (SlotLink, ObjectPath) -> Void
  private let onEnd: @Sendable (ObjectPath) -> Void

  /// - Parameters:
  ///   - onLink: A device has opened its slot.
  ///   - onEnd: That link is over.
  init(
    clock: FrameLinkClock, logger: Logger, onLink: @escaping @Sendable (SlotLink, ObjectPath) -> Void,
    onEnd: @escaping @Sendable (ObjectPath) -> Void
  ) {
    self.clock = clock
    self.logger = logger
    self.onLink = onLink
    self.onEnd = onEnd
  }

  var linkCount: Int { state.withLock { $0.links.count } }

  /// Where this device takes L2CAP channels, for INFO.
  var psm: UInt16? {
    get { state.withLock { $0.psm } }
    set { state.withLock { $0.psm = newValue } }
  }

  /// Whether a device holds a slot.
  func isHeld(by device: ObjectPath) -> Bool { state.withLock { $0.table.lease(of: device) != nil } }

  func hasLink(of device: ObjectPath) -> Bool { state.withLock { $0.table.lease(of: device)?.link != nil } }

  // MARK: The service

  /// To be registered once.
  func service() -> LocalService {
    var characteristics = [
      LocalCharacteristic(
        uuid: FieldService.information,
        read: { [weak self] request async throws(BlueZError) in try self?.read(request) ?? [] }),
      LocalCharacteristic(
        uuid: FieldService.control,
        write: { [weak self] bytes, request async throws(BlueZError) in try self?.written(bytes, request) }),
    ]
    for (slot, uuid) in FieldService.receive.enumerated() {
      characteristics.append(
        LocalCharacteristic(
          uuid: uuid,
          acquireWrite: { [weak self] channel throws(BlueZError) in self?.add(channel, .receive, slot) }))
    }
    for (slot, uuid) in FieldService.transmit.enumerated() {
      characteristics.append(
        LocalCharacteristic(
          uuid: uuid,
          acquireNotify: { [weak self] channel throws(BlueZError) in self?.add(channel, .transmit, slot) }))
    }
    return LocalService(uuid: FieldService.uuid, characteristics: characteristics)
  }

  private func read(_ request: AttributeRequest) throws(BlueZError) -> [UInt8] {
    guard let device = request.device else { throw BlueZError(.notPermitted, "INFO is for known devices") }
    var generator = SystemRandomNumberGenerator()
    let nonce = (0..<ServiceInformation.nonceByteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let now = clock.now()
    let value = state.withLock { state -> [UInt8]? in
      guard request.offset == 0 else { return state.information[device] }
      let mtu = request.mtu ?? Self.smallestMTU
      let frameByteCount = max(LinkFrame.smallestLinkByteCount, FieldService.frameByteCount(mtu: mtu))
      var information =
        switch state.table.request(by: device, mtu: mtu, nonce: nonce, now: now) {
        case .slot(let lease):
          ServiceInformation(slot: .granted(lease.slot), maximumFrameByteCount: frameByteCount, nonce: lease.nonce)
        case .busy(let delay):
          ServiceInformation(
            slot: .busy(retrySeconds: UInt8(clamping: delay.components.seconds + 1)),
            maximumFrameByteCount: frameByteCount, nonce: nonce)
        }
      if let psm = state.psm {
        information.capabilities.insert(.channel)
        information.psm = psm
      }
      let encoded = information.encoded()
      if state.table.lease(of: device) != nil { state.information[device] = encoded }
      return encoded
    }
    guard let value else { throw BlueZError(.invalidOffset, "INFO is read from its start") }
    return value
  }

  private func written(_ bytes: [UInt8], _ request: AttributeRequest) throws(BlueZError) {
    guard let device = request.device else { throw BlueZError(.notPermitted, "CTRL is for known devices") }
    guard let message = try? ControlMessage(decoding: bytes) else {
      throw BlueZError(.invalidValueLength, "not a message for CTRL")
    }
    let now = clock.now()
    switch message.kind {
    case .hello:
      guard let former = state.withLock({ $0.table.hello(from: device, nonce: message.nonce, now: now) }) else {
        throw BlueZError(.notPermitted, "the slot is not held any more")
      }
      end(former)
    case .bye:
      end(state.withLock { $0.table.bye(from: device, nonce: message.nonce) })
    }
  }

  private static let smallestMTU: UInt16 = 23

  // MARK: Sockets

  private func add(_ channel: AttributeChannel, _ side: Side, _ slot: Int) {
    let (id, surplus, waiting) = state.withLock { state in
      let id = state.nextID()
      state[side, slot].append(Socket(id: id, channel: channel))
      let surplus =
        state[side, slot].count > Self.channelLimit ? state[side, slot].removeFirst() : nil
      defer { state.waiting = [:] }
      return (id, surplus, state.waiting)
    }
    surplus?.channel.socket.close()
    for waiter in waiting.values { waiter.resume() }
    // Sockets to send through are read too: their end is only seen so.
    Task { [weak self] in
      while let bytes = try? await channel.socket.receive() {
        guard let self else { break }
        deliver(bytes, to: slot)
      }
      channel.socket.close()
      self?.remove(id, side, slot)
    }
  }

  private func remove(_ id: UInt64, _ side: Side, _ slot: Int) {
    let orphan = state.withLock { state -> UInt64? in
      let remaining = state[side, slot].filter { $0.id != id }
      state[side, slot] = remaining
      guard let device = state.table.holder(of: slot), let link = state.table.lease(of: device)?.link else {
        return nil
      }
      return remaining.isEmpty ? link : nil
    }
    end(orphan)
  }

  private func deliver(_ bytes: [UInt8], to slot: Int) {
    let (link, opener) = state.withLock { state -> (SlotLink?, ObjectPath?) in
      switch state.table.frameArrived(on: slot) {
      case .drop: return (nil, nil)
      case .link(let id): return (state.links[id], nil)
      case .newLink(let device, let lease):
        // Late frames of an earlier link are nothing to begin with.
        guard let frame = try? LinkFrame(decoding: bytes), case .open = frame.body else { return (nil, nil) }
        let id = state.nextID()
        let link = SlotLink(
          id: id, slot: slot,
          maximumFrameByteCount: max(LinkFrame.smallestLinkByteCount, FieldService.frameByteCount(mtu: lease.mtu)),
          slots: self)
        state.links[id] = link
        state.devices[id] = device
        state.table.opened(id, by: device)
        return (link, device)
      }
    }
    link?.deliver(bytes)
    if let link, let opener { onLink(link, opener) }
  }

  func transmit(_ frame: [UInt8], for link: SlotLink) async throws(TransportError) {
    while true {
      guard let socket = await transmitter(for: link) else {
        throw TransportError(.connectionLost, "the slot is closed")
      }
      do throws(BlueZError) {
        return try await socket.channel.socket.send(frame)
      } catch {
        guard error.code == .linkClosed else {
          throw TransportError(.connectionLost, "bluetoothd takes no more: \(error.description)")
        }
        remove(socket.id, .transmit, link.slot)
      }
    }
  }

  /// Waits for the central to subscribe, when it wrote before bluetoothd told us of that. Nil when the link is over.
  private func transmitter(for link: SlotLink) async -> Socket? {
    while true {
      let (isOpen, socket) = state.withLock { ($0.links[link.id] != nil, $0.transmitter(for: link)) }
      guard isOpen else { return nil }
      if let socket { return socket }
      await withCheckedContinuation { continuation in
        let isWaiting = state.withLock { state in
          guard state.links[link.id] != nil, state.transmitter(for: link) == nil else { return false }
          state.waiting[link.id] = continuation
          return true
        }
        if !isWaiting { continuation.resume() }
      }
    }
  }

  // MARK: Ends

  func end(_ link: SlotLink) { end(link.id) }

  private func end(_ id: UInt64?) {
    guard let id else { return }
    let (device, removed) = state.withLock { state in
      let device = state.devices[id]
      return (device, state.remove(id))
    }
    guard let (link, waiter) = removed else { return }
    link.finish()
    waiter?.resume()
    if let device { onEnd(device) }
  }

  /// A device's connection is gone.
  func disconnected(_ device: ObjectPath) {
    end(
      state.withLock { state in
        state.information[device] = nil
        return state.table.disconnected(device)
      })
  }

  /// Takes back what was asked for and not used.
  func expire() {
    let now = clock.now()
    let late = state.withLock { state in
      let late = state.table.expire(now: now)
      for device in late { state.information[device] = nil }
      return late
    }
    if !late.isEmpty { logger.debug("slots taken back that nobody opened", metadata: ["count": "\(late.count)"]) }
  }

  /// bluetoothd or the adapter is gone, or we are.
  func endAll() {
    let (links, sockets) = state.withLock { state in
      defer {
        state.sockets = state.sockets.map { $0.map { _ in [] } }
        state.information = [:]
      }
      return (Array(state.links.keys), state.sockets.joined().joined())
    }
    for socket in sockets { socket.channel.socket.close() }
    for link in links { end(link) }
  }
}
