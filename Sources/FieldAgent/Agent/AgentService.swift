import FieldBluetooth
public import FieldCore
import FieldLAN
public import Logging
public import ServiceLifecycle

/// An ``Agent`` with the transports that the options ask for, as a service that ends in order.
public struct AgentService: Service {
  public struct BluetoothOptions: Sendable {
    /// `hciN`; `nil` for the first adapter that is on.
    public var adapter: String?

    public init(adapter: String?) {
      self.adapter = adapter
    }
  }

  /// What the agent serves on, for the line that says that it is ready.
  public let readiness: String
  private let agent: Agent

  /// Listens already when it returns.
  ///
  /// - Parameters:
  ///   - listen: `HOST:PORT`; `nil` for no LAN.
  ///   - bluetooth: `nil` for no Bluetooth.
  /// - Throws: ``AgentError``: `invalidInput` for a bad address, `agentUnavailable` when it cannot be had.
  public init(
    home: OpenHome, listen: String?, bluetooth: BluetoothOptions?, fixed: [PeerAddress], logger: Logger
  ) async throws {
    var transports: [any NetworkTransport] = []
    var places: [String] = []
    if let listen {
      guard let endpoint = TCPEndpoint(listen) else {
        throw AgentError(.invalidInput, "'\(listen)' is not HOST:PORT.", hint: "For example --listen 0.0.0.0:7747")
      }
      let tcp = TCPTransport(listen: endpoint, discovery: AvahiDiscovery())
      do {
        try await tcp.bind()
      } catch {
        throw AgentError(
          .agentUnavailable, "Cannot listen on \(listen): \(error.reason).",
          hint: "Choose another port with --listen, or end the program that has it.")
      }
      transports.append(tcp)
      places.append("tcp://\(tcp.boundAddress?.description ?? listen)")
    }
    if let bluetooth {
      transports.append(
        BluetoothTransport(
          configuration: BluetoothConfiguration(adapter: bluetooth.adapter), clock: ContinuousClock(), logger: logger))
      places.append("ble")
    }
    agent = Agent(home: home, transports: transports, fixed: fixed, logger: logger)
    readiness = places.joined(separator: " ")
  }

  public func run() async throws {
    try await cancelWhenGracefulShutdown { try await agent.run() }
  }
}
