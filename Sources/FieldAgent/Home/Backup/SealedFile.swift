import FieldWire
import Glibc
import Sodium

/// A file under a passphrase, of any length: every byte is encrypted and authenticated, and a file that was cut,
/// lengthened or put together from parts is refused.
///
/// | bytes | field |
/// | --- | --- |
/// | 16 | `fieldsync backup` |
/// | 1 | version, 1 |
/// | 8 | Argon2id's passes and KiB of memory (u32 each, big-endian) |
/// | 16 | salt |
/// | 24 | header of the ``Sodium/SecretStream`` |
/// | 16 | check: the BLAKE2b hash of all that, keyed; tells a wrong passphrase from a damaged file |
/// | … | chunks of 64 KiB, each 17 bytes longer when sealed; the last one is marked as such and may be shorter |
///
/// Stream key and check key are BLAKE2b hashes of two domain strings, keyed with what Argon2id makes of the passphrase.
/// The check is the additional data of the first chunk, so the header cannot be changed either.
enum SealedFile {
  static let magic = Array("fieldsync backup".utf8)
  private static let version: UInt8 = 1
  static let chunkByteCount = 64 << 10
  private static let checkByteCount = 16
  static let headerByteCount =
    16 + 1 + 8 + PasswordHash.saltByteCount + SecretStream.headerByteCount + checkByteCount
  private static let streamDomain = Array("fieldsync backup stream 1\0".utf8)
  private static let checkDomain = Array("fieldsync backup check 1\0".utf8)

  private static func streamKey(_ master: SecretBytes) -> SecretBytes {
    var bytes = Blake2b.hash(streamDomain, key: master)
    defer { bytes.wipe() }
    return SecretBytes(copying: bytes)
  }

  /// Writes a new file; it has its name once all of it is on disk.
  final class Writer {
    private let path: String
    private let temporary: String
    private let file: Int32
    private let sealer: SecretStream.Sealer
    private var additionalData: [UInt8]
    private var buffer: [UInt8] = []
    private var isFinished = false

    /// - Throws: ``AgentError``: `cannotWrite`, also when there is such a file, `permission`, `notFound`.
    init(path: String, passphrase: SecretBytes, cost: PasswordHash.Cost) throws {
      guard !HomeFiles.exists(path) else {
        throw AgentError(.cannotWrite, "There is a file '\(path)' already.", hint: "Choose a name that is not taken.")
      }
      self.path = path
      temporary = "\(path).\(getpid()).new"
      let salt = SystemRandom.bytes(PasswordHash.saltByteCount)
      let master = try PasswordHash.key(from: passphrase, salt: salt, cost: cost)
      sealer = try SecretStream.Sealer(key: streamKey(master))
      var header = WireWriter()
      header.raw(magic)
      header.u8(version)
      header.u32(cost.passCount)
      header.u32(cost.memoryKibibyteCount)
      header.raw(salt)
      header.raw(sealer.header)
      additionalData = Blake2b.hash(checkDomain + header.bytes, byteCount: checkByteCount, key: master)
      header.raw(additionalData)
      unlink(temporary)
      file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard file >= 0 else { throw HomeFiles.failure("write", path) }
      try writeAll(header.bytes)
    }

    deinit {
      close(file)
      if !isFinished { unlink(temporary) }
    }

    func write(_ bytes: [UInt8]) throws {
      buffer += bytes
      // What could be the last chunk waits.
      while buffer.count > chunkByteCount {
        try seal(Array(buffer.prefix(chunkByteCount)), isLast: false)
        buffer.removeFirst(chunkByteCount)
      }
    }

    /// All is on disk under its name when this returns.
    func finish() throws {
      try seal(buffer, isLast: true)
      buffer.wipe()
      guard fsync(file) == 0 else { throw HomeFiles.failure("write", path) }
      guard !HomeFiles.exists(path) else {
        throw AgentError(.cannotWrite, "There is a file '\(path)' already.", hint: "Choose a name that is not taken.")
      }
      try HomeFiles.rename(temporary, to: path)
      isFinished = true
    }

    private func seal(_ chunk: [UInt8], isLast: Bool) throws {
      try writeAll(sealer.seal(chunk, isLast: isLast, additionalData: additionalData))
      additionalData = []
    }

    private func writeAll(_ bytes: [UInt8]) throws {
      guard HomeFiles.writeAll(bytes, to: file) else { throw HomeFiles.failure("write", path) }
    }
  }

  /// Reads a file from front to back. Nothing that it returned is to be used before ``finish()`` has returned.
  final class Reader {
    private static let costLimit = IdentityLock.costLimit

    private let path: String
    private let file: Int32
    private let opener: SecretStream.Opener
    private var additionalData: [UInt8]
    private var buffer: [UInt8] = []

    /// - Throws: ``AgentError``: `notFound`, `permission`, `damaged` for no such file at all, `wrongPassphrase`,
    ///   `configuration` for one that a newer version wrote.
    init(path: String, passphrase: () throws -> SecretBytes) throws {
      self.path = path
      file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { throw HomeFiles.failure("read", path) }
      do {
        let bytes = try HomeFiles.read(headerByteCount, from: file, path)
        guard bytes.count == headerByteCount, bytes.starts(with: magic) else {
          throw AgentError(.damaged, "'\(path)' is no backup, or its beginning is missing.", hint: Self.hint)
        }
        var reader = WireReader(Array(bytes.dropFirst(magic.count)))
        guard try reader.u8() == version else {
          throw AgentError(.configuration, "The backup was written by a newer version of fieldsync.")
        }
        let cost = PasswordHash.Cost(passCount: try reader.u32(), memoryKibibyteCount: try reader.u32())
        guard cost.isWithin(Self.costLimit) else {
          throw AgentError(.damaged, "The backup asks for more than any backup does.", hint: Self.hint)
        }
        let salt = try reader.raw(PasswordHash.saltByteCount)
        let header = try reader.raw(SecretStream.headerByteCount)
        let master = try PasswordHash.key(from: try passphrase(), salt: salt, cost: cost)
        let check = Blake2b.hash(
          checkDomain + bytes.dropLast(checkByteCount), byteCount: checkByteCount, key: master)
        guard ConstantTime.equal(check, reader.rest()) else {
          throw AgentError(.wrongPassphrase, "The passphrase is wrong, or the beginning of the backup is damaged.")
        }
        opener = try SecretStream.Opener(key: streamKey(master), header: header)
        additionalData = check
      } catch {
        close(file)
        throw error
      }
    }

    deinit { close(file) }

    /// Exactly `count` bytes.
    ///
    /// - Throws: ``AgentError`` with `damaged`.
    func read(_ count: Int) throws -> [UInt8] {
      while buffer.count < count {
        guard !opener.isFinished else { throw damaged }
        try readChunk()
      }
      let bytes = Array(buffer.prefix(count))
      buffer.removeFirst(count)
      return bytes
    }

    /// That nothing more is there, in the stream and in the file.
    ///
    /// - Throws: ``AgentError`` with `damaged`.
    func finish() throws {
      if !opener.isFinished { try readChunk() }
      guard opener.isFinished, buffer.isEmpty, try HomeFiles.read(1, from: file, path).isEmpty else { throw damaged }
    }

    private func readChunk() throws {
      let sealed = try HomeFiles.read(chunkByteCount + SecretStream.overheadByteCount, from: file, path)
      do {
        buffer += try opener.open(sealed, additionalData: additionalData)
      } catch {
        throw damaged
      }
      additionalData = []
    }

    private var damaged: AgentError {
      AgentError(.damaged, "The backup is damaged or cut off. Nothing was restored.", hint: Self.hint)
    }

    private static let hint = "Take another copy of the backup."
  }
}
