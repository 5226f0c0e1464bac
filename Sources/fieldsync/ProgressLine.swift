import FieldAgent
import Glibc

/// How far a long command is: one line that is drawn over on a terminal, a line each ten seconds elsewhere, a JSON line
/// each second with `--json`, nothing with `--quiet`.
struct ProgressLine {
  private let console: Console
  private let verb: String
  /// Both may grow: not every command knows from the start how much there is.
  var itemCount: Int
  var byteCount: Int
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var last = ContinuousClock.now
  private var isDrawn = false

  init(_ verb: String, itemCount: Int, byteCount: Int, console: Console) {
    self.console = console
    self.verb = verb
    self.itemCount = itemCount
    self.byteCount = byteCount
  }

  private var interval: Duration {
    console.json ? .seconds(1) : isTerminal ? .milliseconds(100) : .seconds(10)
  }

  mutating func update(items: Int, bytes: Int) {
    let now = ContinuousClock.now
    guard !console.quiet, now - last >= interval else { return }
    last = now
    let elapsed = start.duration(to: now) / .seconds(1)
    let rate = Double(bytes) / elapsed
    if console.json {
      let progress = JSON.object([
        ("schema", .count(Console.schema)), ("type", .string("progress")), ("step", .string(verb)),
        ("entries", .count(items)), ("totalEntries", .count(itemCount)), ("bytes", .count(bytes)),
        ("totalBytes", .count(byteCount)), ("bytesPerSecond", .integer(Int64(rate))),
      ])
      return Console.tell(progress.text + "\n")
    }
    var line = itemCount > 0 ? "\(verb)  \(items)/\(itemCount)" : verb
    if byteCount > 0 {
      line += "  \(ByteText.short(bytes))/\(ByteText.short(byteCount))  \(ByteText.short(Int(rate)))/s"
    }
    let done = byteCount > 0 ? Double(bytes) / Double(byteCount) : Double(items) / Double(max(1, itemCount))
    if done > 0 { line += "  \(Self.clock(elapsed / done - elapsed)) to go" }
    Console.tell(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n")
    isDrawn = isTerminal
  }

  /// Leaves the terminal's line empty.
  mutating func finish() {
    if isDrawn { Console.tell("\r\u{1B}[K") }
    isDrawn = false
  }

  private static func clock(_ seconds: Double) -> String {
    let seconds = Int(min(max(0, seconds), 359_999))
    let rest = seconds % 60
    return "\(seconds / 60):\(rest < 10 ? "0" : "")\(rest)"
  }
}

enum ByteText {
  /// Three digits or so, in powers of 1,000.
  static func short(_ byteCount: Int) -> String {
    var value = Double(byteCount)
    for unit in ["B", "kB", "MB", "GB"] {
      if value < 1000 { return unit == "B" ? "\(byteCount) B" : "\((value * 10).rounded() / 10) \(unit)" }
      value /= 1000
    }
    return "\((value * 10).rounded() / 10) TB"
  }
}
