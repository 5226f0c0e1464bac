import FieldAgent
import Foundation
import Glibc

/// A new file, or standard output. What was begun and not finished is taken away.
final class OutputFile {
  private let file: Int32
  private let path: String
  private var isFinished = false

  /// - Parameter path: `-` for standard output.
  init(_ path: String) throws {
    self.path = path
    file = path == "-" ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw AgentError(writingFails: path, errno) }
  }

  deinit {
    guard file != STDOUT_FILENO, file >= 0 else { return }
    close(file)
    if !isFinished { unlink(path) }
  }

  func write(_ bytes: [UInt8]) throws { try writeBytes(bytes, to: file, path) }

  func finish() throws {
    guard file == STDOUT_FILENO || fsync(file) == 0 else { throw AgentError(writingFails: path, errno) }
    isFinished = true
  }
}

func writeBytes(_ bytes: [UInt8], to file: Int32, _ path: String) throws {
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes { write(file, $0.baseAddress.map { $0 + written }, $0.count - written) }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { throw AgentError(writingFails: path, errno) }
    written += count
  }
}

extension AgentError {
  init(writingFails path: String, _ number: Int32) {
    let reason = strerror(number).map { String(cString: $0) } ?? "error \(number)"
    self.init(
      number == EACCES || number == EPERM ? .permission : .cannotWrite, "Could not write '\(path)': \(reason).",
      hint: number == EEXIST ? "Choose a name that is not taken." : nil)
  }
}
