public import FieldCore
public import FieldWire

/// What this device's user calls other devices. Stays on this device.
///
/// The file: version 1 (u8), count (varint, at most 4,096), and as many of device (32) and name (length-prefixed UTF-8,
/// at most 256 bytes), in the order of the devices.
public struct PetnameBook: Sendable {
  private static let version: UInt8 = 1
  private static let nameLimit = 4096
  static let fileByteLimit = 2 << 20

  private let path: String
  private let lockPath: String

  init(path: String, lockPath: String) {
    self.path = path
    self.lockPath = lockPath
  }

  /// As a backup takes them along; empty where there is no list.
  func fileBytes() throws(AgentError) -> [UInt8] {
    _ = try names()
    return try HomeFiles.read(path, byteLimit: Self.fileByteLimit) ?? []
  }

  public func names() throws(AgentError) -> [DeviceKey: String] {
    guard let bytes = try HomeFiles.read(path, byteLimit: Self.fileByteLimit) else { return [:] }
    var reader = WireReader(bytes)
    do {
      guard try reader.u8() == Self.version else {
        throw AgentError(.configuration, "The list of names was written by a newer version of fieldsync.")
      }
      var names: [DeviceKey: String] = [:]
      for _ in 0..<(try reader.count(limit: Self.nameLimit, itemByteCount: DeviceKey.byteCount + 1)) {
        let device: DeviceKey = try reader.identifier()
        names[device] = try reader.text(limit: Identity.nameByteLimit)
      }
      try reader.expectEnd()
      return names
    } catch let error as AgentError {
      throw error
    } catch {
      throw AgentError(.damaged, "The list of names is damaged.", hint: "Remove '\(path)'.")
    }
  }

  /// - Parameter name: `nil` takes the name away.
  /// - Throws: ``AgentError`` with `invalidInput` for a name that is no line of text or that another device has.
  public func rename(_ device: DeviceKey, to name: String?) throws(AgentError) {
    let lock = try HomeLock.take(lockPath, whatFor: "the list of names")
    defer { withExtendedLifetime(lock) {} }
    var names = try names()
    if let name {
      try Identity.check(name: name)
      guard !names.contains(where: { $0.value == name && $0.key != device }) else {
        throw AgentError(.invalidInput, "You call another device so.", hint: "Choose another name.")
      }
      guard names.count < Self.nameLimit || names[device] != nil else {
        throw AgentError(.invalidInput, "There are \(Self.nameLimit) names already.", hint: "Take one away first.")
      }
    }
    names[device] = name
    var writer = WireWriter()
    writer.u8(Self.version)
    writer.count(names.count)
    for (device, name) in names.sorted(by: { $0.key < $1.key }) {
      writer.identifier(device)
      writer.text(name)
    }
    try HomeFiles.replace(path, with: writer.bytes)
  }
}
