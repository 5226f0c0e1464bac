import ArgumentParser
import FieldAgent
import FieldCore
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct AgentCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "agent",
    abstract: "Run the service that keeps one or more homes in step with the devices around.",
    discussion: """
      It runs in the foreground until it is interrupted, and prints a line that begins with \
      'ready' once it listens. Other commands may be used meanwhile. Its log goes to standard \
      error. Several homes, of any workspaces, share the port and the adapter.

      Example:
        fieldsync agent --listen 0.0.0.0:7747
        fieldsync agent --home ~/club --home ~/survey
      """)

  @Option(help: ArgumentHelp("Where to listen on the LAN.", valueName: "host:port"))
  var listen = "[::]:7747"

  @Option(
    help: ArgumentHelp(
      "A device to stay connected with, tcp://HOST:PORT; may be given several times.", valueName: "address"))
  var connect: [String] = []

  @Option(help: ArgumentHelp("The Bluetooth adapter to use (default: the first that is on).", valueName: "hci"))
  var adapter: String?

  @Flag(help: "Do not use Bluetooth.")
  var noBle = false

  @Flag(help: "Do not use the LAN.")
  var noLan = false

  @OptionGroup(title: "On a relay") var quota: QuotaOptions

  @Option(help: "The least that is logged.")
  var logLevel = LogLevel.info

  @OptionGroup var global: GlobalOptions

  static var takesSeveralHomes: Bool { true }

  func validate() throws {
    if noBle, noLan { throw ValidationError("With neither Bluetooth nor the LAN there is nothing to do.") }
  }

  func run() async throws {
    let locks = try global.homes.map { try $0.lockForAgent() }
    defer { withExtendedLifetime(locks) {} }
    var open: [OpenHome] = []
    for home in global.homes {
      let home = try await home.open()
      try home.requireAdmission()
      try await quota.apply(to: home)
      open.append(home)
    }
    var logger = Logger(label: "fieldsync", factory: StreamLogHandler.standardError(label:))
    logger.logLevel = logLevel.level
    let service = try await AgentService(
      homes: open, listen: noLan ? nil : listen, bluetooth: noBle ? nil : .init(adapter: adapter),
      fixed: try connect.map { address throws(AgentError) in try PeerAddress(argument: address) }, logger: logger)
    let group = ServiceGroup(
      services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    try Console.write("ready \(service.readiness)\n", to: .standardOutput)
    try await group.run()
  }
}

enum LogLevel: String, ExpressibleByArgument, CaseIterable {
  case trace, debug, info, notice, warning, error

  var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}
