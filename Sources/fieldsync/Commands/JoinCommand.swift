import ArgumentParser
import FieldAgent
import FieldCore
import FieldLAN
import FieldWire
import Foundation
import QRCode

struct JoinCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Become a device of the workspace that an invitation is for.",
    discussion: """
      The inviting device has to run its agent. With '-' the invitation is read from standard \
      input, so that nobody else on this machine sees it, as arguments are for a moment. A code is \
      always asked for. After a cut, run the command again.

      Example:
        fieldsync join - --connect tcp://192.168.1.7:7747
      """)

  @Argument(
    help: ArgumentHelp(
      "The line that 'fieldsync invite' printed, a file that holds it, or '-' to read it.", valueName: "invitation"))
  var invitation: String?

  @Option(help: ArgumentHelp("A PNG picture of the invitation's QR code.", valueName: "image"))
  var scan: String?

  @Flag(help: "Ask for a code that the other screen shows.")
  var code = false

  @Option(help: ArgumentHelp("Where the inviting device listens: tcp://HOST:PORT.", valueName: "address"))
  var connect: String

  @Option(help: "What people will call this device (default: the host's name).")
  var name: String?

  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard [invitation != nil, scan != nil, code].count(where: { $0 }) == 1 else {
      throw ValidationError("Give one of: an invitation, --scan or --code.")
    }
  }

  func run() async throws {
    let address = try PeerAddress(argument: connect)
    let client = PeerClient(transports: [TCPTransport(listen: nil)])
    let name = name ?? ProcessInfo.processInfo.hostName
    let open: OpenHome
    if code {
      Console.tell("Code: ")
      let code = try CodeBook.bytes(of: readLine(strippingNewline: true) ?? "")
      open = try await client.join(code: code, home: home, name: name, at: address) { checkWords in
        try Confirmation.ask("Check words: \(checkWords)\nDoes the inviting screen show the same?")
      }
    } else {
      open = try await client.join(try readInvitation(), home: home, name: name, at: address)
    }
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

extension JoinCommand {
  private func readInvitation() throws -> Invitation {
    if let scan {
      do {
        let texts = try QRCodeScanner.texts(in: try GrayImage(png: scan))
        guard let invitation = texts.lazy.compactMap({ try? Invitation(uri: $0) }).first else {
          throw AgentError(.invalidInput, "The QR code in the picture is no invitation.")
        }
        return invitation
      } catch let error as QRCodeError {
        throw AgentError(
          .invalidInput, "The picture: \(error.reason).",
          hint: "Take the whole code with its margin, as a PNG file, or paste the line beside it.")
      }
    }
    let path = invitation ?? "-"
    if path.hasPrefix(Invitation.scheme) {
      ProcessArguments.hide(path)
      console.note("Others on this machine may have seen the invitation in the list of processes; use 'join -'.")
      return try Invitation(uri: path)
    }
    let uri =
      path == "-"
      ? readLine(strippingNewline: true) ?? "" : String(decoding: try InputFile(path).read(4096), as: UTF8.self)
    return try Invitation(uri: uri.trimmingCharacters(in: .whitespacesAndNewlines))
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
