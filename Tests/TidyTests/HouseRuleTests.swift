import Foundation
import Testing

/// The rules of the house that a machine can hold to. The words that are looked for are put together here, so that this
/// file does not contain them.
@Suite struct HouseRuleTests {
  static let lineLimit = 800
  static let columnLimit = 120
  private static let allSwift = SourceTree.sources + SourceTree.tests

  @Test func filesAreShort() {
    #expect(Self.allSwift.filter { $0.lines.count > Self.lineLimit }.map(\.path) == [])
    #expect(Self.allSwift.filter { $0.lines.allSatisfy(\.isEmpty) }.map(\.path) == [], "empty files")
  }

  @Test func linesAreShort() {
    #expect(Self.allSwift.flatMap { $0.places { $0.count > Self.columnLimit } } == [])
  }

  @Test func nothingIsLeftForLater() {
    let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
    #expect(SourceTree.texts.flatMap { file in file.places { line in words.contains { line.contains($0) } } } == [])
  }

  @Test func noErrorIsAssumedAway() {
    #expect(Self.allSwift.flatMap { $0.places(of: ["try" + "!"]) } == [])
  }

  @Test func escapeHatchesHaveReasons() {
    let words = ["@unchecked " + "Sendable", "nonisolated(" + "unsafe)", "unsafe" + "BitCast"]
    #expect(Self.allSwift.flatMap { $0.placesWithoutReason(words) } == [])
  }

  @Test func testsWaitForStatesNotForTime() {
    let words = ["Task." + "sleep", "Thread." + "sleep", "usleep" + "(", "nanosleep" + "("]
    #expect(SourceTree.tests.filter { $0.module != "Lab" }.flatMap { $0.places(of: words) } == [])
  }

  @Test func noPathOfSomebodysMachine() {
    let words = ["/wo" + "rk/", "/Us" + "ers/", "/opt/sw" + "ift"]
    #expect(SourceTree.texts.flatMap { file in file.places { line in words.contains { line.contains($0) } } } == [])
  }

  /// Packages come from wherever the machine's own package tools are pointed at.
  @Test func noRegistryIsNamed() {
    let words = ["pypi" + ".org", "python" + "hosted.org", "deb.debian" + ".org", "--index" + "-url"]
    #expect(SourceTree.texts.flatMap { file in file.places { line in words.contains { line.contains($0) } } } == [])
  }

  @Test(arguments: SourceTree.modules) func moduleExplainsItself(_ module: String) {
    let files = SourceTree.sources.filter { $0.module == module }
    #expect(files.contains { $0.types.contains(where: \.isDocumented) }, "no type of \(module) has a doc comment")
  }

  @Test func publicTypesAreDocumented() {
    let bare = SourceTree.sources.flatMap { file in
      file.types.filter { $0.isPublic && !$0.isDocumented && !$0.name.hasSuffix("Tag") }.map {
        "\(file.path): \($0.name)"
      }
    }
    #expect(bare == [])
  }

  /// The rules above see what they are meant to see.
  @Test func rulesCanFail() {
    let file = SourceFile(
      path: "Sources/X/Y.swift",
      text: """
        let a = b  // word
        let c = word
        // why
        let d = word
        let e = word  // why
        public struct Bare {}
        /// What it is.
        @Frozen
        public final class Documented {}
        enum Inner {}
        """)
    #expect(file.places(of: ["word"]) == ["Sources/X/Y.swift:2", "Sources/X/Y.swift:4", "Sources/X/Y.swift:5"])
    #expect(file.placesWithoutReason(["word"]) == ["Sources/X/Y.swift:2"])
    #expect(file.types.map(\.name) == ["Bare", "Documented", "Inner"])
    #expect(file.types.map(\.isPublic) == [true, true, false])
    #expect(file.types.map(\.isDocumented) == [false, true, false])
    #expect(file.module == "X")
  }
}
