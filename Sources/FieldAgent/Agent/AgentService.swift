import FieldBluetooth
public import FieldCore
import FieldLAN
import FieldWire
public import Logging
public import ServiceLifecycle

/// An ``Agent`` for each of one or more homes, with the transports that the options ask for, as a service that ends in
/// order. Homes share the listener and the adapter.
public struct AgentService: Service {
  public struct BluetoothOptions: Sendable {
    /// `hciN`; `nil` for the first adapter that is on.
    public var adapter: String?

    public init(adapter: String?) {
      self.adapter = adapter
    }
  }

  /// What the agents serve on, for the line that says that they are ready.
  public let readiness: String
  private let agents: [Agent]
  private let transports: [SharedTransport]

  /// Listens already when it returns.
  ///
  /// - Parameters:
  ///   - homes: Of any workspaces.
  ///   - listen: `HOST:PORT`; `nil` for no LAN.
  ///   - bluetooth: `nil` for no Bluetooth.
  ///   - fixed: Peers of any of the homes to stay connected with.
  /// - Throws: ``AgentError``: `invalidInput` for a bad address, `agentUnavailable` when it cannot be had.
  public init(
    homes: [OpenHome], listen: String?, bluetooth: BluetoothOptions?, fixed: [PeerAddress], logger: Logger
  ) async throws {
    let clock = ContinuousClock()
    let tables = homes.map { KeyTable(home: $0, clock: clock) }
    var transports: [SharedTransport] = []
    var places: [String] = []
    if let listen {
      guard let endpoint = TCPEndpoint(listen) else {
        throw AgentError(.invalidInput, "'\(listen)' is not HOST:PORT.", hint: "For example --listen 0.0.0.0:7747")
      }
      let discoveries = homes.map { _ in AvahiDiscovery() }
      let tcp = TCPTransport(listen: endpoint, discoveries: discoveries)
      do {
        try await tcp.bind()
      } catch {
        throw AgentError(
          .agentUnavailable, "Cannot listen on \(listen): \(error.reason).",
          hint: "Choose another port with --listen, or end the program that has it.")
      }
      transports.append(SharedTransport(tcp, for: tables, discoveries: discoveries, clock: clock, logger: logger))
      places.append("tcp://\(tcp.boundAddress?.description ?? listen)")
    }
    if let bluetooth {
      let radio = BluetoothTransport(
        configuration: BluetoothConfiguration(adapter: bluetooth.adapter), clock: clock, logger: logger)
      transports.append(SharedTransport(radio, for: tables, clock: clock, logger: logger))
      places.append("ble")
    }
    self.transports = transports
    agents = homes.enumerated().map { index, home in
      var logger = logger
      if homes.count > 1 { logger[metadataKey: "workspace"] = "\(home.identity.workspace.description.prefix(8))" }
      return Agent(home: home, transports: transports.map { $0.port(index) }, fixed: fixed, logger: logger)
    }
    readiness = places.joined(separator: " ")
  }

  public func run() async throws {
    try await cancelWhenGracefulShutdown { [agents, transports] in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for transport in transports { group.addTask { await transport.run() } }
        for agent in agents { group.addTask { try await agent.run() } }
        // A transport that stopped is in the status of its agents, which go on.
        try await group.waitForAll()
      }
    }
  }
}
