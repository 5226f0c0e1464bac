public import DBus

/// A socket that stands for one direction of one characteristic.
public struct AttributeChannel: Sendable {
  public let socket: AttributeSocket
  /// The ATT MTU of the connection; a value takes three bytes less, and never more than 512.
  public let mtu: UInt16
  /// Who asked for it, on the server's side. bluetoothd before 5.69 uses one socket for all devices, whoever was first.
  public let device: ObjectPath?
  /// `LE` or `BR/EDR`, on the server's side where bluetoothd tells.
  public let link: String?

  public init(socket: AttributeSocket, mtu: UInt16, device: ObjectPath?, link: String?) {
    self.socket = socket
    self.mtu = mtu
    self.device = device
    self.link = link
  }
}
