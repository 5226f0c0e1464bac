import Testing

/// Which module may import which: the arrows of `Docs/ARCHITECTURE.md`, held to by a test.
@Suite struct ImportTests {
  /// Modules without input, output and clocks of their own.
  static let pure = ["FieldWire", "FieldCore", "Noise", "CPace", "Sodium", "SetReconciliation"]
  /// Modules that know nothing of this package's purpose.
  static let general = [
    "Sodium", "Noise", "CPace", "QRCode", "SetReconciliation", "DBus", "Readiness", "BlueZ", "L2CAP",
  ]
  static let transports = ["FieldLAN", "FieldBluetooth"]

  @Test func sourcesAreFound() {
    #expect(SourceTree.modules.contains("FieldCore") && SourceTree.sources.count > 100)
    #expect(
      SourceTree.sources.first { $0.path == "Sources/FieldCore/Session/Session.swift" }?.imports == [
        "FieldWire", "Noise",
      ])
  }

  @Test(arguments: pure) func doesNoInputOrOutput(_ module: String) {
    let forbidden = ["Foundation", "FoundationEssentials", "Glibc", "Dispatch", "Logging"]
    #expect(importers(in: module) { forbidden.contains($0) || $0.hasPrefix("NIO") } == [])
  }

  @Test(arguments: general) func knowsNothingOfSync(_ module: String) {
    #expect(importers(in: module) { $0.hasPrefix("Field") } == [])
  }

  @Test func transportsDoNotKnowEachOther() {
    for module in Self.transports {
      #expect(importers(in: module) { Self.transports.contains($0) && $0 != module } == [])
    }
  }

  @Test func onlyTheAgentKnowsBothTransports() {
    let both = SourceTree.modules.filter { module in
      Self.transports.allSatisfy { transport in !importers(in: module) { $0 == transport }.isEmpty }
    }
    #expect(both == [] || both == ["FieldAgent"])
  }

  @Test func oneSwiftModuleForEachCLibrary() {
    let importers = Dictionary(
      grouping: SourceTree.sources.flatMap { file in file.imports.map { (name: $0, file.module) } }
    ) {
      $0.name
    }
    let shared = importers.filter { name, uses in
      name.firstMatch(of: /^C[A-Z]/) != nil && Set(uses.map(\.1)).count > 1
    }
    #expect(shared.keys.sorted() == [])
    #expect(importers["CSodium"]?.map(\.1).contains("Sodium") == true)
  }

  @Test func coreKnowsNoTransportAndNoStore() {
    let above = ["FieldStore", "FieldDocuments", "FieldAgent", "FieldTesting"] + Self.transports
    for module in ["FieldWire", "FieldCore"] { #expect(importers(in: module) { above.contains($0) } == []) }
    for module in ["FieldStore", "FieldDocuments"] {
      #expect(importers(in: module, of: Self.transports.contains) == [])
    }
  }

  @Test(arguments: [
    ("import Glibc", "Glibc"), ("public import FieldCore", "FieldCore"), ("  @testable import DBus", "DBus"),
    ("internal import struct Foundation.Data", "Foundation"), ("@_spi(Testing) import NIOCore  // why", "NIOCore"),
  ])
  func importsAreRead(_ line: String, _ module: String) {
    #expect(
      SourceFile(path: "Sources/X/Y.swift", text: "import A\n\(line)\n// import B\nlet importance = 1").imports == [
        "A", module,
      ])
  }

  /// Files of a module that import something that is meant, with what they import.
  private func importers(in module: String, of isMeant: (String) -> Bool) -> [String] {
    SourceTree.sources.filter { $0.module == module }
      .flatMap { file in file.imports.filter(isMeant).map { "\(file.path): \($0)" } }
  }
}
