import FieldAgent
import FieldDocuments
import Glibc

/// The regular files under a directory, in the order of their paths' bytes. Nothing is followed out of it.
struct FolderScan {
  struct File {
    /// Relative to the directory, components separated by `/`.
    let name: String
    let byteCount: Int
  }

  struct Skipped {
    /// As shown: bytes that are not text are escaped.
    let path: String
    let reason: String
    /// Whether its content should have been imported: other kinds of files have none.
    let isFailure: Bool
  }

  let directory: String
  private(set) var files: [File] = []
  private(set) var skipped: [Skipped] = []

  var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  /// - Throws: ``AgentError`` when the directory itself cannot be read.
  init(_ directory: String) throws {
    self.directory = directory
    var waiting: [[UInt8]] = [[]]
    while let folder = waiting.popLast() {
      guard let names = Self.entries(of: path(of: folder)) else {
        if folder.isEmpty { throw AgentError(readingFails: directory, errno) }
        skip(folder, Self.reason(errno), isFailure: true)
        continue
      }
      for name in names {
        let relative = folder.isEmpty ? name : folder + [UInt8(ascii: "/")] + name
        if take(relative) { waiting.append(relative) }
      }
    }
    files.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// Whether it is a directory to go into.
  private mutating func take(_ relative: [UInt8]) -> Bool {
    var status = stat()
    guard lstat(path(of: relative), &status) == 0 else {
      skip(relative, Self.reason(errno), isFailure: true)
      return false
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return true
    case S_IFREG:
      guard let name = String(validating: relative, as: UTF8.self) else {
        skip(relative, "its name is not UTF-8", isFailure: true)
        return false
      }
      guard name.utf8.count <= DocumentLimits.nameByteCount else {
        skip(relative, "its path is longer than \(DocumentLimits.nameByteCount) bytes", isFailure: true)
        return false
      }
      guard status.st_size <= DocumentLimits.attachmentByteCount else {
        skip(relative, "it is larger than \(ByteText.short(DocumentLimits.attachmentByteCount))", isFailure: true)
        return false
      }
      files.append(File(name: name, byteCount: Int(status.st_size)))
    case S_IFLNK: skip(relative, "symbolic link", isFailure: false)
    default: skip(relative, "special file", isFailure: false)
    }
    return false
  }

  mutating func skip(_ path: some Sequence<UInt8>, _ reason: String, isFailure: Bool) {
    skipped.append(Skipped(path: TerminalText.escape(bytes: path), reason: reason, isFailure: isFailure))
  }

  static func reason(_ number: Int32) -> String {
    strerror(number).map { String(cString: $0) } ?? "error \(number)"
  }

  /// With the zero at its end.
  private func path(of relative: [UInt8]) -> [CChar] {
    (Array(directory.utf8) + [UInt8(ascii: "/")] + relative + [0]).map { CChar(bitPattern: $0) }
  }

  /// `nil`, with the reason in `errno`, when the directory cannot be read.
  private static func entries(of path: [CChar]) -> [[UInt8]]? {
    guard let stream = opendir(path) else { return nil }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [UInt8(ascii: ".")], name != [UInt8(ascii: "."), UInt8(ascii: ".")] { names.append(name) }
    }
    return names
  }
}
