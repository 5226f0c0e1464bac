import FieldWire

/// One address at which somebody may be reached, and what is known of it.
struct Route: Sendable {
  /// Who is there: recognised by its beacon, told by itself, or found out by a session.
  var device: DeviceKey?
  /// Given by the user: never forgotten, and always to be connected.
  var isFixed = false
  /// Discovery says that it is there.
  var isSeen = false
  /// Its device told of it in a session.
  var isTold = false
  var beacon: PresenceBeacon?
  /// When the beacon last changed; the newest of a device's is the one that counts.
  var beaconAt: Duration = .zero
  /// When a beacon of a known device was last seen here.
  var recognisedAt: Duration = .zero
  /// `nil` for a beacon that no known device could have made.
  var recognition: PresenceReader.Recognition?

  var failureCount = 0
  var notBefore: Duration = .zero
  var failedAt: Duration?
  var lastError: String?
  var connectedAt: Duration?
  /// The beacon and the own store at the last time that nothing was left to do: nothing to do as long as both stay.
  var met: Meeting?

  struct Meeting: Hashable, Sendable {
    var beacon: PresenceBeacon?
    var digest: [UInt8]
  }

  /// Seen, and nothing else is known of it.
  var isStranger: Bool { isSeen && !isFixed && !isTold && device == nil }

  var isKnown: Bool { isFixed || isSeen || isTold }

  mutating func failed(_ reason: String, pause: Duration, now: Duration) {
    failureCount = min(failureCount + 1, 16)
    failedAt = now
    lastError = reason
    notBefore = now + pause
  }

  mutating func forgetFailures(now: Duration) {
    failureCount = 0
    failedAt = nil
    notBefore = min(notBefore, now)
  }
}
