import CSodium

/// BLAKE2b (RFC 7693), unkeyed or keyed, in one call or piece by piece. Copies hash on independently.
///
/// A digest has 16 to 64 bytes, a key 0 (none) to 64; other lengths trap, as they are constants of the program.
public struct Blake2b: Sendable {
  private var state: State
  private let byteCount: Int

  public init(byteCount: Int = 32, key: [UInt8] = []) {
    state = State(byteCount: byteCount, key: key, keyByteCount: key.count)
    self.byteCount = byteCount
  }

  public init(byteCount: Int = 32, key: SecretBytes) {
    state = key.withPointer { State(byteCount: byteCount, key: $0, keyByteCount: key.byteCount) }
    self.byteCount = byteCount
  }

  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  public mutating func update(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { update($0) }
  }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
    state.update(bytes)
  }

  /// The digest of what came so far; more may follow.
  public func finalize() -> [UInt8] {
    state.digest(byteCount: byteCount)
  }

  public static func hash(_ bytes: [UInt8], byteCount: Int = 32, key: [UInt8] = []) -> [UInt8] {
    hash(bytes, byteCount: byteCount, key: key, keyByteCount: key.count)
  }

  public static func hash(_ bytes: [UInt8], byteCount: Int = 32, key: SecretBytes) -> [UInt8] {
    key.withPointer { hash(bytes, byteCount: byteCount, key: $0, keyByteCount: key.byteCount) }
  }

  private static func hash(
    _ bytes: [UInt8], byteCount: Int, key: UnsafePointer<UInt8>, keyByteCount: Int
  ) -> [UInt8] {
    requireLengths(byteCount: byteCount, keyByteCount: keyByteCount)
    return [UInt8](unsafeUninitializedCapacity: byteCount) { digest, initializedCount in
      guard let start = digest.baseAddress else { return }
      crypto_generichash(start, byteCount, bytes, UInt64(bytes.count), key, keyByteCount)
      initializedCount = byteCount
    }
  }

  private static func requireLengths(byteCount: Int, keyByteCount: Int) {
    SodiumLibrary.require()
    precondition((16...64).contains(byteCount), "a BLAKE2b digest has 16 to 64 bytes, not \(byteCount)")
    precondition(keyByteCount <= 64, "a BLAKE2b key has up to 64 bytes, not \(keyByteCount)")
  }
}

extension Blake2b {
  /// libsodium's state in memory of its own, because it asks for a greater alignment than Swift gives to a value.
  private final class State: @unchecked Sendable {  // changed only while uniquely referenced
    private static let size = crypto_generichash_statebytes()
    private static let alignment = 64

    private let memory = UnsafeMutableRawPointer.allocate(byteCount: State.size, alignment: State.alignment)

    init(byteCount: Int, key: UnsafePointer<UInt8>, keyByteCount: Int) {
      Blake2b.requireLengths(byteCount: byteCount, keyByteCount: keyByteCount)
      crypto_generichash_init(OpaquePointer(memory), key, keyByteCount, byteCount)
    }

    init(copying other: State) {
      memory.copyMemory(from: other.memory, byteCount: Self.size)
    }

    deinit {
      sodium_memzero(memory, Self.size)
      memory.deallocate()
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
      let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      crypto_generichash_update(OpaquePointer(memory), start, UInt64(bytes.count))
    }

    func digest(byteCount: Int) -> [UInt8] {
      withUnsafeTemporaryAllocation(byteCount: Self.size, alignment: Self.alignment) { copy in
        copy.copyMemory(from: UnsafeRawBufferPointer(start: memory, count: Self.size))
        return [UInt8](unsafeUninitializedCapacity: byteCount) { digest, initializedCount in
          guard let state = copy.baseAddress, let start = digest.baseAddress else { return }
          crypto_generichash_final(OpaquePointer(state), start, byteCount)
          sodium_memzero(state, Self.size)
          initializedCount = byteCount
        }
      }
    }
  }
}
