import Sodium
import Testing

@Suite struct ChaCha20Tests {
  /// RFC 8439 appendix A.1, vectors 1 and 2: the first two blocks under a key and nonce of zeros.
  @Test(arguments: [8, 12]) func rfc8439Keystream(nonceByteCount: Int) {
    let expected = hex(
      """
      76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7
      da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586
      9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed
      29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f
      """)
    let zeroNonce = [UInt8](repeating: 0, count: nonceByteCount)
    #expect(keystream(key: [UInt8](repeating: 0, count: 32), nonce: zeroNonce, byteCount: 128) == expected)
  }

  @Test func expandsAHashWithTheDefaultNonce() {
    let key = Blake2b.hash([1])
    var bytes = [UInt8](repeating: 0, count: 2048)
    bytes.withUnsafeMutableBytes { ChaCha20.keystream(key: key, into: $0) }
    #expect(bytes == keystream(key: key, nonce: [UInt8](repeating: 0, count: 12), byteCount: 2048))
    #expect(bytes != keystream(key: Blake2b.hash([2]), nonce: [UInt8](repeating: 0, count: 12), byteCount: 2048))
    ChaCha20.keystream(key: key, into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
  }

  @Test func wrongLengthsTrap() async {
    await #expect(processExitsWith: .failure) {
      ChaCha20.keystream(key: [1], into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }
    await #expect(processExitsWith: .failure) {
      ChaCha20.keystream(
        key: [UInt8](repeating: 0, count: 32), nonce: [1], into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }
  }

  private func keystream(key: [UInt8], nonce: [UInt8], byteCount: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xff, count: byteCount)
    bytes.withUnsafeMutableBytes { ChaCha20.keystream(key: key, nonce: nonce, into: $0) }
    return bytes
  }
}
