import FieldCore
import FieldWire

/// What is to be published of this device.
struct AvahiPublication: Hashable, Sendable {
  /// The instance's name. It says nothing, and is another one in each epoch.
  var name: String
  var port: UInt16
  var beacon: PresenceBeacon

  init(name: String, port: UInt16, beacon: PresenceBeacon) {
    self.name = name
    self.port = port
    self.beacon = beacon
  }

  struct Record: Hashable {
    var name: String
    var type: UInt16
    var flags: UInt32
    var data: [UInt8]
  }

  /// - Parameter host: The machine's name, such as `laptop.local`.
  /// - Returns: `nil` when `host` is no name.
  func records(host: String) -> [Record]? {
    guard let hostLabels = DNSRecord.labels(of: host) else { return nil }
    let full = "\(name).\(AvahiService.type).\(AvahiService.domain)"
    return [
      Record(
        name: "\(AvahiService.type).\(AvahiService.domain)", type: DNSRecord.pointer, flags: 0,
        data: DNSRecord.name([Array(name.utf8)] + AvahiService.typeLabels)),
      Record(
        name: full, type: DNSRecord.service, flags: AvahiService.unique,
        data: DNSRecord.serviceData(port: port, host: hostLabels)),
      textRecord,
    ]
  }

  var textRecord: Record {
    Record(
      name: "\(name).\(AvahiService.type).\(AvahiService.domain)", type: DNSRecord.text, flags: AvahiService.unique,
      data: DNSRecord.textData([AvahiService.text(of: beacon)]))
  }
}
