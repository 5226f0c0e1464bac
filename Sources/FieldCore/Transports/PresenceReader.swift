public import FieldWire
public import Sodium

/// Reads the beacons of a workspace's devices. Pure: the epoch is told to it.
public struct PresenceReader: Sendable {
  public struct Recognition: Hashable, Sendable {
    public var device: DeviceKey
    /// The one that the beacon was made for.
    public var epoch: PresenceEpoch
    /// Whether the device's store holds the same entries as the one here.
    public var holdsTheSame: Bool
  }

  private struct Candidate {
    var device: DeviceKey
    var epoch: PresenceEpoch
    var identity: [UInt8]
    var key: SecretBytes
  }

  /// Devices that are looked for at most; further ones are met without being recognised first.
  public static let deviceLimit = 4096

  /// Keys that are tried at most.
  public static let keyLimit = 8

  private var keys: [SecretBytes]
  private var devices: [DeviceKey] = []
  public private(set) var epoch: PresenceEpoch
  /// By short identity: the accepted epochs' tags of all devices.
  private var candidates: [UInt16: [Candidate]] = [:]

  /// - Parameter keys: The workspace's presence keys, the present one first: own beacons are made with it. A peer that
  ///   was away may still use an older one.
  public init(keys: [SecretBytes], epoch: PresenceEpoch) {
    self.keys = Array(keys.prefix(Self.keyLimit))
    self.epoch = epoch
  }

  public mutating func update(keys: [SecretBytes]) {
    let keys = Array(keys.prefix(Self.keyLimit))
    guard keys != self.keys else { return }
    self.keys = keys
    tabulate()
  }

  /// - Parameter devices: Who may be near, this device left out.
  public mutating func update(devices: some Collection<DeviceKey>) {
    let devices = Array(devices.prefix(Self.deviceLimit))
    guard devices != self.devices else { return }
    self.devices = devices
    tabulate()
  }

  public mutating func update(epoch: PresenceEpoch) {
    guard epoch != self.epoch else { return }
    self.epoch = epoch
    tabulate()
  }

  /// - Parameter head: Of the store here.
  /// - Returns: `nil` for a stranger's beacon.
  public func read(_ beacon: PresenceBeacon, against head: StoreHead) -> Recognition? {
    let matching = (candidates[Self.slot(beacon.identity)] ?? []).filter {
      $0.identity.starts(with: beacon.identity)
    }
    // Of several whose short tags are alike, one that holds the same is believed to be it: that is quiet now, and
    // looked at again in the next epoch.
    for candidate in matching where holdsTheSame(beacon, candidate, head) {
      return Recognition(device: candidate.device, epoch: candidate.epoch, holdsTheSame: true)
    }
    return matching.first.map { Recognition(device: $0.device, epoch: $0.epoch, holdsTheSame: false) }
  }

  private func holdsTheSame(_ beacon: PresenceBeacon, _ candidate: Candidate, _ head: StoreHead) -> Bool {
    PresenceBeacon.state(of: candidate.device, holding: head, in: candidate.epoch, key: candidate.key)
      .starts(with: beacon.state)
  }

  private mutating func tabulate() {
    candidates = [:]
    for epoch in epoch.accepted {
      for device in devices {
        for key in keys {
          let identity = PresenceBeacon.identity(of: device, in: epoch, key: key)
          candidates[Self.slot(identity), default: []]
            .append(Candidate(device: device, epoch: epoch, identity: identity, key: key))
        }
      }
    }
  }

  private static func slot(_ identity: [UInt8]) -> UInt16 {
    identity.prefix(PresenceBeacon.shortTagByteCount).reduce(0) { $0 << 8 | UInt16($1) }
  }
}

extension PresenceReader {
  /// What `device` announces in the present epoch; `nil` without a key.
  public func beacon(of device: DeviceKey, holding head: StoreHead) -> PresenceBeacon? {
    keys.first.map { PresenceBeacon(of: device, holding: head, in: epoch, key: $0) }
  }
}
