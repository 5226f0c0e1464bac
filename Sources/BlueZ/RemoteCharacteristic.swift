public import DBus

/// A characteristic of a remote device, as something to act on.
public struct RemoteCharacteristic: Sendable {
  public enum WriteKind: String, Sendable {
    /// With an acknowledgement of the peer.
    case request
    case command
  }

  private static let interface = ObjectModel.Interface.characteristic.rawValue

  public let path: ObjectPath
  private let client: BlueZClient

  public init(_ path: ObjectPath, of client: BlueZClient) {
    self.path = path
    self.client = client
  }

  public func read() async throws(BlueZError) -> [UInt8] {
    let reply = try await client.call(path, Self.interface, "ReadValue", [.properties([:])])
    guard let bytes = reply.first?.asBytes else { throw BlueZError(.unexpectedReply, "ReadValue without bytes") }
    return bytes
  }

  public func write(_ bytes: [UInt8], _ kind: WriteKind) async throws(BlueZError) {
    _ = try await client.call(
      path, Self.interface, "WriteValue", [.bytes(bytes), .properties(["type": .string(kind.rawValue)])])
  }

  /// A socket whose datagrams become write commands. A peer's bluetoothd asks its application for a socket only when
  /// the first one comes, and damages what comes before the answer: send one, wait for the peer's word, then stream.
  /// - Throws: `notPermitted` when it is acquired already, `notSupported` without `writeWithoutResponse`.
  public func acquireWrite() async throws(BlueZError) -> AttributeChannel {
    try await acquire("AcquireWrite")
  }

  /// A socket that notifications come from. bluetoothd drops those that do not fit into its buffer, about 160.
  /// - Throws: `notPermitted` when it is acquired already, `notSupported` without `notify`.
  public func acquireNotify() async throws(BlueZError) -> AttributeChannel {
    try await acquire("AcquireNotify")
  }

  private func acquire(_ member: String) async throws(BlueZError) -> AttributeChannel {
    let reply = try await client.call(path, Self.interface, member, [.properties([:])])
    guard reply.count == 2, let descriptor = reply[0].asFileDescriptor, let mtu = reply[1].asUInt16 else {
      throw BlueZError(.unexpectedReply, "\(member) without a descriptor and an MTU")
    }
    return AttributeChannel(socket: try AttributeSocket(descriptor), mtu: mtu, device: nil, link: nil)
  }
}
