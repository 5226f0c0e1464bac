import Foundation

/// The kernel's switches that silence radios, as `rfkill list` shows them.
struct RadioSwitches {
  enum Block {
    /// By a program; a program can undo it.
    case soft
    /// By a switch on the machine.
    case hard
  }

  /// Such as `/sys/class/rfkill`: a directory for each switch.
  let directory: String

  /// What silences an adapter, such as `hci0`; nil when nothing does, and when the kernel does not say.
  func block(of adapter: String) -> Block? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    guard let name = names.first(where: { value("name", of: $0) == adapter }) else { return nil }
    if value("hard", of: name) == "1" { return .hard }
    return value("soft", of: name) == "1" ? .soft : nil
  }

  private func value(_ file: String, of name: String) -> String? {
    FileManager.default.contents(atPath: "\(directory)/\(name)/\(file)")
      .map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
  }
}
