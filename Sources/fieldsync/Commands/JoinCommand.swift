import ArgumentParser
import FieldAgent
import FieldCore
import FieldLAN
import FieldWire
import Foundation

struct JoinCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Become a device of the workspace that an invitation is for.",
    discussion: """
      The inviting device has to run its agent. With '-' the invitation is read from standard \
      input, so that it appears in no list of processes. After a cut, run the command again.

      Example:
        fieldsync join - --connect tcp://192.168.1.7:7747
      """)

  @Argument(help: ArgumentHelp("The line that 'fieldsync invite' printed, or '-'.", valueName: "uri"))
  var invitation: String

  @Option(help: ArgumentHelp("Where the inviting device listens: tcp://HOST:PORT.", valueName: "address"))
  var connect: String

  @Option(help: "What people will call this device (default: the host's name).")
  var name: String?

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let uri = invitation == "-" ? readLine(strippingNewline: true) ?? "" : invitation
    let invitation = try Invitation(uri: uri.trimmingCharacters(in: .whitespacesAndNewlines))
    let address = try PeerAddress(argument: connect)
    let open = try await PeerClient(transports: [TCPTransport(listen: nil)])
      .join(invitation, home: home, name: name ?? ProcessInfo.processInfo.hostName, at: address)
    let device = DeviceText.encode(open.identity.device)
    try console.result(
      [
        ("device", .string(device)), ("workspace", .string(open.identity.workspace.description)),
        ("role", .string(open.role.map { "\($0)" })),
      ],
      lines: [
        "Joined workspace \(open.identity.workspace) as \(open.role.map { "\($0)" } ?? "a device"), device \(device)."
      ])
    console.note("Now 'fieldsync sync --connect \(connect)' brings what is there.")
  }
}

extension PeerAddress {
  /// - Throws: ``AgentError`` with `invalidInput`.
  init(argument: String) throws(AgentError) {
    guard let address = PeerAddress(argument) else {
      throw AgentError(
        .invalidInput, "'\(argument)' is not an address.",
        hint: "Use tcp://HOST:PORT, with an IPv6 address in brackets.")
    }
    self = address
  }
}
