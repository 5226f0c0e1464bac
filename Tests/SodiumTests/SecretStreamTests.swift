import Testing

@testable import Sodium

@Suite struct SecretStreamTests {
  private let key = SecretBytes(copying: Array(0..<32))
  private let chunks: [[UInt8]] = [[1, 2, 3], [], Array(repeating: 7, count: 1000)]

  private func sealed() throws -> (header: [UInt8], chunks: [[UInt8]]) {
    let sealer = try SecretStream.Sealer(key: key)
    return (
      sealer.header,
      chunks.enumerated().map { sealer.seal($1, isLast: $0 == chunks.count - 1, additionalData: [UInt8($0)]) }
    )
  }

  @Test func opensWhatItSealed() throws {
    let (header, sealed) = try sealed()
    let opener = try SecretStream.Opener(key: key, header: header)
    for (index, chunk) in sealed.enumerated() {
      #expect(!opener.isFinished)
      #expect(chunk.count == chunks[index].count + SecretStream.overheadByteCount)
      #expect(try opener.open(chunk, additionalData: [UInt8(index)]) == chunks[index])
    }
    #expect(opener.isFinished)
    #expect(throws: SodiumError(.authenticationFailed, "")) { try opener.open(sealed[0]) }
  }

  @Test func refusesWhatIsChangedMovedOrUnderAnotherKey() throws {
    let (header, sealed) = try sealed()
    for index in sealed[0].indices {
      var changed = sealed[0]
      changed[index] ^= 1
      let opener = try SecretStream.Opener(key: key, header: header)
      #expect(throws: SodiumError(.authenticationFailed, "")) { try opener.open(changed, additionalData: [0]) }
    }
    for (chunk, additionalData) in [(sealed[1], [0]), (sealed[0], [1]), (sealed[0], []), ([], [0])]
      as [([UInt8], [UInt8])]
    {
      let opener = try SecretStream.Opener(key: key, header: header)
      #expect(throws: SodiumError(.authenticationFailed, "")) {
        try opener.open(chunk, additionalData: additionalData)
      }
    }
    let other = try SecretStream.Opener(key: .random(byteCount: 32), header: header)
    #expect(throws: SodiumError(.authenticationFailed, "")) { try other.open(sealed[0], additionalData: [0]) }
    #expect(throws: SodiumError(.invalidLength, "")) { try SecretStream.Opener(key: key, header: []) }
    #expect(throws: SodiumError(.invalidLength, "")) {
      try SecretStream.Sealer(key: SecretBytes(copying: [1]))
    }
  }
}
