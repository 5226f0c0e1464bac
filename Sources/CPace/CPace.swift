public import Sodium

/// CPace, a balanced password-authenticated key exchange, as CPACE-RISTR255-SHA512 in its initiator-responder setting
/// (draft-irtf-cfrg-cpace, sections 6 to 8).
///
/// Two sides that know one password, however weak, come to one key; who does not know it learns from a run whether one
/// guess was right, and nothing else. Whoever takes part in a run has to count it as one guess. The key is not
/// confirmed: both sides have it only if what is done with it succeeds.
///
/// One value is one run of one side: an initiator sends ``message`` and then gets the key of the answer; a responder
/// makes its own message and its key of the initiator's.
public struct CPace: Sendable {
  public enum Role: Sendable {
    case initiator
    case responder
  }

  public static let elementByteCount = Ristretto255.elementByteCount
  public static let keyByteCount = SHA512.byteCount
  static let domain = Array("CPaceRistretto255".utf8)
  static let keyDomain = Array("CPaceRistretto255_ISK".utf8)

  private let role: Role
  private let session: [UInt8]
  private let associatedData: [UInt8]
  private let scalar: SecretBytes
  private let element: [UInt8]

  /// - Parameters:
  ///   - password: What both sides know.
  ///   - channel: What both sides know of the channel and of each other (the draft's CI): it has to be equal.
  ///   - session: Chosen anew for each run by both, or by the initiator who sends it along (the draft's sid).
  ///   - associatedData: What this side says in the clear beside its message (ADa, ADb).
  /// - Throws: ``SodiumError``, for lengths over the draft's.
  public init(
    role: Role, password: [UInt8], channel: [UInt8] = [], session: [UInt8], associatedData: [UInt8] = []
  ) throws(SodiumError) {
    try self.init(
      role: role, password: password, channel: channel, session: session, associatedData: associatedData,
      scalar: Ristretto255.randomScalar())
  }

  init(
    role: Role, password: [UInt8], channel: [UInt8], session: [UInt8], associatedData: [UInt8], scalar: SecretBytes
  ) throws(SodiumError) {
    self.role = role
    self.session = session
    self.associatedData = associatedData
    self.scalar = scalar
    let generator = try Self.generator(password: password, channel: channel, session: session)
    element = try Ristretto255.multiply(generator, by: scalar)
  }

  /// What goes to the other side, 32 bytes: Ya or Yb.
  public var message: [UInt8] { element }

  /// The key (the draft's ISK), 64 bytes.
  ///
  /// - Parameter peerAssociatedData: What the other side said beside its message.
  /// - Throws: ``SodiumError`` with `weakKey` or `invalidLength` for a message that is none: then the run is over.
  public func key(peerMessage: [UInt8], peerAssociatedData: [UInt8] = []) throws(SodiumError) -> SecretBytes {
    var secret = try Ristretto255.multiply(peerMessage, by: scalar)
    defer { secret.wipe() }
    let own = Self.lengthPrefixed([element, associatedData])
    let peer = Self.lengthPrefixed([peerMessage, peerAssociatedData])
    let transcript = role == .initiator ? own + peer : peer + own
    var input = Self.lengthPrefixed([Self.keyDomain, session, secret]) + transcript
    defer { input.wipe() }
    var key = SHA512.hash(input)
    defer { key.wipe() }
    return SecretBytes(copying: key)
  }

  /// The draft's calculate_generator.
  static func generator(password: [UInt8], channel: [UInt8], session: [UInt8]) throws(SodiumError) -> [UInt8] {
    try Ristretto255.element(
      fromUniformBytes: SHA512.hash(generatorString(password: password, channel: channel, session: session)))
  }

  /// The draft's generator_string: the password fills the hash's first block together with zeros.
  static func generatorString(password: [UInt8], channel: [UInt8], session: [UInt8]) -> [UInt8] {
    let used = lengthPrefixed([domain]).count + lengthPrefixed([password]).count
    let padding = [UInt8](repeating: 0, count: max(0, SHA512.blockByteCount - 1 - used))
    return lengthPrefixed([domain, password, padding, channel, session])
  }

  /// The draft's lv_cat: each piece behind its length in LEB128.
  static func lengthPrefixed(_ pieces: [[UInt8]]) -> [UInt8] {
    pieces.flatMap { piece in
      var prefix: [UInt8] = []
      var length = piece.count
      repeat {
        prefix.append(UInt8(length & 0x7F) | (length > 0x7F ? 0x80 : 0))
        length >>= 7
      } while length > 0
      return prefix + piece
    }
  }
}
