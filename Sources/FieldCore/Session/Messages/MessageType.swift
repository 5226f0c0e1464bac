/// The kinds of messages. The first message of a stream says what the stream is for.
///
/// A message is `length (varint) | type (varint) | body`, the length counting type and body. A body ends in optional
/// fields, see ``MessageExtensions``.
public enum MessageType: UInt64, Sendable, CaseIterable {
  /// Each side's first: version, capabilities, where it stands, and the first step of the reconciliation. The
  /// responder answers the initiator's on the same stream.
  case hello = 1
  /// One way: the sender's store has changed, or it has finished pulling.
  case state = 2
  /// Asks for the peer's proof of membership; answered by `entry` messages, directory entries from the founding one
  /// down.
  case credentialRequest = 3
  /// Asks to be let in, in a session that an invitation began; answered by `welcome` and `entry` messages.
  case join = 4
  case welcome = 5
  /// One way: where else the sender can be reached.
  case addresses = 6
  /// One way: what of the receiver's entries the sender did not take, and why.
  case refusals = 7

  /// Asks for the head; answered by `headReply`.
  case head = 16
  case headReply = 17
  /// Asks for one page of the order of arrival; answered by `page`.
  case scan = 18
  case page = 19
  /// Asks for entries; answered by `entry` messages in the order asked, those that are not there left out.
  case fetch = 20
  case entry = 21
  /// Asks for headers; answered by `header` messages, likewise.
  case headers = 22
  case header = 23
  /// Asks which ids are there; answered by `bitmap`.
  case contained = 24
  case bitmap = 25
  /// Asks for a Bloom summary; answered by `summary`.
  case bloomSummary = 26
  case summary = 27
  /// Asks for a walk along dependencies; answered by `identifiers`.
  case dependencies = 28
  case identifiers = 29
  /// Followed by `entry` messages; answered by `outcomes`, once for each batch that was stored, in the order sent.
  case put = 30
  case outcomes = 31
  /// Asks for payloads, from where the asker's copies end; answered for each by `contentStart` and `piece` messages.
  case content = 32
  case contentStart = 33
  case piece = 34
  /// A scan that is answered by `entry` messages for what the asker surely lacks, and by `page` messages for the rest.
  case pull = 35

  /// Begins another reconciliation; answered by the same. Both sides then take turns with `move`, and at last send the
  /// entries that the other side lacks.
  case compare = 40
  case move = 41
  /// A piece of a long move, ahead of the message that has its end.
  case movePart = 42

  /// Whether the body is an entry or a part of one.
  var carriesEntries: Bool { self == .entry || self == .contentStart || self == .piece }
}
