import Glibc
import Synchronization

/// An open file descriptor with one owner: closed when the last reference goes, or before by ``close()``.
///
/// Sending one over a bus sends a duplicate; who sends it drops it to close this side's copy. Received ones are
/// close-on-exec.
public final class FileDescriptor: Sendable, Equatable {
  private let raw: Mutex<Int32>

  /// Takes ownership of `raw`, which must be open and owned by nobody else.
  public init(owning raw: Int32) {
    self.raw = Mutex(raw)
  }

  deinit { close() }

  /// Runs `body` with the descriptor, which stays open meanwhile; nil when it is closed or taken.
  public func withRawValue<Result, Failure: Error>(
    _ body: (Int32) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    try raw.withLock { raw throws(Failure) in
      raw >= 0 ? try body(raw) : nil
    }
  }

  /// Hands the descriptor over: the caller closes it. Nil when it is closed or taken.
  public func take() -> Int32? {
    raw.withLock { raw in
      guard raw >= 0 else { return nil }
      defer { raw = -1 }
      return raw
    }
  }

  public func close() {
    if let raw = take() { _ = Glibc.close(raw) }
  }

  public static func == (left: FileDescriptor, right: FileDescriptor) -> Bool { left === right }
}
