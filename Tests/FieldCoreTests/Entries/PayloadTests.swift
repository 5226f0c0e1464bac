@testable import FieldCore
import FieldTesting
import FieldWire
import Sodium
import StoreFixtures
import Testing

@Suite struct PaddingTests {
  @Test func sizesGrowByLittleAndLeakLittle() {
    var sizes: Set<Int> = []
    var last = 0
    for byteCount in 1...70_000 {
      let padded = Padding.paddedByteCount(of: byteCount)
      #expect(padded >= byteCount && padded >= last)
      #expect(Double(padded) <= Double(byteCount) * 1.12)
      if padded != last { #expect(Padding.paddedByteCount(of: padded) == padded) }
      last = padded
      sizes.insert(padded)
    }
    #expect(sizes.count < 250, "seventy thousand sizes become a few hundred")
    // The paper's example, and the size that chunks are chosen by.
    #expect(Padding.paddedByteCount(of: 9) == 10)
    #expect(Padding.paddedByteCount(of: 65_536) == 65_536)
    #expect(Padding.paddedByteCount(of: PayloadCipher.blobChunkByteCount + 1) == 65_536)
  }

  @Test func contentComesBack() {
    var random = SeededRandom(seed: 8)
    for byteCount in 0..<600 {
      // Contents that end like padding, too.
      let content = random.bytes(byteCount).map { random.chance(0.5) ? $0 & 0x80 : $0 }
      let padded = Padding.pad(content)
      #expect(padded.count == Padding.paddedByteCount(of: byteCount + 1))
      #expect(Padding.unpad(padded) == content)
      #expect(Padding.unpad(padded + [0]) == nil || Padding.paddedByteCount(of: byteCount + 1) == padded.count + 1)
    }
  }

  @Test(arguments: [[], [0], [0, 0, 0], [1], [0x80, 1], [0x80, 0], [1, 0x80, 0, 0, 0], [0x81]] as [[UInt8]])
  func otherPaddingIsNone(_ bytes: [UInt8]) {
    #expect(Padding.unpad(bytes) == nil)
  }

  /// What unpads is the one padded form of its content.
  @Test func contentHasOnePaddedForm() {
    var mutator = ByteMutator(seed: 9)
    var taken = 0
    for number in 0..<50_000 {
      let bytes = mutator.mutate(Padding.pad(mutator.random.bytes(number % 70)))
      guard let content = Padding.unpad(bytes) else { continue }
      taken += 1
      if Padding.pad(content) != bytes { Issue.record("\(bytes) is another padding of \(content)") }
    }
    #expect(taken > 1000)
  }
}

@Suite struct PayloadCipherTests {
  let cipher: PayloadCipher
  let keyring: ContentKeyring

  init() {
    var keyring = ContentKeyring()
    keyring.add(SecretBytes(copying: [UInt8](repeating: 1, count: 32)), epoch: 1)
    keyring.add(SecretBytes(copying: [UInt8](repeating: 2, count: 32)), epoch: 7)
    self.keyring = keyring
    cipher = PayloadCipher(workspace: .number(1), keyring: keyring)
  }

  private func header(
    _ kind: EntryKind, _ epoch: UInt32, database: DatabaseID = .number(1), document: DocumentID = .number(1)
  )
    -> EntryHeader
  {
    EntryHeader(
      kind: kind, database: database, document: kind == .blobChunk ? .zero : document, author: .number(1), sequence: 1,
      previous: .zero, keyEpoch: epoch, contentHash: .zero, payloadByteCount: 0, dependencies: [])
  }

  @Test func contentIsSealedUnderTheNewestEpoch() throws {
    for content in [[], [0x80], Array("some words".utf8), [UInt8](repeating: 3, count: 5000)] {
      let (payload, epoch) = try cipher.seal(content, kind: .documentChange, database: .number(1), document: .number(1))
      #expect(epoch == 7)
      #expect(payload.count == 24 + Padding.paddedByteCount(of: content.count + 1) + 16)
      #expect(try cipher.open(payload, of: header(.documentChange, 7)) == content)
      let again = try cipher.seal(content, kind: .documentChange, database: .number(1), document: .number(1)).payload
      #expect(again != payload)
    }
  }

  @Test func aPayloadIsBoundToItsPlace() throws {
    let payload = try cipher.seal([1, 2, 3], kind: .snapshot, database: .number(1), document: .number(1)).payload
    let undecryptable = EntryError(.undecryptable, "")
    #expect(throws: undecryptable) { try cipher.open(payload, of: header(.documentChange, 7)) }
    #expect(throws: undecryptable) { try cipher.open(payload, of: header(.snapshot, 1)) }
    #expect(throws: undecryptable) { try cipher.open(payload, of: header(.snapshot, 7, database: .number(2))) }
    #expect(throws: undecryptable) { try cipher.open(payload, of: header(.snapshot, 7, document: .number(2))) }
    #expect(throws: EntryError(.unknownKeyEpoch, "")) { try cipher.open(payload, of: header(.snapshot, 8)) }
    let other = PayloadCipher(workspace: .number(2), keyring: keyring)
    #expect(throws: undecryptable) { try other.open(payload, of: header(.snapshot, 7)) }
    #expect(throws: EntryError(.unknownKeyEpoch, "")) {
      try PayloadCipher(workspace: .number(1), keyring: ContentKeyring())
        .seal([], kind: .snapshot, database: .number(1), document: .number(1))
    }
  }

  @Test func equalChunksAreEqualBytesInEveryDatabase() throws {
    let chunk = [UInt8](repeating: 5, count: PayloadCipher.blobChunkByteCount)
    let here = try cipher.seal(chunk, kind: .blobChunk, database: .number(1)).payload
    let there = try cipher.seal(chunk, kind: .blobChunk, database: .number(2)).payload
    #expect(here == there && here.count == 24 + 65_536 + 16)
    #expect(try cipher.open(here, of: header(.blobChunk, 7, database: .number(2))) == chunk)
    #expect(try cipher.seal(Array(chunk.dropLast()), kind: .blobChunk, database: .number(1)).payload != here)
  }

  @Test func everyFlippedBitAndEveryCutIsRefused() throws {
    let payload = try cipher.seal([1, 2, 3, 4], kind: .snapshot, database: .number(1), document: .number(1)).payload
    for bit in 0..<payload.count * 8 {
      var flipped = payload
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: EntryError(.undecryptable, "")) { try cipher.open(flipped, of: header(.snapshot, 7)) }
    }
    for length in 0..<payload.count {
      #expect(throws: EntryError(.undecryptable, "")) {
        try cipher.open(Array(payload.prefix(length)), of: header(.snapshot, 7))
      }
    }
  }

  @Test func contentThatFitsNoEntryIsRefused() throws {
    let content = [UInt8](repeating: 0, count: EntryLimits.payloadByteCount - 40)
    #expect(throws: EntryError(.tooLarge, "")) {
      try cipher.seal(content, kind: .snapshot, database: .number(1), document: .number(1))
    }
  }
}
