import ArgumentParser
import FieldAgent
import FieldCore
import FieldWire
import Foundation
import Glibc
import QRCode
import Sodium

struct JoinCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Become a device of the workspace that an invitation is for.",
    discussion: """
      The inviting device has to run its agent, and to be near: on the same LAN or in reach of \
      Bluetooth, where it is looked for, or at the address that is given. With '-' the invitation \
      is read from standard input, so that nobody else on this machine sees it, as arguments are \
      for a moment. A code is always asked for. After a cut, run the command again.

      With '--shared-key' nobody has to be near: whoever has the key that 'fieldsync init --shared' \
      printed belongs to the workspace, and can never be put out of it. A home that was restored \
      from a backup is let in again in the same way, with an invitation or the shared key.

      Example:
        fieldsync join --scan screen.png
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

  @Option(
    help: ArgumentHelp("A file with a workspace's shared key, 64 hexadecimal digits, or '-' to ask.", valueName: "file")
  )
  var sharedKey: String?

  @Option(
    help: ArgumentHelp(
      "The inviting device: tcp://HOST:PORT or ble://ADDRESS; looked for without.", valueName: "address"))
  var connect: String?

  @Option(help: ArgumentHelp("The Bluetooth adapter to use (default: the first that is on).", valueName: "hci"))
  var adapter: String?

  @Option(help: "What people will call this device (default: as it was called before, or the host's name).")
  var name: String?

  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard [invitation != nil, scan != nil, code, sharedKey != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("Give one of: an invitation, --scan, --code or --shared-key.")
    }
    if let sharedKey, sharedKey.count >= 64, sharedKey.allSatisfy(\.isHexDigit) {
      throw ValidationError("A shared key is a secret that other processes must not see: use '-' and paste it.")
    }
  }

  func run() async throws {
    let name = try name ?? home.deviceName() ?? ProcessInfo.processInfo.hostName
    let open: OpenHome
    if let sharedKey {
      open = try await home.join(try readSharedKey(sharedKey), name: name)
    } else {
      open = try await joinByInvitation(name)
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
    console.note("Now 'fieldsync agent' keeps it in step, or 'fieldsync sync' brings what is there once.")
  }

  /// At the address that was given, or at everybody who is near, over the LAN and Bluetooth.
  private func joinByInvitation(_ name: String) async throws -> OpenHome {
    let way: Way
    if code {
      Console.tell("Code: ")
      way = .code(try CodeBook.bytes(of: readLine(strippingNewline: true) ?? ""))
    } else {
      way = .invitation(try readInvitation())
    }
    let address = try connect.map { text throws(AgentError) in try PeerAddress(argument: text) }
    let transports = ClientTransports(reaching: address, adapter: adapter, logger: .ofCommand)
    return try await transports.run(reaching: address) { [home, console] client in
      if let address { return try await way.join(home, name, at: address, client) }
      console.note("Looking for the inviting device.")
      return try await client.search { try await way.join(home, name, at: $0, client) }
    }
  }
}

/// What a device is let in with.
private enum Way: Sendable {
  case invitation(Invitation)
  case code([UInt8])

  func join(_ home: Home, _ name: String, at address: PeerAddress, _ client: PeerClient) async throws -> OpenHome {
    switch self {
    case .invitation(let invitation): try await client.join(invitation, home: home, name: name, at: address)
    case .code(let code):
      try await client.join(code: code, home: home, name: name, at: address) { checkWords in
        try await Confirmation.askMeanwhile("Check words: \(checkWords)\nDoes the inviting screen show the same?")
      }
    }
  }
}

extension JoinCommand {
  private func readSharedKey(_ path: String) throws -> SharedKey {
    if path != "-" { return try SharedKey(text: Passphrases.read(path)) }
    if isatty(STDIN_FILENO) == 1, let text = try SecretPrompt.ask("Shared key: ") { return try SharedKey(text: text) }
    return try SharedKey(text: SecretBytes(copying: Array((readLine(strippingNewline: true) ?? "").utf8)))
  }

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
        hint: "Use tcp://HOST:PORT, with an IPv6 address in brackets, or ble://ADDRESS.")
    }
    self = address
  }
}
