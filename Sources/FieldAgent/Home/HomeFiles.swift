import Glibc

/// The system calls behind a home's files: nobody else may read them, and a file is either the old or the new one, on
/// disk, whatever happens in between. Nothing here depends on the umask.
enum HomeFiles {
  private static let fileMode: mode_t = 0o600
  private static let directoryMode: mode_t = 0o700

  /// Makes the directory, and those above it, for this user alone. One that is there must be closed to others; an empty
  /// one is closed.
  static func makeDirectory(_ path: String) throws(AgentError) {
    var status = stat()
    if stat(path, &status) != 0 {
      let above = parent(of: path)
      if above != path, stat(above, &status) != 0 { try makeDirectory(above) }
      guard mkdir(path, directoryMode) == 0 || errno == EEXIST else { throw failure("make the directory", path) }
      guard chmod(path, directoryMode) == 0 else { throw failure("close the directory", path) }
      return
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw AgentError(.cannotWrite, "'\(path)' is not a directory.", hint: "Use another directory with '--home DIR'.")
    }
    guard status.st_mode & 0o077 != 0 else { return }
    guard try isEmpty(path) else {
      throw AgentError(
        .permission, "Other users may look into '\(path)'.", hint: "Close it first: chmod 700 '\(path)'.")
    }
    guard chmod(path, directoryMode) == 0 else { throw failure("close the directory", path) }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// `nil` when there is no such file.
  static func read(_ path: String, byteLimit: Int) throws(AgentError) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw failure("read", path)
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw failure("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 == 0 else {
      throw AgentError(.permission, "Other users may read '\(path)'.", hint: "Close it first: chmod 600 '\(path)'.")
    }
    guard status.st_size <= byteLimit else { throw AgentError(.damaged, "'\(path)' is larger than it can be.") }
    // One allocation of the right size, so that a secret is in one place, where the caller wipes it.
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var count = 0
    while count < bytes.count {
      let received = bytes.withUnsafeMutableBytes {
        Glibc.read(file, $0.baseAddress.map { $0 + count }, $0.count - count)
      }
      if received < 0, errno == EINTR { continue }
      guard received > 0 else { throw failure("read", path) }
      count += received
    }
    return bytes
  }

  /// Replaces the file in one step, and returns when that is on disk.
  ///
  /// - Parameter erasesOld: Writes zeros over what was there before. Disks that write elsewhere than before may keep
  ///   it.
  static func replace(_ path: String, with bytes: [UInt8], erasesOld: Bool = false) throws(AgentError) {
    let old = erasesOld ? open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1
    defer { if old >= 0 { close(old) } }
    let temporary = "\(path).\(getpid()).new"
    unlink(temporary)
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, fileMode)
    guard file >= 0 else { throw failure("write", temporary) }
    do {
      defer { close(file) }
      guard fchmod(file, fileMode) == 0, writeAll(bytes, to: file), fsync(file) == 0 else {
        let error = failure("write", temporary)
        unlink(temporary)
        throw error
      }
    }
    do {
      try rename(temporary, to: path)
    } catch {
      unlink(temporary)
      throw error
    }
    if old >= 0 { try overwrite(old, path) }
  }

  /// On disk when this returns.
  static func rename(_ path: String, to new: String) throws(AgentError) {
    guard Glibc.rename(path, new) == 0 else { throw failure("write", new) }
    try syncDirectory(parent(of: new))
  }

  /// Up to `count` bytes: fewer at the end of the file.
  static func read(_ count: Int, from file: Int32, _ path: String) throws(AgentError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var total = 0
    while total < count {
      let received = bytes.withUnsafeMutableBytes {
        Glibc.read(file, $0.baseAddress.map { $0 + total }, $0.count - total)
      }
      if received < 0, errno == EINTR { continue }
      guard received >= 0 else { throw failure("read", path) }
      if received == 0 { break }
      total += received
    }
    bytes.removeLast(count - total)
    return bytes
  }

  /// Makes an empty file for this user alone, unless there is one.
  static func touch(_ path: String) throws(AgentError) {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, fileMode)
    guard file >= 0 else { throw failure("write", path) }
    defer { close(file) }
    guard fchmod(file, fileMode) == 0 else { throw failure("write", path) }
  }

  /// Writes zeros over a file's bytes, on disk when this returns; no such file is well too. Disks that write elsewhere
  /// than before may keep the old ones.
  static func overwrite(_ path: String) throws(AgentError) {
    let file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else {
      if errno == ENOENT { return }
      throw failure("overwrite", path)
    }
    defer { close(file) }
    try overwrite(file, path)
  }

  private static func overwrite(_ file: Int32, _ path: String) throws(AgentError) {
    var status = stat()
    guard fstat(file, &status) == 0, writeAll([UInt8](repeating: 0, count: Int(status.st_size)), to: file),
      fsync(file) == 0
    else { throw failure("overwrite", path) }
  }

  static func remove(_ path: String) throws(AgentError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
  }

  static func failure(_ verb: String, _ path: String) -> AgentError {
    let number = errno
    let code: AgentError.Code =
      switch number {
      case EACCES, EPERM, ELOOP: .permission
      case ENOENT, ENOTDIR: .notFound
      case EIO: .damaged
      default: .cannotWrite
      }
    let reason = strerror(number).map { String(cString: $0) } ?? "error \(number)"
    return AgentError(
      code, "Could not \(verb) '\(path)': \(reason).", hint: code == .notFound ? "Check the path." : nil)
  }

  static func writeAll(_ bytes: [UInt8], to file: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      written += count
    }
    return true
  }

  private static func syncDirectory(_ path: String) throws(AgentError) {
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw failure("write", path) }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw failure("write", path) }
  }

  /// Without `.` and `..`.
  static func names(in path: String) throws(AgentError) -> [String] {
    guard let directory = opendir(path) else { throw failure("read", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let item = readdir(directory) {
      let name = withUnsafePointer(to: &item.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  private static func isEmpty(_ path: String) throws(AgentError) -> Bool {
    try names(in: path).isEmpty
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
