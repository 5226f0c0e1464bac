import FieldCore
import FieldStore
import FieldWire
import Foundation
import StoreFixtures

/// Writes to a store until it is done or killed, and prints a line for each batch that was acknowledged. Tests run
/// several of them on one file, and kill them.
///
/// `store-writer PATH append DEVICE COUNT`: DEVICE appends COUNT batches of its own.
/// `store-writer PATH put DEVICE COUNT`: puts COUNT batches that DEVICE wrote elsewhere.
@main struct StoreWriter {
  static let batchEntryCount = 5

  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let device = UInt8(arguments[3]), let count = UInt64(arguments[4]) else {
      fatalError("usage: store-writer PATH append|put DEVICE COUNT")
    }
    let workspace = try TestWorkspace()
    let store = try SQLiteStore(
      path: arguments[1], workspace: workspace.id, options: SQLiteStore.Options(busyTimeout: .seconds(60)))
    var author = try TestAuthor(try TestWorkspace.device(device), in: workspace)
    for batch in 1...count {
      // The batch is a document, so that who looks sees whether all of it is there.
      let document = DocumentID.number(UInt64(device) << 32 | batch)
      let texts = (0..<batchEntryCount).map { "\(device) \(batch) \($0) " + String(repeating: "x", count: 200 * $0) }
      if arguments[2] == "append" {
        _ = try await store.append(texts.map { .text($0, to: document) }, signedBy: author.keyPair)
      } else {
        let outcomes = try await store.put(texts.map { try author.write($0, to: document).entry })
        guard outcomes.allSatisfy({ $0 == .stored || $0 == .duplicate }) else { fatalError("refused: \(outcomes)") }
      }
      // Not `print`, which would keep the lines back.
      FileHandle.standardOutput.write(Data("\(batch)\n".utf8))
    }
    try await store.close()
  }
}
