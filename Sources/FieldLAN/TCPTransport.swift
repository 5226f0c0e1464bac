public import FieldCore
public import NIOCore
import NIOPosix
import Synchronization

/// Connections over TCP, to any address that is given to it, and from anyone who connects. With an ``AvahiDiscovery``
/// peers on the LAN are found and find this device; it may have several, of which each announces something else.
public final class TCPTransport: NetworkTransport {
  private enum Phase {
    case idle
    case starting
    /// `nil` when the transport only dials.
    case started((any Channel)?)
    case stopped
  }

  public let kind = TransportKind.lan
  public let cost = TransportCost.wired

  private static let sharedGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  /// Connections that the kernel finished and this process has not accepted.
  private static let backlogCount: CInt = 64

  /// How often the machine's addresses are looked at.
  private static let addressInterval = Duration.milliseconds(500)

  private let endpoint: TCPEndpoint?
  private let discoveries: [AvahiDiscovery]
  private let time: FrameLinkClock
  private let addresses = CurrentValue<[PeerAddress]>([])
  private let limits: TCPLimits
  private let group: any EventLoopGroup
  private let incoming: AsyncStream<any TransportConnection>
  private let offer: AsyncStream<any TransportConnection>.Continuation
  private let phase = Mutex(Phase.idle)

  /// - Parameters:
  ///   - endpoint: Where to listen; port 0 takes a free one, host `::` is every address of both families. `nil` only
  ///     dials.
  ///   - discoveries: Run while it listens. They are of no use to who listens on the loopback address alone, and not
  ///     used then. The transport announces, and sees, by the first.
  ///   - group: Does the IO; one thread for the whole process where none is given. The caller shuts down its own.
  public init(
    listen endpoint: TCPEndpoint?, discoveries: [AvahiDiscovery] = [], limits: TCPLimits = TCPLimits(),
    group: (any EventLoopGroup)? = nil, clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.endpoint = endpoint
    self.discoveries = discoveries
    time = FrameLinkClock(clock)
    self.limits = limits
    self.group = group ?? Self.sharedGroup
    (incoming, offer) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(limits.unclaimedConnectionCount))
  }

  deinit {
    offer.finish()
    if case .started(let listener?) = phase.withLock({ $0 }) {
      listener.close(promise: nil)
    }
  }

  /// Where the transport listens, with the port that it got; `nil` while it does not.
  public var boundAddress: TCPEndpoint? {
    guard case .started(let listener?) = phase.withLock({ $0 }), let address = listener.localAddress,
      let host = address.ipAddress, let port = address.port.flatMap(UInt16.init(exactly:))
    else { return nil }
    return TCPEndpoint(host: host, port: port)
  }

  /// Starts to listen, so that ``boundAddress`` is known before ``run()``, which else does it.
  ///
  /// - Throws: ``TransportError`` with `unavailable` when the address cannot be had, `badAddress` when it is none.
  public func bind() async throws(TransportError) {
    let isFirst = phase.withLock { phase in
      guard case .idle = phase else { return false }
      phase = .starting
      return true
    }
    guard isFirst else { throw TransportError(.unavailable, "the transport was started before") }
    do {
      let listener = try await listen()
      phase.withLock { $0 = .started(listener) }
    } catch {
      phase.withLock { $0 = .stopped }
      offer.finish()
      throw error
    }
  }

  /// Listens until the task is cancelled, once. Connections that nobody took by then are closed; others are their
  /// owners'.
  public func run() async throws(TransportError) {
    if case .idle = phase.withLock({ $0 }) { try await bind() }
    guard case .started(let listener) = phase.withLock({ $0 }) else {
      throw TransportError(.unavailable, "the transport was started before")
    }
    let stopped = group.next().makePromise(of: Void.self)
    if let listener { listener.closeFuture.cascade(to: stopped) }
    let companions = Task { await self.runCompanions() }
    await withTaskCancellationHandler {
      try? await stopped.futureResult.get()
    } onCancel: {
      stopped.succeed()
      companions.cancel()
    }
    companions.cancel()
    await companions.value
    phase.withLock { $0 = .stopped }
    try? await listener?.close()
    offer.finish()
    for await _ in incoming {}
    if !Task.isCancelled {
      throw TransportError(.unavailable, "the listening socket was closed")
    }
  }

  /// What belongs to it while it listens: discovery, and a look at the machine's own addresses.
  private func runCompanions() async {
    let bound = boundAddress
    await withDiscardingTaskGroup { group in
      if bound.map({ !$0.isLoopback }) ?? true {
        for discovery in discoveries { group.addTask { await discovery.run(port: bound?.port) } }
      }
      guard let bound, !bound.isLoopback else { return }
      group.addTask { await self.watchAddresses(of: bound) }
    }
    addresses.finish()
  }

  private func watchAddresses(of bound: TCPEndpoint) async {
    repeat {
      let present = NetworkInterfaces.addresses()
      let own = bound.isEveryAddress ? present : present.filter { $0 == bound.host }
      addresses.set(
        own.filter { bound.host != "0.0.0.0" || !$0.utf8.contains(UInt8(ascii: ":")) }
          .map { TCPEndpoint(host: $0, port: bound.port).peerAddress })
    } while (try? await time.sleepUntil(time.now() + Self.addressInterval)) != nil
  }

  public func sightings() -> AsyncStream<PeerSighting> {
    discoveries.first?.sightings() ?? AsyncStream { $0.finish() }
  }

  public func announce(_ beacon: PresenceBeacon) async { await discoveries.first?.announce(beacon) }

  public func conditions() -> AsyncStream<TransportCondition?> {
    discoveries.first?.conditions() ?? AsyncStream { $0.finish() }
  }

  public func ownAddresses() -> AsyncStream<[PeerAddress]> { addresses.values() }

  /// One stream, however often it is asked for. Further connections are closed at once while
  /// ``TCPLimits/unclaimedConnectionCount`` wait in it.
  public func incomingConnections() -> AsyncStream<any TransportConnection> { incoming }

  public func connect(to address: PeerAddress) async throws(TransportError) -> any TransportConnection {
    guard address.kind == .lan, let endpoint = TCPEndpoint(address.location), endpoint.port != 0 else {
      throw TransportError(.badAddress, "expected tcp://HOST:PORT, with an IPv6 address in brackets")
    }
    let literal = try SocketAddress(literal: endpoint)
    let loop = group.next()
    let bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(TimeAmount(limits.connectDeadline))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try Self.frame(channel) }
      }
    // A name may block the resolver's thread for long, so addresses do not pass through it.
    let attempt =
      literal.map { bootstrap.connect(to: $0) } ?? bootstrap.connect(host: endpoint.host, port: Int(endpoint.port))
    let outcome = loop.makePromise(of: TCPConnection.self)
    attempt.flatMapThrowing { [limits] channel in
      let handler = try channel.pipeline.syncOperations.handler(type: FramedChannelHandler.self)
      return TCPConnection(handler.framed, closeDeadline: limits.closeDeadline)
    }.cascade(to: outcome)
    do {
      return try await withTaskCancellationHandler {
        try await outcome.futureResult.get()
      } onCancel: {
        // A connection that comes about later finds the promise kept, is let go of, and so closed.
        outcome.fail(CancellationError())
      }
    } catch {
      throw TransportError(connecting: error)
    }
  }

  private func listen() async throws(TransportError) -> (any Channel)? {
    guard let endpoint else { return nil }
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.backlogCount)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      // The window that a connection starts with is settled before it is accepted.
      .serverChannelOption(.socketOption(.so_rcvbuf), value: SocketOptions.receiveByteCount)
      .childChannelInitializer { [offer, limits] channel in
        channel.eventLoop.makeCompletedFuture {
          try Self.frame(channel) { framed in
            // One that the stream does not take is let go of here, and so closed.
            offer.yield(TCPConnection(framed, closeDeadline: limits.closeDeadline))
          }
        }
      }
    let literal = try SocketAddress(literal: endpoint)
    let attempt =
      literal.map { bootstrap.bind(to: $0) } ?? bootstrap.bind(host: endpoint.host, port: Int(endpoint.port))
    do {
      return try await attempt.get()
    } catch {
      throw TransportError(listening: error, at: endpoint)
    }
  }

  private static func frame(
    _ channel: any Channel, whenActive: (@Sendable (FramedChannel) -> Void)? = nil
  ) throws {
    try SocketOptions.apply(to: channel)
    let handler = FramedChannelHandler(FramedChannel(channel: channel), whenActive: whenActive)
    try channel.pipeline.syncOperations.addHandler(handler)
  }
}
