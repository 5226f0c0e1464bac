import Foundation
import Testing

/// A directory of its own that goes with the value.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array((NSTemporaryDirectory() + "/fieldsync-test-XXXXXX").utf8CString)  // for mkdtemp
    path = try template.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress, let made = mkdtemp(start) else {
        throw CocoaError(.fileWriteUnknown)
      }
      return String(cString: made)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  static func / (directory: TemporaryDirectory, name: String) -> String { directory.path + "/" + name }
}

func permissions(of path: String) throws -> Int {
  try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
}
