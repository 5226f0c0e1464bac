import Foundation
import Testing

/// A directory of its own that goes with the value.
final class TemporaryDirectory {
  let path = NSTemporaryDirectory() + "fieldsync-test-" + String(UInt64.random(in: .min ... .max), radix: 36)

  init() throws {
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  static func / (directory: TemporaryDirectory, name: String) -> String { directory.path + "/" + name }
}

func permissions(of path: String) throws -> Int {
  try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
}
