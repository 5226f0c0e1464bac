import FieldCore
import FieldWire
import Sodium
import StoreFixtures
import Testing

@Suite struct VerifiedEntryTests {
  let workspace: TestWorkspace
  let written: VerifiedEntry

  init() throws {
    workspace = try TestWorkspace()
    var author = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    let first = try author.write("first")
    written = try author.write("a payload of some length", after: [first.id])
  }

  @Test func whatWasSignedVerifies() throws {
    #expect(try VerifiedEntry(verifying: written.entry, in: workspace.id) == written)
    #expect(written.id == written.header.id(in: workspace.id))
  }

  /// No bit of header, signature and payload can be another.
  @Test func everyFlippedBitIsRefused() {
    let bytes = written.entry.encoded
    var codes: [EntryError.Code: Int] = [:]
    for bit in 0..<bytes.count * 8 {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      var reader = WireReader(flipped)
      guard let entry = try? Entry(from: &reader), reader.isAtEnd else { continue }
      do {
        _ = try VerifiedEntry(verifying: entry, in: workspace.id)
        Issue.record("bit \(bit) does not matter")
      } catch {
        codes[error.code, default: 0] += 1
      }
    }
    let headerBits = written.header.encodedByteCount * 8
    #expect(codes[.contentMismatch] == (written.entry.payload.count + ContentHash.byteCount) * 8)
    #expect(codes[.badSignature] ?? 0 > headerBits / 2 + EntryLimits.signatureByteCount * 8)
    #expect(Set(codes.keys) == [.contentMismatch, .badSignature])
  }

  @Test func anEntryCannotMoveToAnotherWorkspace() throws {
    #expect(throws: EntryError(.badSignature, "")) {
      try VerifiedEntry(verifying: written.entry, in: try TestWorkspace(number: 9).id)
    }
  }

  @Test func sizesAndRulesAreCheckedFirst() {
    var entry = written.entry
    entry.payload.append(0)
    #expect(throws: EntryError(.malformed, "")) { try VerifiedEntry(verifying: entry, in: workspace.id) }
    entry = written.entry
    entry.header.dependencies = Array(repeating: .number(1), count: 300)
    #expect(throws: EntryError(.malformed, "")) { try VerifiedEntry(verifying: entry, in: workspace.id) }
    entry = written.entry
    entry.signature.removeLast()
    #expect(throws: EntryError(.badSignature, "")) { try VerifiedEntry(verifying: entry, in: workspace.id) }
  }

  @Test func draftsAreHeldToTheRules() throws {
    let device = try TestWorkspace.device(2)
    let largest = [UInt8](repeating: 1, count: EntryLimits.payloadByteCount)
    var draft = EntryDraft(kind: .blobChunk, database: .number(1), keyEpoch: 1, payload: largest)
    let entry = try draft.sign(with: device, following: nil, in: workspace.id)
    #expect(try VerifiedEntry(verifying: entry.entry, in: workspace.id) == entry)
    draft.payload.append(1)
    #expect(throws: EntryError(.tooLarge, "")) { try draft.sign(with: device, following: nil, in: workspace.id) }
    draft.payload = []
    draft.document = .number(1)
    #expect(throws: EntryError(.malformed, "")) { try draft.sign(with: device, following: nil, in: workspace.id) }
    // Dependencies may come in any order, and twice.
    let change = EntryDraft.text("c", after: [.number(5), .number(2), .number(5)])
    let signed = try change.sign(with: device, following: nil, in: workspace.id)
    #expect(signed.header.dependencies == [.number(2), .number(5)])
  }
}
