/// Who holds which slot of the GATT service. One slot a device; a slot that was only asked for is taken back after
/// ``openDeadline``.
///
/// A state machine without IO: it says which links are over, the caller ends them.
struct SlotTable<Device: Hashable & Sendable>: Sendable {
  /// From INFO or HELLO to the first OPEN.
  static var openDeadline: Duration { .seconds(10) }
  /// What a reader is told when all slots carry links.
  static var busyDelay: Duration { .seconds(30) }

  typealias LinkID = UInt64

  struct Lease: Equatable, Sendable {
    let slot: Int
    let nonce: [UInt8]
    /// The ATT MTU of the device's connection.
    var mtu: UInt16
    /// Nil while no link is open.
    fileprivate(set) var link: LinkID?
    fileprivate var deadline: Duration
    fileprivate let order: UInt64
  }

  enum Grant: Equatable, Sendable {
    case slot(Lease)
    case busy(retryAfter: Duration)
  }

  enum Delivery: Equatable, Sendable {
    case link(LinkID)
    /// The slot's device has no link: this may be its OPEN.
    case newLink(Device, Lease)
    /// Nobody holds the slot.
    case drop
  }

  private var leases: [Device: Lease] = [:]
  private let slotCount: Int
  private var lastUse: [UInt64]
  private var count: UInt64 = 0

  init(slotCount: Int) {
    self.slotCount = slotCount
    lastUse = Array(repeating: 0, count: slotCount)
  }

  func lease(of device: Device) -> Lease? { leases[device] }

  func holder(of slot: Int) -> Device? { leases.first { $0.value.slot == slot }?.key }

  /// When the first slot that is not open may be taken back.
  private var nextDeadline: Duration? { leases.values.filter { $0.link == nil }.map(\.deadline).min() }

  /// A device reads INFO. It keeps the slot that it holds; otherwise it gets the one that has been free for longest, so
  /// that late frames of the slot's last holder do no harm. `nonce` is used for a new holder.
  mutating func request(by device: Device, mtu: UInt16, nonce: [UInt8], now: Duration) -> Grant {
    _ = expire(now: now)
    if let held = leases[device] {
      leases[device]?.mtu = mtu
      leases[device]?.deadline = now + Self.openDeadline
      return .slot(leases[device] ?? held)
    }
    let taken = Set(leases.values.map(\.slot))
    guard let slot = (0..<slotCount).filter({ !taken.contains($0) }).min(by: { lastUse[$0] < lastUse[$1] }) else {
      let wait = nextDeadline.map { $0 - now } ?? Self.busyDelay
      return .busy(retryAfter: max(wait, .seconds(1)))
    }
    count += 1
    let lease = Lease(slot: slot, nonce: nonce, mtu: mtu, link: nil, deadline: now + Self.openDeadline, order: count)
    leases[device] = lease
    return .slot(lease)
  }

  /// A device says that it is about to open its slot.
  /// - Returns: the link that is over by that; nil for the outer value when the device does not hold the nonce's slot.
  mutating func hello(from device: Device, nonce: [UInt8], now: Duration) -> LinkID?? {
    guard var lease = leases[device], lease.nonce == nonce else { return nil }
    let former = lease.link
    lease.link = nil
    lease.deadline = now + Self.openDeadline
    leases[device] = lease
    return .some(former)
  }

  /// A device gives its slot back.
  /// - Returns: the link that is over by that.
  mutating func bye(from device: Device, nonce: [UInt8]) -> LinkID? {
    guard let lease = leases[device], lease.nonce == nonce else { return nil }
    return release(device)
  }

  /// A frame came in on a slot.
  func frameArrived(on slot: Int) -> Delivery {
    guard let (device, lease) = leases.first(where: { $0.value.slot == slot }) else { return .drop }
    return lease.link.map { .link($0) } ?? .newLink(device, lease)
  }

  /// The caller made a link of what ``frameArrived(on:)`` told.
  mutating func opened(_ link: LinkID, by device: Device) { leases[device]?.link = link }

  /// A link ended. Its slot is free, unless its device has said HELLO again.
  mutating func ended(_ link: LinkID) {
    guard let device = leases.first(where: { $0.value.link == link })?.key else { return }
    _ = release(device)
  }

  /// A device's connection is gone.
  /// - Returns: the link that is over by that.
  mutating func disconnected(_ device: Device) -> LinkID? { release(device) }

  /// Takes back the slots whose devices did not open them in time.
  /// - Returns: whose.
  mutating func expire(now: Duration) -> [Device] {
    let late = leases.filter { $0.value.link == nil && $0.value.deadline <= now }.sorted {
      $0.value.order < $1.value.order
    }
    .map(\.key)
    for device in late { _ = release(device) }
    return late
  }

  private mutating func release(_ device: Device) -> LinkID? {
    guard let lease = leases.removeValue(forKey: device) else { return nil }
    count += 1
    lastUse[lease.slot] = count
    return lease.link
  }
}
