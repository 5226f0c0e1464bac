import CSodium

/// libsodium's secretstream (XChaCha20-Poly1305 with a ratcheted key): a long text as a sequence of chunks, of which
/// none can be changed, left out, moved or cut off at the end unnoticed.
public enum SecretStream {
  public static let keyByteCount = 32
  public static let headerByteCount = 24
  /// What a sealed chunk is longer than its content.
  public static let overheadByteCount = 17

  /// Seals chunk after chunk.
  public final class Sealer {
    /// What an ``Opener`` needs beside the key.
    public let header: [UInt8]
    private var state = crypto_secretstream_xchacha20poly1305_state()

    /// - Throws: ``SodiumError`` with `invalidLength` for a key of other than 32 bytes.
    public init(key: SecretBytes) throws(SodiumError) {
      SodiumLibrary.require()
      try SodiumError.requireLength(key.byteCount, keyByteCount, of: "stream key")
      var header = [UInt8](repeating: 0, count: headerByteCount)
      var state = crypto_secretstream_xchacha20poly1305_state()
      _ = key.withPointer { crypto_secretstream_xchacha20poly1305_init_push(&state, &header, $0) }
      self.header = header
      self.state = state
    }

    deinit { wipe(&state) }

    /// - Parameters:
    ///   - isLast: Nothing follows.
    ///   - additionalData: Bound to the chunk, and not in it.
    public func seal(_ chunk: [UInt8], isLast: Bool, additionalData: [UInt8] = []) -> [UInt8] {
      var sealed = [UInt8](repeating: 0, count: chunk.count + overheadByteCount)
      let tag =
        isLast
        ? crypto_secretstream_xchacha20poly1305_tag_final() : crypto_secretstream_xchacha20poly1305_tag_message()
      crypto_secretstream_xchacha20poly1305_push(
        &state, &sealed, nil, chunk, UInt64(chunk.count), additionalData, UInt64(additionalData.count), tag)
      return sealed
    }
  }

  /// Opens the chunks of a ``Sealer`` in their order.
  public final class Opener {
    /// Whether the last chunk was opened.
    public private(set) var isFinished = false
    private var state = crypto_secretstream_xchacha20poly1305_state()

    /// - Throws: ``SodiumError`` with `invalidLength` for a key of other than 32 bytes or a header of other than 24.
    public init(key: SecretBytes, header: [UInt8]) throws(SodiumError) {
      SodiumLibrary.require()
      try SodiumError.requireLength(key.byteCount, keyByteCount, of: "stream key")
      try SodiumError.requireLength(header.count, headerByteCount, of: "stream header")
      _ = key.withPointer { crypto_secretstream_xchacha20poly1305_init_pull(&state, header, $0) }
    }

    deinit { wipe(&state) }

    /// - Throws: ``SodiumError`` with `authenticationFailed` for anything but the next chunk.
    public func open(_ sealed: [UInt8], additionalData: [UInt8] = []) throws(SodiumError) -> [UInt8] {
      guard !isFinished, sealed.count >= overheadByteCount else {
        throw SodiumError(.authenticationFailed, "not a chunk of the stream")
      }
      var chunk = [UInt8](repeating: 0, count: sealed.count - overheadByteCount)
      var tag: UInt8 = 0
      let status = crypto_secretstream_xchacha20poly1305_pull(
        &state, &chunk, nil, &tag, sealed, UInt64(sealed.count), additionalData, UInt64(additionalData.count))
      guard status == 0 else { throw SodiumError(.authenticationFailed, "a chunk of the stream is not authentic") }
      isFinished = tag == crypto_secretstream_xchacha20poly1305_tag_final()
      return chunk
    }
  }

  private static func wipe(_ state: inout crypto_secretstream_xchacha20poly1305_state) {
    withUnsafeMutableBytes(of: &state) { bytes in
      if let start = bytes.baseAddress { sodium_memzero(start, bytes.count) }
    }
  }
}
