public import DBus

/// Something that happened in bluetoothd's tree of objects.
public enum BlueZEvent: Equatable, Sendable {
  case adapterAppeared(AdapterProperties)
  /// With the D-Bus names of what changed.
  case adapterChanged(AdapterProperties, changed: Set<String>)
  case adapterGone(ObjectPath)
  case deviceFound(DeviceProperties)
  /// With the D-Bus names of what changed; an advertisement heard again changes `RSSI` or `ManufacturerData`.
  case deviceChanged(DeviceProperties, changed: Set<String>)
  /// bluetoothd 5.66 tells of some connections only when services are resolved.
  case deviceConnected(ObjectPath)
  /// May come without a `deviceConnected` before.
  case deviceDisconnected(ObjectPath)
  case servicesResolved(ObjectPath)
  case deviceGone(ObjectPath)
  case characteristicAppeared(CharacteristicProperties)
  case characteristicGone(ObjectPath)
  /// bluetoothd stopped: registrations, discovery and connections are gone with it.
  case serviceGone
  /// bluetoothd runs (again): register anew.
  case serviceBack
}
