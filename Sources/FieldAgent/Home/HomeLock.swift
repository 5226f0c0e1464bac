import Glibc

/// A lock on a file (flock): held by one process at a time, and given up with the process, however it ends.
public final class HomeLock: Sendable {
  private let file: Int32

  private init(file: Int32) { self.file = file }

  deinit {
    // Closing alone would leave it to a child process that was just forked and has not closed its copy yet.
    flock(file, LOCK_UN)
    close(file)
  }

  /// Waits for at most half a second, so that somebody who only looks does not stand in the way.
  ///
  /// - Throws: ``AgentError`` with `busy` when another process holds the lock.
  static func take(_ path: String, whatFor: String) throws(AgentError) -> HomeLock {
    try HomeFiles.touch(path)
    let file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw HomeFiles.failure("lock", path) }
    for _ in 0..<25 {
      if flock(file, LOCK_EX | LOCK_NB) == 0 { return HomeLock(file: file) }
      usleep(20_000)
    }
    close(file)
    throw AgentError(.busy, "Another process holds \(whatFor).")
  }

  static func isTaken(_ path: String) -> Bool {
    let file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return false }
    defer { close(file) }
    return flock(file, LOCK_SH | LOCK_NB) != 0
  }
}
