import Foundation

/// A Swift file of the package, as the rules of the house look at it.
struct SourceFile: CustomStringConvertible {
  /// From the package's root.
  let path: String
  let lines: [String]

  init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// The folder below `Sources` or `Tests`: the name of the module.
  var module: String { String(path.split(separator: "/").dropFirst().first ?? "") }

  var description: String { path }

  /// The modules that the file imports, submodules by their first name.
  var imports: [String] {
    lines.compactMap { line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), words[..<place].allSatisfy(Self.mayPrecedeImport),
        let first = words.dropFirst(place + 1).first
      else { return nil }
      let name = Self.declarationKinds.contains(String(first)) ? words.dropFirst(place + 2).first : first
      return name?.split(separator: ".").first.map(String.init)
    }
  }

  private static let declarationKinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]

  private static func mayPrecedeImport(_ word: Substring) -> Bool {
    word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
  }

  /// Where a line, without what stands behind `//`, contains one of the words; as `path:line`.
  func places(of words: [String]) -> [String] {
    places { line in words.contains { Self.code(of: line).contains($0) } }
  }

  /// Where a word stands in code without a comment on its line or the one before.
  func placesWithoutReason(_ words: [String]) -> [String] {
    lines.indices.filter { index in
      words.contains { Self.code(of: lines[index]).contains($0) } && !lines[index].contains("//")
        && !(index > 0 && lines[index - 1].trimmingCharacters(in: .whitespaces).hasPrefix("//"))
    }
    .map { "\(path):\($0 + 1)" }
  }

  func places(where isMeant: (String) -> Bool) -> [String] {
    lines.indices.filter { isMeant(lines[$0]) }.map { "\(path):\($0 + 1)" }
  }

  /// Types that begin at the margin, and whether a `///` comment stands above them.
  var types: [(name: String, isPublic: Bool, isDocumented: Bool)] {
    lines.indices.compactMap { index in
      guard let first = lines[index].utf8.first, first != UInt8(ascii: " "), first != UInt8(ascii: "/") else {
        return nil
      }
      let words = lines[index].split(separator: " ")
      guard let place = words.firstIndex(where: { ["struct", "class", "enum", "actor", "protocol"].contains($0) }),
        words[..<place].allSatisfy({ Self.modifiers.contains(String($0)) }), words.count > place + 1
      else { return nil }
      var above = index - 1
      while above >= 0, lines[above].hasPrefix("@") { above -= 1 }
      let name = words[place + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      return (String(name), words.first == "public", above >= 0 && lines[above].hasPrefix("///"))
    }
  }

  private static let modifiers = ["public", "package", "internal", "final", "indirect", "nonisolated"]

  private static func code(of line: String) -> Substring {
    line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
  }
}
