import FieldCore
import FieldWire
import Sodium

/// What stores take in.
let entryTargets: [FuzzTarget] = [
  FuzzTarget("entry") { bytes in
    var reader = WireReader(bytes)
    guard let entry = try? Entry(from: &reader) else { return }
    require(entry.encoded == Array(bytes.prefix(reader.offset)), "an entry has one encoding")
    require(entry.encodedByteCount == reader.offset, "an entry knows its size")
    require((try? VerifiedEntry(verifying: entry, in: .zero)) == nil, "nobody signs what a fuzzer makes up")
  },
  FuzzTarget("header") { bytes in
    var reader = WireReader(bytes)
    guard let header = try? EntryHeader(from: &reader) else { return }
    require(header.encoded == Array(bytes.prefix(reader.offset)), "a header has one encoding")
    require((try? header.validate()) != nil, "a header that was read keeps to the rules")
    // Signed by somebody else's code, but by a member.
    let keyPair = FuzzKeys.member
    var own = header
    own.author = FuzzKeys.memberKey
    own.payloadByteCount = 0
    own.contentHash = ContentHash(Blake2b.hash([])) ?? .zero
    let entry = Entry(signing: own, payload: [], with: keyPair, in: .zero)
    require((try? VerifiedEntry(verifying: entry, in: .zero)) != nil, "what is signed and valid is taken")
  },
  FuzzTarget("run") { bytes in
    var input = FuzzInput(bytes)
    var messages: [Message] = []
    while !input.isEmpty { messages.append(Message(.entry, body: input.piece())) }
    checkRun(messages)
  },
  FuzzTarget("directory") { bytes in
    guard let operation = try? DirectoryOperation(decoding: bytes) else { return }
    require(operation.encoded == bytes, "a directory operation has one encoding")
    var directory = Directory(
      workspace: Directory.workspaceID(founder: FuzzKeys.memberKey, nonce: Array(repeating: 0, count: 16)))
    var chain: ChainLink?
    let founding = DirectoryOperation.found(nonce: Array(repeating: 0, count: 16), sealedKeys: [], sealedName: [])
    for payload in [founding.encoded, bytes, bytes] {
      let draft = EntryDraft(kind: .directory, database: Directory.database, keyEpoch: 0, payload: payload)
      guard let entry = try? draft.sign(with: FuzzKeys.member, following: chain, in: directory.workspace) else {
        return
      }
      chain = ChainLink(sequence: entry.header.sequence, id: entry.id)
      try? directory.apply(entry)
    }
    for device in directory.devices { _ = directory.credential(of: device) }
    require(directory.role(of: FuzzKeys.memberKey) == .admin, "the founder stays")
  },
  FuzzTarget("keys") { bytes in
    guard let keys = try? WorkspaceKeys(decoding: bytes) else { return }
    require(keys.encoded == bytes, "workspace keys have one encoding")
  },
]

/// Keys that are the same in every run.
enum FuzzKeys {
  static let member = pair(1)
  static let other = pair(2)
  static let memberKey = DeviceKey(member.publicKey) ?? .zero
  static let presence = SecretBytes(copying: Array(repeating: 7, count: 32))

  private static func pair(_ byte: UInt8) -> SigningKeyPair {
    do {
      return try SigningKeyPair(seed: SecretBytes(copying: Array(repeating: byte, count: 32)))
    } catch {
      preconditionFailure("32 bytes are a seed")
    }
  }
}

/// Reads messages as one run, and holds to it that each has one encoding at its place.
func checkRun(_ messages: [Message]) {
  var decoder = EntryDecoder(workspace: .zero)
  var encoder = EntryEncoder(workspace: .zero)
  for message in messages {
    switch try? decoder.decode(message) {
    case nil: return
    case .whole(let entry)?:
      require(message.body.starts(with: encoder.message(entry).body), "an entry has one encoding at its place")
    case .head(let head)?:
      let entry = Entry(header: head.header, signature: head.signature, payload: [])
      require(message.body.starts(with: encoder.message(head: entry).body), "a head has one encoding at its place")
    }
  }
}
