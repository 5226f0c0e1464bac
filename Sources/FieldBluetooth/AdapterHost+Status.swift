import BlueZ
import DBus
import FieldCore
import Logging

/// What people are told.
extension AdapterHost {
  /// What frames go through.
  enum Bearer: String {
    case attributes = "GATT"
    case channel = "L2CAP"
  }

  func peerDescription(_ device: ObjectPath, _ bearer: Bearer? = nil) -> String {
    guard let address = address(at: device) else { return "ble://…?" }
    return Self.peerDescription(address, bearer)
  }

  /// Shortened: an address identifies somebody.
  static func peerDescription(_ address: BluetoothAddress, _ bearer: Bearer? = nil) -> String {
    "ble://…" + address.description.suffix(5) + (bearer.map { " over " + $0.rawValue } ?? "")
  }

  func publish() {
    perform(machine.linksOpen(linkCount > 0, now: clock.now()))
    let adapter = adapterPath.flatMap { client.adapter($0) }
    let status = BluetoothStatus(
      adapter: adapter?.name, address: adapter?.address?.description, isAdvertising: machine.isRunning(.advertisement),
      isDiscovering: machine.isRunning(.discovery), isServing: machine.isRunning(.application), linkCount: linkCount,
      channelCount: channels.count, channelProblem: channelProblem, problem: problem)
    guard status != lastStatus else { return }
    lastStatus = status
    outlets.status(status)
  }

  /// Failures in a row from which on dialling is thought not to work.
  private static let dialFailureCount = 3

  private var problem: BluetoothProblem? {
    switch machine.availability {
    case .serviceGone: return BluetoothProblem(.serviceNotRunning, "bluetoothd does not run")
    case .missing:
      return BluetoothProblem(
        .adapterMissing, configuration.adapter.map { "there is no adapter \($0)" } ?? "no adapter")
    case .off: return offProblem(adapterPath?.lastElement ?? "the adapter")
    case .on: break
    }
    if let error = featureErrors.values.first(where: { $0.code == .timedOut }) {
      return BluetoothProblem(.serviceNotAnswering, error.reason)
    }
    if featureErrors.values.contains(where: { $0.code == .serviceGone }) {
      return BluetoothProblem(.serviceNotRunning, "bluetoothd stopped")
    }
    if let error = featureErrors[.application] { return BluetoothProblem(.serviceRefused, error.description) }
    if let error = featureErrors[.advertisement] { return BluetoothProblem(.advertisementRefused, error.description) }
    if let error = featureErrors[.discovery] { return BluetoothProblem(.discoveryRefused, error.description) }
    if let dialFailures, dialFailures.count >= Self.dialFailureCount {
      return BluetoothProblem(.cannotDial, dialFailures.last.reason)
    }
    return nil
  }

  private func offProblem(_ adapter: String) -> BluetoothProblem {
    switch RadioSwitches(directory: configuration.radioSwitches).block(of: adapter) {
    case .hard: BluetoothProblem(.adapterBlocked, "\(adapter) is silenced by a switch on this machine")
    case .soft: BluetoothProblem(.adapterBlocked, "\(adapter) is silenced by a program")
    case nil: BluetoothProblem(.adapterOff, "\(adapter) is off")
    }
  }
}
