/// How fast a link is, as the planner sees it.
public struct LinkMeasure: Hashable, Sendable {
  public var bytesPerSecond: Int
  public var roundTrip: Duration

  public init(bytesPerSecond: Int, roundTrip: Duration) {
    self.bytesPerSecond = max(1, bytesPerSecond)
    self.roundTrip = roundTrip
  }

  /// What is assumed before anything was measured: 100 kbit/s and 60 ms over Bluetooth, 100 Mbit/s and 1 ms otherwise.
  public static let bluetooth = LinkMeasure(bytesPerSecond: 12_500, roundTrip: .milliseconds(60))
  public static let lan = LinkMeasure(bytesPerSecond: 12_500_000, roundTrip: .milliseconds(1))

  static func assumed(of kind: TransportKind) -> LinkMeasure { kind == .bluetooth ? .bluetooth : .lan }

  /// Bytes that could go one way while a message and its answer are under way.
  var roundTripByteCount: Int { Int(min(Double(bytesPerSecond) * (roundTrip / .seconds(1)), 1e9)) }

  /// Above 5 Mbit/s computing costs more than bytes do.
  public var isFast: Bool { bytesPerSecond >= 625_000 }
}
