/// A signal, as received or to be emitted.
public struct DBusSignal: Equatable, Sendable {
  /// The unique name of who sent it; the bus vouches for it. Ignored on emission.
  public let sender: String
  public let path: ObjectPath
  public let interface: String
  public let member: String
  public let arguments: [DBusValue]

  public init(_ path: ObjectPath, _ interface: String, _ member: String, _ arguments: [DBusValue] = []) {
    self.init(sender: "", path, interface, member, arguments)
  }

  init(sender: String, _ path: ObjectPath, _ interface: String, _ member: String, _ arguments: [DBusValue]) {
    self.sender = sender
    self.path = path
    self.interface = interface
    self.member = member
    self.arguments = arguments
  }
}
