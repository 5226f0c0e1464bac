import Glibc

/// Feeds decoders and state machines what a hostile peer might: `FieldFuzz TARGET [libFuzzer's options and folders]`.
///
/// It is built by `Scripts/fuzz` alone, with the sanitizers of the whole package. A trap, a leak of a broken property
/// (``require(_:_:)``) or a sanitizer's finding ends it with the input in a file.
@main
enum FieldFuzz {
  static func main() {
    guard chosen != nil else {
      print(targets.map(\.name).joined(separator: "\n"))
      exit(CommandLine.arguments.count > 1 ? 64 : 0)
    }
    var arguments: [UnsafeMutablePointer<CChar>?] =
      ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { strdup($0) } + [nil]
    var count = CInt(arguments.count - 1)
    let status = arguments.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress
      return runFuzzer(&count, &start, testOneInput)
    }
    exit(status)
  }

  static let targets: [FuzzTarget] =
    entryTargets + sessionTargets + linkTargets + documentTargets + sketchTargets
}

/// Something that takes bytes from outside.
struct FuzzTarget: Sendable {
  let name: String
  let run: @Sendable ([UInt8]) -> Void

  init(_ name: String, _ run: @escaping @Sendable ([UInt8]) -> Void) {
    self.name = name
    self.run = run
  }
}

/// Ends the process when something that has to hold does not.
func require(_ condition: Bool, _ what: StaticString) {
  precondition(condition, "\(what)")
}

/// The one that the first argument names.
private let chosen = CommandLine.arguments.dropFirst().first.flatMap { name in
  FieldFuzz.targets.first { $0.name == name }
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ argumentCount: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// libFuzzer's own `main` wants this name, though it is not the one that runs.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
  chosen?.run(Array(UnsafeBufferPointer(start: start, count: byteCount)))
  return 0
}
