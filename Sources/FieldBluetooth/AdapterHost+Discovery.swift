import BlueZ
import DBus
import FieldCore
import Logging

/// Who is near: what bluetoothd tells of devices becomes sightings of peers.
extension AdapterHost {
  /// For discovery between two scans.
  private static let restLimit = Duration.seconds(20)

  func heard(_ device: DeviceProperties, isFresh: Bool) {
    guard device.adapter == adapterPath, let address = device.address else { return }
    let announcement = ServiceAdvertisement(decoding: device.manufacturerData[FieldService.company] ?? [])?.announcement
    guard isPeer(device, isAnnounced: isFresh && announcement != nil) else { return }
    // bluetoothd tells of a known device's advertisement in several signals. Who is connected may not advertise.
    guard device.isConnected || (isFresh && announcement != nil) else { return }
    let now = clock.now()
    outlets.sightings.update { table in
      defer { table.connection(address.description, isConnected: device.isConnected, now: now) }
      return table.heard(address.description, announcement: announcement ?? [], now: now).map { [$0] } ?? []
    }
  }

  private func isPeer(_ device: DeviceProperties, isAnnounced: Bool) -> Bool {
    if device.uuids.contains(FieldService.uuid) { return true }
    // Of a device that it was once connected to, bluetoothd shows the services that it remembers, across its restarts,
    // in place of those that the device advertises. They may be from a time when ours was not offered.
    guard isAnnounced, !device.isConnected, !device.uuids.isEmpty else { return false }
    guard !device.isPaired, !device.isTrusted else { return true }
    // Forgotten, it is found anew with what it advertises. Once: it may be a stranger's device.
    if forgotten.count < SightingTable.peerLimit, forgotten.insert(device.path).inserted {
      logger.debug("other services are remembered", metadata: ["peer": "\(peerDescription(device.path))"])
      Task { await forget(device.path) }
    }
    return false
  }

  /// bluetoothd writes the address into the path, which is all there is of a device that is gone.
  func address(at path: ObjectPath) -> BluetoothAddress? {
    guard path.parent == adapterPath, path.lastElement.hasPrefix("dev_") else { return nil }
    return BluetoothAddress(
      path.lastElement.dropFirst(4).split(separator: "_", omittingEmptySubsequences: false).joined(separator: ":"))
  }

  /// Of peers with addresses that change, bluetoothd would remember every one that was ever connected.
  func forgetVanished(_ now: Duration) async {
    var vanished: [String] = []
    outlets.sightings.update { table in
      let changes = table.expire(now: now)
      vanished = changes.map(\.address)
      return changes
    }
    for address in vanished.compactMap({ BluetoothAddress($0) }) {
      guard let device = path(of: address), client.device(device)?.addressType == .random else { continue }
      await forget(device)
    }
  }

  /// Between two scans bluetoothd rests for five seconds; when it does not go on, it has to be told again.
  func watchDiscovery(_ now: Duration) {
    guard machine.isRunning(.discovery), let adapterPath, client.adapter(adapterPath)?.isDiscovering == false else {
      restSince = nil
      return
    }
    let since = restSince ?? now
    restSince = since
    guard since + Self.restLimit <= now else { return }
    restSince = nil
    logger.debug("discovery has stopped by itself")
    perform(machine.released(.discovery, now: now))
  }
}
