import FieldAgent
import FieldDocuments
import Glibc

/// Makes a document of every regular file of a folder: its bytes as an attachment, its permission bits and the time of
/// its last change. What is the same already, and here, is not written again, so an import that was cut goes on where
/// it was.
struct FolderImport {
  private(set) var importedCount = 0
  private(set) var unchangedCount = 0
  private(set) var byteCount = 0
  private(set) var scan: FolderScan
  private var writer: DocumentWriter
  private let database: DocumentDatabase

  var storedByteCount: Int { writer.storedByteCount }

  init(_ scan: FolderScan, into database: DocumentDatabase) {
    self.scan = scan
    self.database = database
    writer = database.writer()
  }

  /// - Parameter progress: Called with files and bytes done.
  mutating func run(progress: (Int, Int) -> Void) async throws {
    for (index, file) in scan.files.enumerated() {
      do {
        try Interruption.check()
        try await take(file.name)
      } catch let error as FileTrouble {
        scan.skip(file.name.utf8, error.reason, isFailure: true)
      } catch {
        // What is whole is kept.
        try? await writer.flush()
        throw error
      }
      byteCount += file.byteCount
      progress(index + 1, byteCount)
    }
    try await writer.flush()
  }

  /// Trouble with one file, which does not stop the others.
  private struct FileTrouble: Error {
    let reason: String
  }

  private mutating func take(_ name: String) async throws {
    let path = scan.directory + "/" + name
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { throw FileTrouble(reason: FolderScan.reason(errno)) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw FileTrouble(reason: "it changed while it was looked at")
    }
    let mode = Int64(status.st_mode & 0o777)
    let modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
    let known = try await database.get(name).flatMap { $0.isDeleted ? nil : $0 }
    if let content = known?.fileContent, content.byteCount == status.st_size, known?.fileModified == modified,
      known?.fileMode == mode, try await database.contains(content)
    {
      unchangedCount += 1
      return
    }
    let reusedCount = writer.reusedChunkCount
    let content = try await writer.attach { count in
      try Interruption.check()
      do {
        return try readBytes(file, count, path)
      } catch {
        throw FileTrouble(reason: FolderScan.reason(errno))
      }
    }
    var changed: [String: FieldValue] = [:]
    // Also what another device says the same of, which may be revoked: chunks that had to be written are this one's.
    let isOwn = writer.reusedChunkCount - reusedCount == content.chunks.count
    if known?.fileContent != content || !isOwn { changed[FileFields.content] = .attachment(content) }
    if known?.fileMode != mode { changed[FileFields.mode] = .integer(mode) }
    if known?.fileModified != modified { changed[FileFields.modified] = .integer(modified) }
    try await writer.put(name, set: changed)
    importedCount += 1
  }
}
