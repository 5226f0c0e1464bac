import CSodium

/// A secret in guarded memory: between inaccessible pages, locked out of swap as far as the system's limit allows,
/// read-only once filled, and overwritten when the last reference goes. It costs some pages and system calls, so it is
/// for keys, not for messages. It never shows its bytes in a description, a dump or a debugger's summary.
///
/// Running out of memory for it traps, as for any other allocation.
public final class SecretBytes: @unchecked Sendable {  // the memory never changes after init
  public let byteCount: Int
  private let memory: UnsafeMutableRawPointer

  /// Makes a secret of `byteCount` bytes, zero at first, that `fill` writes.
  public init<Failure: Error>(
    byteCount: Int, filling fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    SodiumLibrary.require()
    guard let memory = sodium_malloc(byteCount) else {
      preconditionFailure("no guarded memory left for a secret of \(byteCount) bytes")
    }
    do {
      let bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      try fill(bytes)
    } catch {
      sodium_free(memory)
      throw error
    }
    precondition(sodium_mprotect_readonly(memory) == 0, "guarded memory could not be made read-only")
    self.byteCount = byteCount
    self.memory = memory
  }

  /// Copies `bytes`; the caller wipes its own.
  public convenience init(copying bytes: [UInt8]) {
    self.init(byteCount: bytes.count) { $0.copyBytes(from: bytes) }
  }

  public static func random(byteCount: Int) -> SecretBytes {
    SecretBytes(byteCount: byteCount) { SystemRandom.fill($0) }
  }

  deinit {
    sodium_free(memory)
  }

  /// The bytes, for the time of the call. Writing to them ends the process.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(start: memory, count: byteCount))
  }

  func withPointer<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    withExtendedLifetime(self) { body(UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))) }
  }
}

extension SecretBytes: Equatable {
  /// Takes a time that depends on the lengths alone.
  public static func == (left: SecretBytes, right: SecretBytes) -> Bool {
    guard left.byteCount == right.byteCount else { return false }
    return left.withPointer { left in right.withPointer { sodium_memcmp(left, $0, right.byteCount) == 0 } }
  }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "SecretBytes(\(byteCount) bytes, redacted)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
