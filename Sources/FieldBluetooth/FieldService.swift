import BlueZ
import FieldWire

/// The GATT service that every device offers. Its layout is fixed: peers keep it in their caches.
///
/// | characteristic | UUID, before `-4c4e-9d3c-2f6a0b1e5c5c` | operations |
/// |---|---|---|
/// | INFO | `f1e1d5bc-0002` | read: ``ServiceInformation`` |
/// | CTRL | `f1e1d5bc-0003` | write: ``ControlMessage`` |
/// | RX of slot i | `f1e1d5bc-0010` + i | write, with response or without: frames to this device |
/// | TX of slot i | `f1e1d5bc-0020` + i | notify: frames from this device |
///
/// There are several slots because bluetoothd before 5.76 tells centrals on one characteristic not apart.
enum FieldService {
  static let uuid: BluetoothUUID = "f1e1d5bc-0001-4c4e-9d3c-2f6a0b1e5c5c"
  static let information: BluetoothUUID = "f1e1d5bc-0002-4c4e-9d3c-2f6a0b1e5c5c"
  static let control: BluetoothUUID = "f1e1d5bc-0003-4c4e-9d3c-2f6a0b1e5c5c"
  /// By slot.
  static let receive: [BluetoothUUID] = [
    "f1e1d5bc-0010-4c4e-9d3c-2f6a0b1e5c5c",
    "f1e1d5bc-0011-4c4e-9d3c-2f6a0b1e5c5c",
    "f1e1d5bc-0012-4c4e-9d3c-2f6a0b1e5c5c",
  ]
  /// By slot.
  static let transmit: [BluetoothUUID] = [
    "f1e1d5bc-0020-4c4e-9d3c-2f6a0b1e5c5c",
    "f1e1d5bc-0021-4c4e-9d3c-2f6a0b1e5c5c",
    "f1e1d5bc-0022-4c4e-9d3c-2f6a0b1e5c5c",
  ]
  static let slotCount = receive.count

  /// "For internal use" in the list of company identifiers.
  static let company: UInt16 = 0xFFFF

  /// The largest frame that goes through an attribute at an ATT MTU: the value of one operation, but not more than
  /// fills two link-layer packets.
  ///
  /// Between two bluetoothds, notifications go out as Multiple Handle Value Notifications, whose two bytes of length
  /// 5.66 does not count: what fills the MTU arrives cut. At the smallest MTU there is no room to give way.
  static func frameByteCount(mtu: UInt16) -> Int {
    let most = Int(mtu) - attributeHeaderByteCount
    return min(max(most - valueLengthByteCount, min(most, LinkFrame.smallestLinkByteCount)), frameByteLimit)
  }

  private static let attributeHeaderByteCount = 3
  private static let valueLengthByteCount = 2
  static let frameByteLimit = 495
}
