import Foundation
import Testing

/// Who has every byte that two devices said over TCP, from the invitation on.
@Suite(.timeLimit(.minutes(2)))
struct ListenerTests {
  private static let canaries =
    ["canary-laptop", "canary-tablet", "canary-notes"]
    + (0..<5).flatMap { index in
      ["canary-document-\(index)", "canary-field-\(index)", "canary-value-\(index)", "canary-file-\(index)"]
    }

  @Test func adversaryListenerOnTheLANHearsNoCanary() async throws {
    let (laptop, tablet) = (try Tool(), try Tool())
    try #require(try await laptop.run("init", "--name", "canary-laptop").status == 0)
    for index in 0..<5 {
      try laptop.write(Array("canary-value-\(index) in a file".utf8), to: "canary-file-\(index)")
      let put = try await laptop.run(
        "put", "canary-notes", "canary-document-\(index)", "canary-field-\(index)=canary-value-\(index)",
        "photo=@canary-file-\(index)")
      try #require(put.status == 0, "\(put.errors)")
    }
    let agent = try await AgentProcess(laptop)
    let wire = try RecordingProxy(to: agent.address)
    defer { wire.stop() }
    let invitation = try await laptop.run("invite", "--quiet").output
    let joined = try await tablet.run(
      "join", "-", "--connect", wire.address, "--name", "canary-tablet", input: invitation)
    #expect(joined.status == 0, "\(joined.errors)")
    let code = try await tablet.run("sync", "--connect", wire.address)
    #expect(code.status == 0, "\(code.errors)")
    let fields = try await tablet.run("get", "canary-notes", "canary-document-4", "--json").json()["fields"]
    #expect((fields as? [String: Any])?["canary-field-4"] as? String == "canary-value-4")

    let capture = Data(wire.bytes)
    #expect(capture.count > 3000, "the whole of it was recorded")
    for canary in Self.canaries { #expect(capture.range(of: Data(canary.utf8)) == nil, "\(canary)") }
    // Nor who they are, nor which workspace it is, nor what lets in.
    let status = try await tablet.run("status", "--json").json()
    let workspace = try Self.bytes(of: try #require(status["workspace"] as? String))
    #expect(workspace.count == 32 && capture.range(of: workspace) == nil)
    let identities = try [laptop, tablet].map { Data(try $0.bytes(of: "home/identity")) }
    // Any eight bytes of an identity's file: keys are in it.
    for identity in identities {
      for start in stride(from: 0, to: identity.count - 8, by: 1)
      where Set(identity[start..<start + 8]).count > 5 && !"canary-laptop canary-tablet".utf8.contains(identity[start])
      {
        #expect(capture.range(of: identity[start..<start + 8]) == nil, "byte \(start) of an identity")
      }
    }
  }

  private static func bytes(of hexadecimal: String) throws -> Data {
    let digits = Array(hexadecimal.utf8)
    var data = Data()
    for index in stride(from: 0, to: digits.count - 1, by: 2) {
      data.append(try #require(UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16)))
    }
    return data
  }
}
