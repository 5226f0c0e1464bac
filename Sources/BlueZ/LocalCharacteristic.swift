import DBus

/// A characteristic of ours. What it can do follows from which handlers there are.
public struct LocalCharacteristic: Sendable {
  /// Returns the whole value; the part from the request's offset on is sent.
  public typealias ReadHandler = @Sendable (AttributeRequest) async throws(BlueZError) -> [UInt8]
  /// Gets what a peer wrote. To throw is to refuse it, which the peer sees of a write with response.
  public typealias WriteHandler = @Sendable ([UInt8], AttributeRequest) async throws(BlueZError) -> Void
  /// Gets our end of a new socket pair. bluetoothd waits for the other end, so this takes the channel and returns.
  public typealias AcquireHandler = @Sendable (AttributeChannel) throws(BlueZError) -> Void

  public let uuid: BluetoothUUID
  let read: ReadHandler?
  let write: WriteHandler?
  let writeFlags: Set<CharacteristicFlag>
  let acquireWrite: AcquireHandler?
  let acquireNotify: AcquireHandler?

  /// A characteristic whose values go through D-Bus, a call for each, which says which device it is about.
  public init(uuid: BluetoothUUID, read: ReadHandler? = nil, write: WriteHandler? = nil) {
    self.uuid = uuid
    self.read = read
    self.write = write
    writeFlags = write == nil ? [] : [.write]
    acquireWrite = nil
    acquireNotify = nil
  }

  /// A characteristic that peers write to through a socket: without response, or with.
  public init(uuid: BluetoothUUID, acquireWrite: @escaping AcquireHandler) {
    self.uuid = uuid
    read = nil
    write = nil
    writeFlags = [.write, .writeWithoutResponse]
    self.acquireWrite = acquireWrite
    acquireNotify = nil
  }

  /// A characteristic that notifies peers through a socket.
  public init(uuid: BluetoothUUID, acquireNotify: @escaping AcquireHandler) {
    self.uuid = uuid
    read = nil
    write = nil
    writeFlags = []
    acquireWrite = nil
    self.acquireNotify = acquireNotify
  }

  private var flags: Set<CharacteristicFlag> {
    writeFlags.union(read == nil ? [] : [.read]).union(acquireNotify == nil ? [] : [.notify])
  }

  func interface(in service: ObjectPath) -> ExportedInterface {
    var methods: [ExportedMethod] = []
    var properties = [
      ExportedProperty("UUID", constant: .string(uuid.text)),
      ExportedProperty("Service", constant: .objectPath(service)),
      ExportedProperty("Flags", constant: .strings(flags.map(\.rawValue).sorted())),
    ]
    if let read {
      methods.append(
        ExportedMethod("ReadValue", input: "a{sv}", output: "ay") { call throws(DBusError) in
          let request = AttributeRequest(call.arguments[0])
          return try await Self.answering { () async throws(BlueZError) in
            let value = try await read(request)
            guard request.offset <= value.count else { throw BlueZError(.invalidOffset, "past the end") }
            return [.bytes(Array(value[request.offset...]))]
          }
        })
    }
    if let write {
      methods.append(
        ExportedMethod("WriteValue", input: "aya{sv}") { call throws(DBusError) in
          let bytes = call.arguments[0].asBytes ?? []
          let request = AttributeRequest(call.arguments[1])
          return try await Self.answering { () async throws(BlueZError) in
            try await write(bytes, request)
            return []
          }
        })
    }
    // bluetoothd takes the presence of the property, not its value, as the wish for sockets.
    if let acquireWrite {
      methods.append(Self.acquisition("AcquireWrite", acquireWrite))
      properties.append(ExportedProperty("WriteAcquired", constant: .boolean(false)))
    }
    if let acquireNotify {
      methods.append(Self.acquisition("AcquireNotify", acquireNotify))
      properties.append(ExportedProperty("NotifyAcquired", constant: .boolean(false)))
    }
    return ExportedInterface("org.bluez.GattCharacteristic1", methods: methods, properties: properties)
  }

  private static func acquisition(_ name: String, _ handler: @escaping AcquireHandler) -> ExportedMethod {
    ExportedMethod(name, input: "a{sv}", output: "hq") { call throws(DBusError) in
      let request = AttributeRequest(call.arguments[0])
      return try await answering { () throws(BlueZError) in
        let (ours, theirs) = try AttributeSocket.pair()
        let mtu = request.mtu ?? AttributeRequest.minimumMTU
        try handler(AttributeChannel(socket: ours, mtu: mtu, device: request.device, link: request.link))
        return [.fileDescriptor(theirs), .uint16(mtu)]
      }
    }
  }

  private static func answering(
    _ body: () async throws(BlueZError) -> [DBusValue]
  ) async throws(DBusError) -> [DBusValue] {
    do throws(BlueZError) {
      return try await body()
    } catch {
      throw error.asReply
    }
  }
}
