import FieldWire
import Sodium

/// The strings that keep one use of a key or hash from being taken for another. Each ends in a zero byte, so none is
/// the start of another.
enum Domain {
  static let workspaceID = bytes("fieldsync workspace id 1")
  static let entryID = bytes("fieldsync entry id 1")
  static let entrySignature = bytes("fieldsync entry signature 1")
  static let payload = bytes("fieldsync payload 1")
  static let blobNonce = bytes("fieldsync blob nonce 1")
  static let name = bytes("fieldsync name 1")
  static let identityProof = bytes("fieldsync identity proof 1")
  static let prologue = bytes("fieldsync session 1")
  static let sessionRoot = bytes("fieldsync session root 1")
  static let summaryKey = bytes("fieldsync summary key 1")
  static let warrant = bytes("fieldsync warrant 1")
  static let keyHistory = bytes("fieldsync key history 1")
  static let code = bytes("fieldsync code 1")
  static let codeKey = bytes("fieldsync code key 1")
  static let checkWords = bytes("fieldsync check words 1")
  static let ladderKey = bytes("fieldsync ladder key 1")
  static let baseTag = bytes("fieldsync base tag 1")
  static let invitation = bytes("fieldsync invitation 1")
  static let presenceIdentity = bytes("fieldsync presence identity 1")
  static let presenceState = bytes("fieldsync presence state 1")

  private static func bytes(_ text: StaticString) -> [UInt8] {
    text.withUTF8Buffer { Array($0) } + [0]
  }
}

extension Identifier32 {
  /// BLAKE2b-256 of `bytes`.
  init(hash bytes: [UInt8]) {
    self = Self(Blake2b.hash(bytes)) ?? .zero
  }
}
