public import FieldWire

/// Asks to be let in; the session itself proves that the asker holds the invitation and which device it is. Body: the
/// name that the device asks to be shown by, text of at most 256 bytes.
public struct JoinRequest: MessageBody, Hashable {
  public static let type = MessageType.join
  /// The limit of every device's name. A host's name always fits, and so do 60 characters of any script.
  public static let nameByteLimit = 256

  public var name: String

  public init(name: String) {
    self.name = name
  }

  public func encode(into writer: inout WireWriter) { writer.text(name) }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.text(limit: Self.nameByteLimit)
  }
}

/// Lets a device in. `entry` messages follow: the directory entries from the founding one down to the device's own
/// grant, which holds its keys sealed. Body: empty.
public struct Welcome: MessageBody, Hashable {
  public static let type = MessageType.welcome

  public init() {}

  public func encode(into writer: inout WireWriter) {}

  public init(from reader: inout WireReader) throws(WireError) {}
}
