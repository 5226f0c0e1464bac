import FieldAgent
import Glibc

/// A file that is read from front to back, or standard input.
final class InputFile {
  private let file: Int32
  private let path: String
  /// The last component of its path; `nil` for standard input, or when it is not one line of text.
  let name: String?

  /// - Parameter path: `-` for standard input.
  init(_ path: String) throws {
    self.path = path
    if path == "-" {
      file = STDIN_FILENO
      name = nil
      return
    }
    file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw AgentError(readingFails: path, errno) }
    let last = path.split(separator: "/").last.map(String.init)
    name = last.flatMap { $0.unicodeScalars.contains(where: \.isUnsafeInTerminal) ? nil : $0 }
  }

  deinit { if file != STDIN_FILENO { close(file) } }

  func read(_ count: Int) throws -> [UInt8] {
    try readBytes(file, count, path)
  }
}

/// Up to `count` bytes; none at the end.
func readBytes(_ file: Int32, _ count: Int, _ path: String) throws -> [UInt8] {
  try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
    var received = read(file, buffer.baseAddress, count)
    while received < 0, errno == EINTR { received = read(file, buffer.baseAddress, count) }
    guard received >= 0 else { throw AgentError(readingFails: path, errno) }
    initializedCount = received
  }
}

extension AgentError {
  init(readingFails path: String, _ number: Int32) {
    let reason = strerror(number).map { String(cString: $0) } ?? "error \(number)"
    let code: Code = number == ENOENT || number == ENOTDIR ? .notFound : number == EACCES ? .permission : .unexpected
    self.init(code, "Could not read '\(path)': \(reason).", hint: "Check the path and whether you may read it.")
  }
}
