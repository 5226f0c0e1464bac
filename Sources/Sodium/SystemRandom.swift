import CSodium

/// The operating system's random bytes, fit for keys and nonces.
public struct SystemRandom: RandomNumberGenerator, Sendable {
  public init() {
    SodiumLibrary.require()
  }

  public mutating func next() -> UInt64 {
    var value: UInt64 = 0
    withUnsafeMutableBytes(of: &value) { Self.fill($0) }
    return value
  }

  public static func bytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      fill(UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count))
      initializedCount = count
    }
  }

  public static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    SodiumLibrary.require()
    if let start = bytes.baseAddress { randombytes_buf(start, bytes.count) }
  }
}
