// swift-tools-version: 6.2
import PackageDescription

// Fuzzers are built by Scripts/fuzz alone: their sanitizers fit no other build.
let isFuzzing = Context.environment["FIELD_FUZZ"] != nil
// Scripts/test works the libraries hard: optimized, with assertions left on. SwiftPM lets no package with flags like these
// be a dependency, so nobody else's build has them. File by file, since a build without the flags that finds a module
// that was built as a whole keeps parts of it, and does not link.
let optimization: [SwiftSetting] =
  Context.environment["FIELD_OPTIMIZE"] == nil
  ? [] : [.unsafeFlags(["-O", "-assert-config", "Debug"])]

let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict + optimization)
}

func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: strict)
}

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "fieldsync",
  products: [
    .library(name: "FieldAgent", targets: ["FieldAgent"]),
    .library(name: "FieldCore", targets: ["FieldCore"]),
    .library(name: "FieldDocuments", targets: ["FieldDocuments"]),
    .library(name: "FieldStore", targets: ["FieldStore"]),
    .library(name: "FieldTesting", targets: ["FieldTesting"]),
    .executable(name: "fieldsync", targets: ["fieldsync"]),
    .executable(name: "fieldsync-bench", targets: ["fieldsync-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CQREncode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
    .systemLibrary(name: "CZBar", pkgConfig: "zbar", providers: [.apt(["libzbar-dev"])]),
    // Headers alone: constants and structs of the kernel's interface.
    .systemLibrary(name: "CBluetooth"),
    .systemLibrary(name: "CDBus", pkgConfig: "dbus-1", providers: [.apt(["libdbus-1-dev"])]),
    library("Sodium", ["CSodium"]),
    library("Noise", ["Sodium"]),
    library("CPace", ["Sodium"]),
    library("QRCode", ["CPNG", "CQREncode", "CZBar"]),
    .target(name: "CSketchKernels"),
    library("SetReconciliation", ["CSketchKernels"]),
    library("DBus", ["CDBus"]),
    library("Readiness"),
    library("BlueZ", ["DBus", "Readiness"]),
    library("L2CAP", ["CBluetooth", "Readiness"]),
    library("DBusTesting"),
    library("FieldWire"),
    library("FieldCore", ["CPace", "FieldWire", "Noise", "SetReconciliation", "Sodium"]),
    library("FieldStore", ["FieldCore", "FieldWire", "SetReconciliation", "Sodium", grdb, grdbSQLite]),
    library("FieldDocuments", ["FieldCore", "FieldWire", "Sodium"]),
    library("FieldLAN", ["FieldCore", "FieldWire", "DBus", nioCore, nioPosix]),
    library("FieldBluetooth", ["FieldCore", "FieldWire", "BlueZ", "DBus", "L2CAP", logging]),
    library("FieldTesting", ["FieldCore", "FieldWire", "SetReconciliation", "Sodium"]),
    library(
      "FieldAgent",
      [
        "DBus", "FieldBluetooth", "FieldCore", "FieldDocuments", "FieldLAN", "FieldStore", "FieldWire", "Sodium",
        logging, lifecycle,
      ]),
    executable(
      "fieldsync",
      [
        "FieldAgent", "FieldCore", "FieldDocuments", "FieldLAN", "FieldStore", "FieldWire", "QRCode", "Sodium",
        argumentParser,
        lifecycle, logging, signals,
      ]),
    executable(
      "fieldsync-bench",
      [
        "FieldAgent", "FieldCore", "FieldStore", "FieldTesting", "FieldWire", "Sodium", argumentParser, grdb,
        grdbSQLite,
      ]),
    .target(
      name: "StoreFixtures", dependencies: ["FieldCore", "FieldTesting", "FieldWire", "Sodium"],
      path: "Tests/StoreFixtures",
      swiftSettings: strict),
    .executableTarget(
      name: "store-writer", dependencies: ["FieldCore", "FieldStore", "FieldWire", "StoreFixtures"],
      path: "Tests/StoreWriter", swiftSettings: strict),
    .executableTarget(
      name: "lab-link", dependencies: ["FieldBluetooth", "FieldCore", logging], path: "Tests/Lab/link",
      swiftSettings: strict),
    tests("SodiumTests", ["Sodium"]),
    tests("CPaceTests", ["CPace", "Sodium"]),
    tests("QRCodeTests", ["QRCode"]),
    tests("NoiseTests", ["Noise", "Sodium"], resources: [.copy("Python"), .copy("Vectors")]),
    tests("SetReconciliationTests", ["SetReconciliation"]),
    tests("DBusTests", ["DBus", "DBusTesting"], exclude: ["Peers"]),
    tests("BlueZTests", ["BlueZ", "DBus", "DBusTesting"], exclude: ["Peers"]),
    tests("ReadinessTests", ["Readiness"]),
    tests("L2CAPTests", ["L2CAP", "Readiness"]),
    tests("FieldWireTests", ["FieldTesting", "FieldWire", "StoreFixtures"]),
    tests(
      "FieldCoreTests",
      ["FieldCore", "FieldTesting", "FieldWire", "Noise", "SetReconciliation", "Sodium", "StoreFixtures"]),
    tests(
      "FieldStoreTests",
      ["FieldCore", "FieldStore", "FieldWire", "SetReconciliation", "Sodium", "StoreFixtures", "store-writer", grdb]),
    tests("FieldDocumentsTests", ["FieldCore", "FieldDocuments", "FieldWire", "Sodium"]),
    tests(
      "FieldLANTests",
      ["DBus", "DBusTesting", "FieldCore", "FieldLAN", "FieldTesting", "FieldWire", "Sodium", nioCore],
      exclude: ["Peers"]),
    tests(
      "FieldTestingTests",
      ["FieldCore", "FieldTesting", "FieldWire", "SetReconciliation", "Sodium", "StoreFixtures"]),
    tests(
      "FieldAgentTests",
      [
        "DBus", "DBusTesting", "FieldAgent", "FieldCore", "FieldDocuments", "FieldStore", "FieldTesting", "FieldWire",
        "Sodium", logging,
      ]),
    tests(
      "FieldBluetoothTests",
      ["BlueZ", "DBus", "DBusTesting", "FieldBluetooth", "FieldCore", "FieldWire", "L2CAP", logging]),
    tests(
      "CommandLineTests", ["fieldsync", "FieldAgent", "FieldCore", "FieldDocuments", "FieldStore"],
      exclude: ["Networks/two-networks"]),
    tests(
      "ProtocolTests",
      [
        "FieldAgent", "FieldBluetooth", "FieldCore", "FieldDocuments", "FieldStore", "FieldWire", "Noise",
        "SetReconciliation", "Sodium", logging,
      ], exclude: ["peer.py"]),
    tests("TidyTests", []),
  ]
)

if isFuzzing {
  package.targets.append(
    executable(
      "FieldFuzz",
      [
        "FieldAgent", "FieldBluetooth", "FieldCore", "FieldDocuments", "FieldWire", "Noise", "SetReconciliation",
        "Sodium",
      ]))
  package.products.append(.executable(name: "FieldFuzz", targets: ["FieldFuzz"]))
}
