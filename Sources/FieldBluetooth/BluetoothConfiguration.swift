public import DBus

/// What a ``BluetoothTransport`` is told before it runs.
public struct BluetoothConfiguration: Sendable {
  /// How many bytes of its own a device announces: what 31 bytes leave beside flags, service UUID, company,
  /// capabilities and PSM.
  public static let announcementByteCount = 4

  /// The adapter's name, such as `hci0`, or its address; nil takes the first one that is powered.
  public var adapter: String?
  /// ``announcementByteCount`` bytes that everybody near can read.
  public var announcement: [UInt8]
  /// Where bluetoothd is; only tests want another bus.
  public var bus: DBusConnection.Bus
  /// Where the kernel shows the switches of radios; only tests want another place.
  public var radioSwitches = "/sys/class/rfkill"
  /// How often to advertise. bluetoothd before 5.77 takes its own 1.28 s.
  public var advertisingInterval: ClosedRange<Duration>
  /// Whether links go over L2CAP channels where both ends can; GATT alone is slower.
  public var usesChannels = true
  /// Only tests announce another PSM than the one that is listened on.
  package var announcedPSM: UInt16?

  /// How long to look for a peer that was not seen before, when it is to be connected to.
  public var searchDeadline = Duration.seconds(15)
  /// For a connection to come about. Attempts to reach who is not there disturb Wi-Fi on a shared antenna.
  public var dialDeadline = Duration.seconds(8)
  /// From the connection to knowing the peer's services.
  public var resolveDeadline = Duration.seconds(15)
  /// A peer that is not heard for so long has vanished. bluetoothd scans for ten seconds, rests for five, and tells of
  /// each peer once in a scan; who has gone is to be seen to be gone within 30 seconds, by slow machines as well.
  public var sightingLifetime = Duration.seconds(20)

  /// - Parameter announcement: Taken to its length: cut, or filled with zeros.
  public init(
    adapter: String? = nil, announcement: [UInt8] = [], bus: DBusConnection.Bus = .system,
    advertisingInterval: ClosedRange<Duration> = .milliseconds(150)...Duration.milliseconds(250)
  ) {
    self.adapter = adapter
    self.announcement = Self.announcement(announcement)
    self.bus = bus
    self.advertisingInterval = advertisingInterval
  }

  static func announcement(_ bytes: [UInt8]) -> [UInt8] {
    bytes.prefix(announcementByteCount)
      + Array(repeating: 0, count: max(0, announcementByteCount - bytes.count))
  }
}
