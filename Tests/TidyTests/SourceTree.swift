import Foundation

/// The package's files, found from this one.
enum SourceTree {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static let sources = swiftFiles(in: "Sources")
  static let tests = swiftFiles(in: "Tests")
  static let modules = Set(sources.map(\.module)).sorted()

  /// Files of every kind that a person wrote, with their paths from the root.
  static let texts: [SourceFile] =
    ["Sources", "Tests", "Scripts", "Docs", ".ci"].flatMap { files(in: $0) { _ in true } }
    + ["README.md", "Package.swift"].compactMap(file)

  private static func swiftFiles(in folder: String) -> [SourceFile] {
    files(in: folder) { $0.hasSuffix(".swift") }
  }

  private static func files(in folder: String, where isMeant: (String) -> Bool) -> [SourceFile] {
    let paths =
      FileManager.default.enumerator(atPath: root.appending(path: folder).path)?.compactMap { $0 as? String } ?? []
    return paths.filter { isMeant($0) && !$0.contains("__pycache__") }.sorted().compactMap { file("\(folder)/\($0)") }
  }

  /// `nil` for folders and what is not text.
  private static func file(_ path: String) -> SourceFile? {
    (try? String(contentsOf: root.appending(path: path), encoding: .utf8)).map { SourceFile(path: path, text: $0) }
  }
}
