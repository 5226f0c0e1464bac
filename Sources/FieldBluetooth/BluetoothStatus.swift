/// What a ``BluetoothTransport`` is doing, and what keeps it from more.
public struct BluetoothStatus: Equatable, Sendable {
  /// The adapter in use, such as `hci0`.
  public var adapter: String?
  /// Its address.
  public var address: String?
  /// Whether peers find this device.
  public var isAdvertising = false
  /// Whether this device looks for peers. It does not while it connects to one.
  public var isDiscovering = false
  /// Whether peers can open links to this device.
  public var isServing = false
  /// Links that are open, in either direction.
  public var linkCount = 0
  /// Those among them that are L2CAP channels; the others go through GATT, which is slower.
  public var channelCount = 0
  /// Why there are no channels, or the last link of one peer is none.
  public var channelProblem: String?
  public var problem: BluetoothProblem?
}

/// Something that keeps Bluetooth from working, and what a person can do about it.
public struct BluetoothProblem: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    case busUnavailable
    case serviceNotRunning
    case serviceNotAnswering
    case adapterMissing
    case adapterOff
    case adapterBlocked
    case serviceRefused
    case advertisementRefused
    case discoveryRefused
    case cannotDial
  }

  public let code: Code
  /// What was seen, such as bluetoothd's words.
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  /// What to do, in one line.
  public var remedy: String {
    switch code {
    case .busUnavailable: "check that D-Bus runs: systemctl status dbus"
    case .serviceNotRunning: "start bluetoothd: systemctl start bluetooth"
    case .serviceNotAnswering: "bluetoothd hangs; restart it: systemctl restart bluetooth"
    case .adapterMissing: "plug in or enable an adapter; see which there are: bluetoothctl list"
    case .adapterOff: "switch the adapter on: bluetoothctl power on"
    case .adapterBlocked: "let the radio send: rfkill unblock bluetooth, or the machine's own switch; then: rfkill list"
    case .serviceRefused: "see why bluetoothd refuses: journalctl -u bluetooth"
    case .advertisementRefused:
      "other programs may take all advertising places; end them, or: systemctl restart bluetooth"
    case .discoveryRefused: "see why bluetoothd does not scan: journalctl -u bluetooth"
    case .cannotDial: "go nearer; if that does not help: bluetoothctl power off; bluetoothctl power on"
    }
  }

  public static func == (left: BluetoothProblem, right: BluetoothProblem) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}
