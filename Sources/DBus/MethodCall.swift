/// A method to call on an object of a peer.
public struct MethodCall: Sendable {
  /// A unique (`:1.5`) or well-known (`org.bluez`) bus name.
  public var destination: String
  public var path: ObjectPath
  public var interface: String
  public var member: String
  public var arguments: [DBusValue]

  public init(
    _ destination: String, _ path: ObjectPath, _ interface: String, _ member: String, _ arguments: [DBusValue] = []
  ) {
    self.destination = destination
    self.path = path
    self.interface = interface
    self.member = member
    self.arguments = arguments
  }

  /// A call of the message bus itself.
  static func bus(_ member: String, _ arguments: [DBusValue]) -> MethodCall {
    MethodCall(BusName.bus, "/org/freedesktop/DBus", BusName.bus, member, arguments)
  }
}

/// Names that the D-Bus specification fixes.
enum BusName {
  static let bus = "org.freedesktop.DBus"
  static let introspectable = "org.freedesktop.DBus.Introspectable"
  static let local = "org.freedesktop.DBus.Local"
  static let objectManager = "org.freedesktop.DBus.ObjectManager"
  static let peer = "org.freedesktop.DBus.Peer"
  static let properties = "org.freedesktop.DBus.Properties"
}
