/// What the two sides know beforehand and what each message carries (Noise rev 34, section 7).
struct HandshakePattern: Sendable, Hashable {
  enum Token: Sendable {
    /// A public key that goes with the message, ephemeral or static.
    case e, s
    /// A Diffie-Hellman result that goes into the key: the initiator's key is named first.
    case ee, es, se, ss
    /// A preshared key that goes into the key.
    case psk
  }

  /// Who is known by static key to the other side before the handshake.
  private let known: Set<HandshakeRole>
  /// The first message is the initiator's, then they alternate.
  private(set) var messages: [[Token]]

  init(known: Set<HandshakeRole> = [], _ messages: [Token]...) {
    self.known = known
    self.messages = messages
  }

  /// One message, from the initiator, and all that follows it goes the same way.
  var isOneWay: Bool { messages.count == 1 }

  var presharedKeyCount: Int { messages.joined().count { $0 == .psk } }

  func isKnownBeforehand(_ role: HandshakeRole) -> Bool { known.contains(role) }

  func usesStaticKey(of role: HandshakeRole) -> Bool {
    known.contains(role) || messages.indices.contains { writer(ofMessage: $0) == role && messages[$0].contains(.s) }
  }

  func writer(ofMessage index: Int) -> HandshakeRole { index.isMultiple(of: 2) ? .initiator : .responder }

  /// Adds the modifier `psk0` (a preshared key at the start of the first message) or `pskN` (at the end of the Nth).
  ///
  /// - Returns: whether the pattern has such a message.
  mutating func addPresharedKey(at position: Int) -> Bool {
    guard (0...messages.count).contains(position) else { return false }
    if position == 0 {
      messages[0].insert(.psk, at: 0)
    } else {
      messages[position - 1].append(.psk)
    }
    return true
  }
}
