/// A ``TransportConnection`` over a ``DatagramLink``, by ``FrameLink``.
///
/// It has tasks of its own, which end when it is closed, when the link dies or when nobody holds it any more.
public final class FrameLinkConnection: TransportConnection {
  public let kind: TransportKind
  public let peerDescription: String
  public let isFallback: Bool
  private let driver: FrameLinkDriver

  private init(kind: TransportKind, peerDescription: String, isFallback: Bool, driver: FrameLinkDriver) {
    self.kind = kind
    self.peerDescription = peerDescription
    self.isFallback = isFallback
    self.driver = driver
  }

  deinit { driver.abandon() }

  /// Takes over a link that both ends have just got, and returns when the other end has answered.
  ///
  /// - Parameters:
  ///   - role: The initiator names a session, at random.
  ///   - configuration: Its frame size is lowered to the link's.
  ///   - clock: Time for deadlines; only tests want another one.
  /// - Throws: `unreachable` after the configuration's deadline; otherwise how the link ended. The link is closed then.
  public static func open(
    _ role: FrameLink.Role,
    over link: any DatagramLink,
    configuration: FrameLinkConfiguration,
    kind: TransportKind,
    peerDescription: String,
    isFallback: Bool = false,
    clock: any Clock<Duration> = ContinuousClock()
  ) async throws(TransportError) -> FrameLinkConnection {
    var configuration = configuration
    configuration.maximumFrameByteCount = min(configuration.maximumFrameByteCount, link.maximumFrameByteCount)
    let driver = FrameLinkDriver(
      machine: FrameLink(role: role, configuration: configuration), link: link, clock: FrameLinkClock(clock))
    try await driver.open()
    return FrameLinkConnection(
      kind: kind, peerDescription: peerDescription, isFallback: isFallback, driver: driver)
  }

  public var maximumMessageByteCount: Int { driver.maximumMessageByteCount }
  public var statistics: FrameLinkStatistics { driver.statistics }
  public var smoothedRoundTrip: Duration? { driver.smoothedRoundTrip }

  public func send(_ message: [UInt8]) async throws(TransportError) { try await driver.send(message) }
  public func receive() async throws(TransportError) -> [UInt8]? { try await driver.receive() }
  public func close() async { await driver.close() }
}
