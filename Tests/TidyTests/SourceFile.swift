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
      line.firstMatch(
        of:
          /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
      )
      .map { String($0.1) }
    }
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

  /// Top-level types whose first line starts at the margin, and whether a `///` comment stands above them.
  var types: [(name: String, isPublic: Bool, isDocumented: Bool)] {
    lines.indices.compactMap { index in
      guard
        let match = lines[index].firstMatch(
          of:
            /^(public |package |internal )?(?:final |indirect |nonisolated )*(?:struct|class|enum|actor|protocol) (\w+)/
        )
      else { return nil }
      var above = index - 1
      while above >= 0, lines[above].hasPrefix("@") { above -= 1 }
      return (String(match.2), match.1 == "public ", above >= 0 && lines[above].hasPrefix("///"))
    }
  }

  private static func code(of line: String) -> Substring {
    line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
  }
}
