import DBus
import FieldCore
import FieldWire

/// Names and numbers of Avahi's D-Bus interface, version 0.8, and of what is published through it.
enum AvahiService {
  static let bus = "org.freedesktop.Avahi"
  static let server = "org.freedesktop.Avahi.Server"
  static let group = "org.freedesktop.Avahi.EntryGroup"
  static let browser = "org.freedesktop.Avahi.ServiceBrowser"
  static let resolver = "org.freedesktop.Avahi.ServiceResolver"

  /// The error of a call that needs a name which is taken on this machine.
  static let collision = "org.freedesktop.Avahi.CollisionError"

  /// The error of a call that needs one object more than a client may have.
  static let tooManyObjects = "org.freedesktop.Avahi.TooManyObjectsError"

  /// States of the server.
  static let serverRunning: Int32 = 2
  /// States of an entry group.
  static let groupCollision: Int32 = 3
  static let groupFailure: Int32 = 4

  static let unspecified = DBusValue.int32(-1)
  static let unique: UInt32 = 1
  static let update: UInt32 = 64

  static let type = "_fieldsync._tcp"
  static let domain = "local"
  static let typeLabels = [Array("_fieldsync".utf8), Array("_tcp".utf8), Array("local".utf8)]

  /// Records live so long: whoever goes without a word is forgotten within it. Avahi asks again when four fifths are
  /// over.
  static let lifetimeSeconds: UInt32 = 24

  private static let beaconKey = "p="

  static func text(of beacon: PresenceBeacon) -> String { beaconKey + Hexadecimal.encode(beacon.bytes) }

  /// The beacon among a service's text strings; empty when there is none.
  static func announcement(in strings: [[UInt8]]) -> [UInt8] {
    for string in strings.prefix(16) where string.starts(with: beaconKey.utf8) {
      let digits = String(decoding: string.dropFirst(beaconKey.utf8.count), as: UTF8.self)
      guard digits.utf8.count == 2 * PresenceBeacon.longByteCount else { continue }
      return Hexadecimal.decode(digits) ?? []
    }
    return []
  }
}
