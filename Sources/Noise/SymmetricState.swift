import Sodium

/// The keys and the transcript hash as they grow through a handshake (Noise rev 34, section 5.2).
struct SymmetricState: Sendable {
  private let hash: HashFunction
  private var chainingKey: SecretBytes
  private(set) var transcriptHash: [UInt8]
  /// `nil` until the first key is mixed in; what is sent before that is in the clear.
  private var cipher: CipherState?

  init(protocolName: NoiseProtocolName) {
    hash = protocolName.hash
    let name = Array(protocolName.description.utf8)
    transcriptHash =
      name.count <= hash.byteCount
      ? name + [UInt8](repeating: 0, count: hash.byteCount - name.count) : hash.hash(name)
    chainingKey = SecretBytes(copying: transcriptHash)
  }

  var isEncrypting: Bool { cipher != nil }

  mutating func mixHash(_ bytes: some Collection<UInt8>) {
    transcriptHash = hash.hash(transcriptHash + bytes)
  }

  mutating func mixKey(_ input: UnsafeRawBufferPointer) {
    let (nextChainingKey, key) = hash.deriveTwo(from: chainingKey, input)
    chainingKey = nextChainingKey
    cipher = CipherState(secret: key)
  }

  mutating func mixKeyAndHash(_ presharedKey: SecretBytes) {
    let (nextChainingKey, hashInput, key) = presharedKey.withUnsafeBytes { hash.deriveThree(from: chainingKey, $0) }
    chainingKey = nextChainingKey
    hashInput.withUnsafeBytes { mixHash($0) }
    cipher = CipherState(secret: key)
  }

  mutating func encryptAndHash(_ plaintext: [UInt8]) throws(NoiseError) -> [UInt8] {
    let ciphertext = try cipher?.encrypt(plaintext, additionalData: transcriptHash) ?? plaintext
    mixHash(ciphertext)
    return ciphertext
  }

  mutating func decryptAndHash(_ ciphertext: ArraySlice<UInt8>) throws(NoiseError) -> [UInt8] {
    let plaintext = try cipher?.decrypt(ciphertext, additionalData: transcriptHash) ?? Array(ciphertext)
    mixHash(ciphertext)
    return plaintext
  }

  /// The secrets of the two directions: the initiator's, then the responder's.
  func split() -> (SecretBytes, SecretBytes) {
    hash.deriveTwo(from: chainingKey, UnsafeRawBufferPointer(start: nil, count: 0))
  }
}
