import Foundation
import Testing

/// `Docs/SECURITY.md` names a test for each of its lines: they exist.
@Suite struct SecurityTests {
  /// Names in backquotes, in the last column of the table of adversaries, row by row.
  private static let named: [[String]] = {
    let lines = SourceTree.texts.first { $0.path == "Docs/SECURITY.md" }?.lines ?? []
    return lines.filter { $0.hasPrefix("| ") && !$0.hasPrefix("| adversary |") && !$0.hasPrefix("| --- ") }
      .map { line in
        let last = line.split(separator: "|").last { !$0.allSatisfy(\.isWhitespace) } ?? ""
        return last.matches(of: /`([^`]+)`/).map { String($0.output.1) }
      }
  }()

  private static let tests = Set(
    SourceTree.tests.flatMap { file in
      file.lines.flatMap { $0.matches(of: /\b(?:func|struct) ([A-Za-z0-9]+)/).map { String($0.output.1) } }
    })
  private static let scenarios = Set(
    SourceTree.texts.map(\.path).filter { $0.hasPrefix("Tests/Lab/scenarios/") }.compactMap {
      $0.split(separator: "/").last.map(String.init)
    })

  @Test func everyLineIsShownByATestThatIsThere() {
    #expect(Self.named.count > 30)
    #expect(Self.named.allSatisfy { !$0.isEmpty }, "a line without a test")
    let missing = Self.named.flatMap(\.self).filter { !Self.tests.contains($0) && !Self.scenarios.contains($0) }
    #expect(missing == [])
  }

  @Test func everyAttackIsInTheTable() {
    let attacks = Self.tests.filter { $0.hasPrefix("adversary") }
    #expect(attacks.count > 20)
    #expect(attacks.subtracting(Self.named.flatMap(\.self)).sorted() == [])
  }

  /// What is built in from elsewhere; a new one is to be looked at first. None of them decompresses anything.
  @Test func dependenciesAreFew() throws {
    let manifest = try #require(SourceTree.texts.first { $0.path == "Package.swift" })
    let packages = manifest.lines.compactMap { line in
      line.firstMatch(of: /\.package\(url: "([^"]+)"/).map { String($0.output.1) }
    }
    #expect(
      packages == [
        "https://github.com/apple/swift-nio", "https://github.com/apple/swift-log",
        "https://github.com/apple/swift-argument-parser", "https://github.com/swift-server/swift-service-lifecycle",
        "https://github.com/groue/GRDB.swift",
      ])
    let libraries = manifest.lines.compactMap { line in
      line.firstMatch(of: /\.systemLibrary\(name: "([A-Za-z]+)"/).map { String($0.output.1) }
    }
    #expect(Set(libraries).isSubset(of: ["CBluetooth", "CDBus", "CPNG", "CQREncode", "CSodium", "CZBar"]))
  }
}
