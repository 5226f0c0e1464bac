import Foundation
import Testing

/// Two namespaces with a cable between them, and a real bus and Avahi in each; gone with the value.
final class TwoNetworks {
  let directory: String
  private let script = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var prefix = ""

  init() throws {
    directory = "/tmp/field-\(UUID().uuidString.prefix(8))"  // a socket's path is short
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "two-networks").path
    let command = (Self.isRoot ? [] : ["/usr/bin/sudo", "-n"]) + ["/bin/bash", path, directory]
    script.executableURL = URL(filePath: command[0])
    script.arguments = Array(command.dropFirst())
    script.standardInput = input
    script.standardOutput = output
    try script.run()
    let words = try line().split(separator: " ")
    try #require(words.count == 2 && words[0] == "ready", "the networks could not be made")
    prefix = String(words[1])
  }

  deinit {
    try? input.fileHandleForWriting.write(contentsOf: Data("end\n".utf8))
    script.waitUntilExit()
    try? FileManager.default.removeItem(atPath: directory)
  }

  private static var isRoot: Bool { geteuid() == 0 }

  /// Makes the script do something; returns when it is done.
  func tell(_ command: String) throws {
    try input.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
    #expect(try line() == "done")
  }

  /// What runs a command on one side.
  func wrapper(_ side: Int) -> [String] {
    ["DBUS_SYSTEM_BUS_ADDRESS=unix:path=\(directory)/bus\(side)"]
      + (Self.isRoot ? [] : ["/usr/bin/sudo", "-n", "--preserve-env"])
      + ["/usr/sbin/ip", "netns", "exec", "\(prefix)\(side)"]
  }

  private func line() throws -> String {
    var bytes: [UInt8] = []
    while let next = try output.fileHandleForReading.read(upToCount: 1)?.first, next != UInt8(ascii: "\n") {
      bytes.append(next)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
