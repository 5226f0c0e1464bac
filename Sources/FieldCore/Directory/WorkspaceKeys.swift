public import FieldWire
public import Sodium

/// The secrets that a device of a workspace holds: what admins seal to it with its grant and with each new epoch. What
/// is sealed to a relay has presence keys alone.
///
/// Encoded, before sealing: version 1 (u8), presence keys (count, varint, 1 to 64, of epoch (u32) and key (32)), then
/// for members the naming key (32) and content keys (count, varint, at most 64, likewise). Keys are in strictly
/// ascending order of epoch and bytes.
public struct WorkspaceKeys: Sendable {
  /// Who has none of them gets no answer at all: the newest is mixed into every session's handshake.
  public private(set) var presenceKeys: [EpochKey]
  /// Turns names into identifiers, see ``NameHasher``; `nil` on a relay.
  public var naming: SecretBytes?
  /// What entries are read with.
  public private(set) var contentKeys: [EpochKey]
  /// Content keys of operations that a revocation made void: entries may be under them.
  private(set) var strayKeys: [EpochKey] = []
  /// What sessions begin with.
  public private(set) var presence: SecretBytes?
  /// What new entries are written under; `nil` on a relay.
  public private(set) var writing: EpochKey?

  public static let keyByteCount = 32
  static let version: UInt8 = 1
  /// Keys of each kind that are sealed at once: the newest. Older content keys are in ``DirectoryOperation/epoch``
  /// entries, each under the next one's key.
  public static let sealedKeyLimit = 64
  /// Content keys that are held at once: each is in pages of its own, of which a process has some tens of thousands.
  static let contentKeyLimit = 2048

  /// The newest epoch's keys are the current ones.
  public init(presenceKeys: [EpochKey], naming: SecretBytes?, contentKeys: [EpochKey]) {
    self.presenceKeys = Self.ordered(presenceKeys)
    self.naming = naming
    self.contentKeys = Self.ordered(contentKeys)
    useNewest()
  }

  /// Of one epoch.
  public init(presence: SecretBytes, naming: SecretBytes?, content: SecretBytes?, epoch: UInt32 = 1) {
    self.init(
      presenceKeys: [EpochKey(epoch: epoch, key: presence)], naming: naming,
      contentKeys: content.map { [EpochKey(epoch: epoch, key: $0)] } ?? [])
  }

  /// New random keys of epoch 1.
  public static func generate() -> WorkspaceKeys {
    WorkspaceKeys(
      presence: .random(byteCount: keyByteCount), naming: .random(byteCount: keyByteCount),
      content: .random(byteCount: keyByteCount))
  }

  private mutating func useNewest() {
    presence = Self.first(of: presenceKeys, in: presenceKeys.last?.epoch)?.key
    writing = Self.first(of: contentKeys, in: contentKeys.last?.epoch)
  }

  private static func first(of keys: [EpochKey], in epoch: UInt32?) -> EpochKey? { keys.first { $0.epoch == epoch } }

  /// Makes the first keys of `epoch` among `candidates` the current ones; what they do not have stays as it was.
  mutating func use(_ candidates: WorkspaceKeys, epoch: UInt32) {
    presence = Self.first(of: candidates.presenceKeys, in: epoch)?.key ?? presence
    writing = Self.first(of: candidates.contentKeys, in: epoch) ?? writing
  }

  public var keyring: ContentKeyring {
    var keyring = ContentKeyring()
    if let writing { keyring.add(writing.key, epoch: writing.epoch) }
    for key in contentKeys + strayKeys where key != writing { keyring.add(key.key, epoch: key.epoch) }
    if let writing { keyring.write(under: writing.epoch) }
    return keyring
  }

  /// What a relay is given.
  public var withoutContent: WorkspaceKeys {
    Defence.relayKeys.isOff ? self : WorkspaceKeys(presenceKeys: presenceKeys, naming: nil, contentKeys: [])
  }

  /// The newest, as many as are sealed at once, and stray ones where there is room.
  public var newest: WorkspaceKeys {
    let content = contentKeys.suffix(Self.sealedKeyLimit)
    let stray = strayKeys.filter { $0.epoch <= writing?.epoch ?? 0 }.prefix(Self.sealedKeyLimit - content.count)
    return WorkspaceKeys(
      presenceKeys: presenceKeys.suffix(Self.sealedKeyLimit), naming: naming,
      contentKeys: Array(content) + stray)
  }

  /// Whether there is room for no other content key.
  var isFull: Bool { contentKeys.count >= Self.contentKeyLimit }

  /// Those that were made for epochs up to this one.
  func upTo(epoch: UInt32) -> WorkspaceKeys {
    WorkspaceKeys(
      presenceKeys: presenceKeys.filter { $0.epoch <= epoch }, naming: naming,
      contentKeys: contentKeys.filter { $0.epoch <= epoch })
  }

  /// These, and those of `other`.
  public mutating func merge(_ other: WorkspaceKeys) {
    presenceKeys = Self.ordered(presenceKeys + other.presenceKeys).suffix(Self.sealedKeyLimit)
    naming = naming ?? other.naming
    merge(history: other.contentKeys)
    useNewest()
  }

  /// Content keys that only serve to read what is older.
  mutating func merge(history keys: [EpochKey]) {
    guard !isFull else { return }
    contentKeys = Self.ordered(contentKeys + keys)
  }

  /// Content keys of somebody who is not to be believed.
  mutating func merge(readingWith other: WorkspaceKeys) {
    let others = other.contentKeys.filter { !contentKeys.contains($0) }
    strayKeys = Array(Self.ordered(strayKeys + others).prefix(Self.sealedKeyLimit))
  }

  private static func ordered(_ keys: some Sequence<EpochKey>) -> [EpochKey] {
    keys.sorted().reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  /// - Throws: ``SodiumError`` where `device` is not a usable key.
  public func sealed(to device: DeviceKey) throws -> [UInt8] {
    var plain = newest.encoded
    defer { plain.wipe() }
    return try SealedBox.seal(plain, toSigningKey: device.bytes)
  }

  /// - Throws: ``EntryError`` with `undecryptable` when the keys were sealed to another device, `malformed`.
  public init(opening sealed: [UInt8], with keyPair: SigningKeyPair) throws(EntryError) {
    guard var plain = try? SealedBox.open(sealed, with: keyPair) else {
      throw EntryError(.undecryptable, "the keys were sealed to another device")
    }
    defer { plain.wipe() }
    do {
      try self.init(decoding: plain)
    } catch {
      throw EntryError(.malformed, "sealed keys: \(error.reason)")
    }
  }

  public var encoded: [UInt8] {
    var writer = WireWriter(capacity: 128)
    writer.u8(Self.version)
    writer.keys(presenceKeys)
    if let naming {
      writer.raw(naming)
      writer.keys(contentKeys)
    }
    return writer.bytes
  }

  public init(decoding bytes: [UInt8]) throws(WireError) {
    var reader = WireReader(bytes)
    guard try reader.u8() == Self.version else { throw WireError(.unknownMandatory, "a version of keys that is not 1") }
    let presenceKeys = try reader.keys()
    guard !presenceKeys.isEmpty else { throw WireError(.invalidValue, "no presence key") }
    guard !reader.isAtEnd else {
      self.init(presenceKeys: presenceKeys, naming: nil, contentKeys: [])
      return
    }
    let naming = SecretBytes(copying: try reader.raw(Self.keyByteCount))
    let contentKeys = try reader.keys()
    try reader.expectEnd()
    self.init(presenceKeys: presenceKeys, naming: naming, contentKeys: contentKeys)
  }
}

extension WireWriter {
  mutating func raw(_ secret: SecretBytes) {
    secret.withUnsafeBytes { raw(Array($0)) }
  }

  mutating func keys(_ keys: [EpochKey]) {
    count(keys.count)
    for key in keys {
      u32(key.epoch)
      raw(key.key)
    }
  }
}

extension WireReader {
  mutating func keys() throws(WireError) -> [EpochKey] {
    let count = try count(limit: WorkspaceKeys.sealedKeyLimit, itemByteCount: 4 + WorkspaceKeys.keyByteCount)
    var keys: [EpochKey] = []
    for _ in 0..<count {
      let key = EpochKey(epoch: try u32(), key: SecretBytes(copying: try raw(WorkspaceKeys.keyByteCount)))
      guard key.epoch > 0, keys.last.map({ $0 < key }) ?? true else {
        throw WireError(.notCanonical, "keys out of order")
      }
      keys.append(key)
    }
    return keys
  }
}
