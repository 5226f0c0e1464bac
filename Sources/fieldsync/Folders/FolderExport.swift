import FieldAgent
import FieldDocuments
import Glibc

/// Writes the files of a database into a directory, and nowhere else: the names come from whoever wrote the documents.
/// A file appears whole or not at all.
final class FolderExport {
  struct Skipped {
    let document: String
    let reason: String
  }

  private(set) var exportedCount = 0
  private(set) var byteCount = 0
  /// Documents that are not files.
  private(set) var otherCount = 0
  private(set) var skipped: [Skipped] = []

  private let database: DocumentDatabase
  private let directory: String
  private let base: Int32
  private let replaces: Bool
  private let temporaryName = ".fieldsync-\(getpid()).part"

  /// Makes the directory if need be.
  ///
  /// - Parameter replaces: Whether files that are there are replaced.
  init(_ database: DocumentDatabase, into directory: String, replaces: Bool) throws {
    self.database = database
    self.directory = directory
    self.replaces = replaces
    guard mkdir(directory, 0o777) == 0 || errno == EEXIST else { throw AgentError(writingFails: directory, errno) }
    base = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard base >= 0 else { throw AgentError(writingFails: directory, errno) }
  }

  deinit { if base >= 0 { close(base) } }

  /// - Parameter progress: Called with documents and bytes done.
  func run(_ names: [String], progress: (Int, Int) -> Void) async throws {
    for (index, name) in names.enumerated() {
      try Interruption.check()
      if let document = try await database.get(name) {
        do {
          try await export(document)
        } catch let error as FileTrouble {
          skipped.append(Skipped(document: name, reason: error.reason))
        } catch let error as DocumentError {
          skipped.append(Skipped(document: name, reason: error.reason))
        }
      }
      progress(index + 1, byteCount)
    }
  }

  /// Trouble with one file, which does not stop the others.
  private struct FileTrouble: Error {
    let reason: String
  }

  private func export(_ document: Document) async throws {
    guard let content = document.fileContent else {
      otherCount += 1
      return
    }
    guard let components = Self.components(of: document.name), let fileName = components.last else {
      throw FileTrouble(reason: "its name is not a safe path")
    }
    let folder = try openFolder(components.dropLast())
    defer { close(folder) }
    var status = stat()
    if !replaces, fstatat(folder, fileName, &status, AT_SYMLINK_NOFOLLOW) == 0 {
      throw FileTrouble(reason: "there is a file of that name; '--force' replaces it")
    }
    unlinkat(folder, temporaryName, 0)
    let mode = mode_t(truncatingIfNeeded: (document.fileMode ?? 0o666) & 0o777)
    let file = openat(folder, temporaryName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard file >= 0 else { throw AgentError(writingFails: directory, errno) }
    var isPublished = false
    defer {
      close(file)
      if !isPublished { unlinkat(folder, temporaryName, 0) }
    }
    try await database.eachPiece(of: content) { piece in
      try Interruption.check()
      try writeBytes(piece, to: file, directory)
    }
    if let modified = document.fileModified { Self.setTime(of: file, modified) }
    try publish(folder, fileName)
    isPublished = true
    exportedCount += 1
    byteCount += content.byteCount
  }

  private func publish(_ folder: Int32, _ fileName: String) throws {
    if !replaces {
      if linkat(folder, temporaryName, folder, fileName, 0) == 0 {
        unlinkat(folder, temporaryName, 0)
        return
      }
      if errno == EEXIST { throw FileTrouble(reason: "there is a file of that name; '--force' replaces it") }
      // A file system without links: it was free a moment ago.
    }
    guard renameat(folder, temporaryName, folder, fileName) == 0 else {
      throw FileTrouble(reason: FolderScan.reason(errno))
    }
  }

  /// The folder of these names under the base, made if need be; no link is followed.
  private func openFolder(_ names: ArraySlice<String>) throws -> Int32 {
    var folder = dup(base)
    guard folder >= 0 else { throw AgentError(writingFails: directory, errno) }
    for name in names {
      _ = mkdirat(folder, name, 0o777)
      let next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      let number = errno
      close(folder)
      guard next >= 0 else {
        throw FileTrouble(reason: "its folder '\(name)' cannot be entered: \(FolderScan.reason(number))")
      }
      folder = next
    }
    return folder
  }

  /// `nil` for a name that is not a relative path that stays where it is.
  static func components(of name: String) -> [String]? {
    let components = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let isSafe = components.allSatisfy { component in
      !component.isEmpty && component != "." && component != ".." && component.utf8.count <= 255
        && !component.utf8.contains(0)
    }
    return isSafe ? components : nil
  }

  private static func setTime(of file: Int32, _ nanoseconds: Int64) {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let time =
      rest < 0
      ? timespec(tv_sec: Int(seconds) - 1, tv_nsec: Int(rest) + 1_000_000_000)
      : timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
    let times = [time, time]
    // The time is a nicety: a file system that cannot keep it keeps the file.
    _ = futimens(file, times)
  }
}
