import FieldCore
import FieldWire
import Sodium
import StoreFixtures
import Testing

/// A decoder of this module, with valid bytes to start from.
struct DecoderUnderTest: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let samples: @Sendable () throws -> [[UInt8]]
  /// Decodes all of the bytes and encodes what they mean.
  let recode: @Sendable ([UInt8]) throws(WireError) -> [UInt8]
  let mutationCount: Int

  static let all = [header, entry, directoryOperation, workspaceKeys]

  static let header = DecoderUnderTest(
    testDescription: "header", samples: { try Samples.entries().map(\.header.encoded) },
    recode: { bytes throws(WireError) in
      var reader = WireReader(bytes)
      let header = try EntryHeader(from: &reader)
      try reader.expectEnd()
      return header.encoded
    }, mutationCount: 400_000)

  static let entry = DecoderUnderTest(
    testDescription: "entry", samples: { try Samples.entries().map(\.encoded) },
    recode: { bytes throws(WireError) in
      var reader = WireReader(bytes)
      let entry = try Entry(from: &reader)
      try reader.expectEnd()
      return entry.encoded
    }, mutationCount: 300_000)

  static let directoryOperation = DecoderUnderTest(
    testDescription: "directory operation", samples: { try Samples.operations().map(\.encoded) },
    recode: { bytes throws(WireError) in try DirectoryOperation(decoding: bytes).encoded }, mutationCount: 280_000)

  // Each key takes guarded pages from the system.
  static let workspaceKeys = DecoderUnderTest(
    testDescription: "workspace keys", samples: { Samples.keys().map(\.encoded) },
    recode: { bytes throws(WireError) in try WorkspaceKeys(decoding: bytes).encoded }, mutationCount: 20_000)
}

enum Samples {
  static func entries() throws -> [Entry] {
    let workspace = try TestWorkspace()
    var author = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    let first = try author.write("first")
    let heads = (1...UInt64(EntryLimits.dependencyCount)).map { EntryID.number($0) }
    return [
      workspace.founding.entry, first.entry, try author.write("", kind: .blobChunk).entry,
      try author.write("two", kind: .snapshot, after: [first.id, .number(3)]).entry,
      try author.write("all", kind: .delete, after: heads).entry, try author.write("back", kind: .undelete).entry,
    ]
  }

  static func operations() throws -> [DirectoryOperation] {
    let device = try TestWorkspace.device(3).key
    return [
      .found(nonce: Array(1...16), sealedKeys: Array(repeating: 7, count: 120), sealedName: [1, 2, 3]),
      .grant(device: device, role: .relay, epoch: 0, sealedKeys: [], sealedName: []),
      .grant(
        device: device, role: .admin, epoch: 7, sealedKeys: Array(repeating: 9, count: 4096),
        sealedName: Array(repeating: 1, count: 512)),
      .revoke(device: device, lastEntry: .zero, lastSequences: [:]),
      .revoke(
        device: device, lastEntry: .number(3), lastSequences: [.number(1): 4, .number(2): .max, .zero: 0]),
      .epoch(number: 2, history: [], boxes: [:]),
      .epoch(
        number: .max, history: [1, 2, 3], boxes: [device: [4, 5], try TestWorkspace.device(4).key: []]),
    ]
  }

  static func keys() -> [WorkspaceKeys] {
    let keys = WorkspaceKeys.generate()
    let many = WorkspaceKeys(
      presenceKeys: keys.presenceKeys + [.random(epoch: 1), .random(epoch: 3)], naming: keys.naming,
      contentKeys: [.random(epoch: 1), .random(epoch: 2), .random(epoch: 2), .random(epoch: .max)])
    return [keys, keys.withoutContent, many]
  }
}

@Suite struct DecoderTests {
  @Test(arguments: DecoderUnderTest.all)
  func bytesComeBackFromWhatTheyMean(_ decoder: DecoderUnderTest) throws {
    for sample in try decoder.samples() { #expect(try decoder.recode(sample) == sample) }
  }

  @Test(arguments: DecoderUnderTest.all)
  func everyCutIsRefused(_ decoder: DecoderUnderTest) throws {
    for sample in try decoder.samples() {
      for length in 0..<sample.count {
        let cut = Array(sample.prefix(length))
        // A cut of the keys may end where a relay's keys do, which are whole.
        if let recoded = try? decoder.recode(cut) {
          #expect(decoder.testDescription == "workspace keys" && recoded == cut)
        }
      }
      #expect(throws: WireError.self) { try decoder.recode(sample + [0]) }
    }
  }

  /// Every byte of each sample at every value: lengths, counts, versions and kinds at their edges among them.
  @Test(arguments: [DecoderUnderTest.header, .directoryOperation])
  func everyValueOfEveryByteIsReadOrRefused(_ decoder: DecoderUnderTest) throws {
    for sample in try decoder.samples() where sample.count < 500 {
      var changed = sample
      for place in sample.indices {
        for value in 0...UInt8.max {
          changed[place] = value
          if let recoded = try? decoder.recode(changed), recoded != changed {
            Issue.record("byte \(place) as \(value) is read as something else")
          }
        }
        changed[place] = sample[place]
      }
    }
  }

  /// What a decoder takes, it writes the same way: nothing has two encodings. And it takes anything without a trap.
  @Test(arguments: DecoderUnderTest.all)
  func mutationsAreReadAsWrittenOrRefused(_ decoder: DecoderUnderTest) throws {
    let samples = try decoder.samples()
    var mutator = ByteMutator(seed: 2026)
    var takenCount = 0
    for number in 0..<decoder.mutationCount {
      let mutated = mutator.mutate(samples[number % samples.count])
      guard let recoded = try? decoder.recode(mutated) else { continue }
      takenCount += 1
      if recoded != mutated { Issue.record("\(Hexadecimal.encode(mutated)) is written back in another way") }
    }
    #expect(takenCount > decoder.mutationCount / 1000)
    #expect(takenCount < decoder.mutationCount)
  }
}
