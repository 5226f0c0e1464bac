public import DBus

/// What bluetoothd says about an operation of a peer on one of our characteristics.
public struct AttributeRequest: Sendable {
  /// The ATT MTU that every LE link has (Core Specification, Vol 3, Part G, 5.2.1).
  static let minimumMTU: UInt16 = 23

  /// Who it is. Only as good as the link: addresses can be forged.
  public let device: ObjectPath?
  /// The ATT MTU of the connection.
  public let mtu: UInt16?
  /// `LE` or `BR/EDR`.
  public let link: String?
  /// Where in the value to start, in bytes.
  public let offset: Int

  init(_ options: DBusValue) {
    let options = options.asProperties ?? [:]
    device = options["device"]?.asObjectPath
    mtu = options["mtu"]?.asUInt16
    link = options["link"]?.asString
    offset = Int(options["offset"]?.asUInt16 ?? 0)
  }
}
