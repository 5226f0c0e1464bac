import Sodium
import Testing

@Suite struct SecretBytesTests {
  @Test func holdsWhatWasCopied() {
    let secret = SecretBytes(copying: [1, 2, 3])
    #expect(secret.byteCount == 3)
    #expect(secret.withUnsafeBytes { Array($0) } == [1, 2, 3])
    #expect(SecretBytes(copying: []).withUnsafeBytes { $0.count } == 0)
  }

  @Test func fillsByClosureFromZeros() {
    let secret = SecretBytes(byteCount: 4) { $0[1] = 7 }
    #expect(secret.withUnsafeBytes { Array($0) } == [0, 7, 0, 0])
  }

  @Test func aFailedFillThrowsItsOwnError() {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      try SecretBytes(byteCount: 4) { _ throws(Failure) in throw Failure() }
    }
  }

  @Test func randomSecretsDiffer() {
    #expect(SecretBytes.random(byteCount: 32) != SecretBytes.random(byteCount: 32))
  }

  @Test func equalityIsOfLengthAndBytes() {
    #expect(SecretBytes(copying: [1, 2]) == SecretBytes(copying: [1, 2]))
    #expect(SecretBytes(copying: [1, 2]) != SecretBytes(copying: [1, 3]))
    #expect(SecretBytes(copying: [1, 2]) != SecretBytes(copying: [1, 2, 0]))
    #expect(SecretBytes(copying: []) == SecretBytes(copying: []))
  }

  @Test func noFormOfPrintingShowsTheBytes() throws {
    struct Holder {
      let key: SecretBytes
      let signer: SigningKeyPair
      let agreement: AgreementKeyPair
    }
    // "199" and "c7" stand for the byte 0xC7 in decimal and hexadecimal.
    let secret = SecretBytes(copying: [UInt8](repeating: 0xC7, count: 32))
    let holder = Holder(
      key: secret, signer: try SigningKeyPair(seed: secret), agreement: try AgreementKeyPair(secret: secret))
    var dumped = ""
    dump(secret, to: &dumped)
    var dumpedHolder = ""
    dump(holder, to: &dumpedHolder)
    let printed = [
      String(describing: secret), String(reflecting: secret), "\(secret)", dumped, "\([secret])",
      "\(Optional(secret) as Any)", "\(holder)", String(reflecting: holder), dumpedHolder,
    ]
    for text in printed {
      #expect(!text.contains("199, 199") && !text.lowercased().contains("c7c7") && !text.contains("- 199\n      - 199"))
      #expect(text.contains("redacted") || text.contains("KeyPair"))
    }
    #expect(Mirror(reflecting: secret).children.isEmpty)
  }

  @Test func writingToASecretEndsTheProcess() async {
    await #expect(processExitsWith: .signal(segmentationFault)) {
      SecretBytes(copying: [1, 2, 3]).withUnsafeBytes { UnsafeMutableRawBufferPointer(mutating: $0)[0] = 9 }
    }
  }

  @Test func readingPastTheEndEndsTheProcess() async {
    await #expect(processExitsWith: .signal(segmentationFault)) {
      SecretBytes(copying: [1, 2, 3]).withUnsafeBytes { bytes in
        let beyond = UnsafeRawBufferPointer(start: bytes.baseAddress, count: bytes.count + 1)
        print(beyond[3])
      }
    }
  }

  @Test func aReleasedSecretIsGone() async {
    await #expect(processExitsWith: .signal(segmentationFault)) {
      let stale = SecretBytes(copying: [1, 2, 3]).withUnsafeBytes { $0 }
      print(stale[0])
    }
  }

  @Test func wipeZeroesInPlace() {
    var bytes: [UInt8] = [1, 2, 3]
    bytes.wipe()
    #expect(bytes == [0, 0, 0])
    var empty: [UInt8] = []
    empty.wipe()
    #expect(empty.isEmpty)
  }
}

/// `SIGSEGV` on Linux.
private let segmentationFault: CInt = 11
