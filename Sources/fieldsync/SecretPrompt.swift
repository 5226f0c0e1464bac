import FieldAgent
import Glibc
import Sodium

/// Asks at the terminal for a line that nobody sees.
enum SecretPrompt {
  private static let byteLimit = 1024

  /// - Returns: `nil` where there is no terminal.
  /// - Throws: ``AgentError`` with `incomplete` when the user interrupts it, `invalidInput` for a line that is too
  ///   long.
  static func ask(_ prompt: String) throws -> SecretBytes? {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else { return nil }
    defer { close(terminal) }
    var before = termios()
    guard tcgetattr(terminal, &before) == 0 else { return nil }
    // Interruptions come as characters, so that the terminal is never left without its echo.
    var during = before
    during.c_lflag &= ~tcflag_t(ECHO | ISIG | ICANON)
    guard tcsetattr(terminal, TCSAFLUSH, &during) == 0 else { return nil }
    defer {
      tcsetattr(terminal, TCSAFLUSH, &before)
      write("\n", to: terminal)
    }
    write(prompt, to: terminal)
    var line: [UInt8] = []
    line.reserveCapacity(byteLimit)
    defer { line.wipe() }
    while true {
      var byte: UInt8 = 0
      let received = read(terminal, &byte, 1)
      if received < 0, errno == EINTR { continue }
      guard received == 1 else { return nil }
      switch byte {
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return SecretBytes(copying: line)
      case 3, 4, 26, 28:
        throw AgentError(.incomplete, "Interrupted.", hint: "Run the command again.")
      case 8, 127: if !line.isEmpty { line.removeLast() }
      case 21: line.removeAll(keepingCapacity: true)
      default:
        guard line.count < byteLimit else { throw AgentError(.invalidInput, "The line is too long.") }
        line.append(byte)
      }
    }
  }

  private static func write(_ text: String, to terminal: Int32) {
    _ = text.withCString { Glibc.write(terminal, $0, strlen($0)) }
  }
}
