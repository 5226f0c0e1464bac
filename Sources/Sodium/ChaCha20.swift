import CSodium

/// The ChaCha20 stream cipher, bare: it stretches a key into pseudorandom bytes and authenticates nothing.
public enum ChaCha20 {
  public static let keyByteCount = 32

  /// Fills `bytes` with the keystream from block 0. The nonce has 8 bytes (original ChaCha20) or 12 (RFC 8439); with a
  /// nonce of zeros both give the same stream. Other lengths trap, as they are constants of the program.
  public static func keystream(
    key: [UInt8], nonce: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0], into bytes: UnsafeMutableRawBufferPointer
  ) {
    SodiumLibrary.require()
    precondition(key.count == keyByteCount, "a ChaCha20 key has 32 bytes, not \(key.count)")
    precondition(nonce.count == 8 || nonce.count == 12, "a ChaCha20 nonce has 8 or 12 bytes, not \(nonce.count)")
    guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
    if nonce.count == 8 {
      crypto_stream_chacha20(start, UInt64(bytes.count), nonce, key)
    } else {
      crypto_stream_chacha20_ietf(start, UInt64(bytes.count), nonce, key)
    }
  }
}
