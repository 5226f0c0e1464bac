import ArgumentParser
import FieldAgent
import FieldCore
import QRCode

struct InviteCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "invite",
    abstract: "Let one device into the workspace, once: with a line of text, a QR code or a spoken code.",
    discussion: """
      The invitation is a line that begins with 'fieldsync:join/1/'. It is a secret until it is \
      used: give it to the other device by a way that nobody else reads. On that device:

        fieldsync join -                              (then paste the line)
        fieldsync join --scan PICTURE                 (a picture of the QR code)
        fieldsync join --code                         (then type the words)

      With '--code' it is three words, good for one try within two minutes, and this command waits \
      and asks whether both screens show the same check words. This device has to run its agent \
      meanwhile.

      Example:
        fieldsync invite --role relay --expires 30m --qr
      """)

  @Option(help: ArgumentHelp("How long it may be used: a number and s, m, h or d.", valueName: "time"))
  var expires = Lifetime(seconds: 3600)

  @Option(help: "What the device will be: member, relay (carries entries and cannot read them) or admin.")
  var role = InvitedRole.member

  @Flag(help: "Show it as a QR code too.")
  var qr = false

  @Flag(help: "Draw the QR code with ASCII characters.")
  var ascii = false

  @Flag(help: "A code to say, instead of a line of text.")
  var code = false

  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if code, qr || ascii { throw ValidationError("A code is said, not scanned: leave --qr out.") }
  }

  func run() async throws {
    if code { return try await SpokenInvitation(home: try await home.open(), role: role.role, console: console).run() }
    let invitation = try await home.open().invite(role: role.role, lifetime: .seconds(expires.seconds))
    let picture = try qr || ascii ? QRCode(invitation.uri) : nil
    try console.result(
      [
        ("uri", .string(invitation.uri)), ("role", .string(role.rawValue)),
        ("expiresInSeconds", .integer(expires.seconds)),
      ],
      lines: (picture.map { ascii ? $0.ascii : $0.halfBlocks } ?? []) + [invitation.uri])
    console.note("For one device, within \(expires.text). On it, run 'fieldsync join -' and paste the line above.")
  }
}

enum InvitedRole: String, ExpressibleByArgument, CaseIterable {
  case member
  case relay
  case admin

  var role: DeviceRole {
    switch self {
    case .member: .member
    case .relay: .relay
    case .admin: .admin
    }
  }
}

/// A length of time as people type it: `90s`, `15m`, `2h`, `7d`. At most a year.
struct Lifetime: ExpressibleByArgument, Sendable {
  private static let units: KeyValuePairs<Character, Int64> = ["d": 86_400, "h": 3600, "m": 60, "s": 1]

  let seconds: Int64

  init(seconds: Int64) { self.seconds = seconds }

  init?(argument: String) {
    guard let unit = Self.units.first(where: { $0.key == argument.last })?.value,
      let number = Int64(argument.dropLast()), number > 0, number <= 366 * 86_400 / unit
    else { return nil }
    seconds = number * unit
  }

  var text: String {
    let unit = Self.units.first { seconds % $0.value == 0 } ?? ("s", 1)
    return "\(seconds / unit.value)\(unit.key)"
  }

  var defaultValueDescription: String { text }
}
