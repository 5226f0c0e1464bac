@testable import FieldCore
import FieldWire
import SetReconciliation
import Sodium

/// What a peer says in a session, and before there is one.
let sessionTargets: [FuzzTarget] = [
  FuzzTarget("message") { bytes in
    guard let message = try? Message(decoding: bytes) else { return }
    switch message.type {
    case .hello: check(message, Hello.self)
    case .state: check(message, StateNotice.self)
    case .join: check(message, JoinRequest.self)
    case .welcome: check(message, Welcome.self)
    case .addresses: check(message, AddressesNotice.self)
    case .refusals: check(message, RefusalsNotice.self)
    case .headReply: check(message, HeadReply.self)
    case .scan:
      check(message, ScanRequest.self)
      guard let request = try? message.decode(ScanRequest.self),
        let filter = try? request.resolvedFilter(key: { SummaryKey(words: (UInt64($0), 1)) })
      else { return }
      _ = filter.admits(kind: .documentChange, author: .zero, id: .zero)
    case .page: check(message, ScanReply.self)
    case .fetch: check(message, FetchRequest.self)
    case .entry: checkRun([message])
    case .headers: check(message, HeadersRequest.self)
    case .header: check(message, HeaderMessage.self)
    case .contained: check(message, ContainedRequest.self)
    case .bitmap: check(message, ContainedReply.self)
    case .bloomSummary: check(message, SummaryRequest.self)
    case .summary: check(message, SummaryReply.self)
    case .dependencies: check(message, DependenciesRequest.self)
    case .identifiers: check(message, IdentifiersReply.self)
    case .outcomes: check(message, OutcomesReply.self)
    case .content: check(message, ContentRequest.self)
    case .contentStart: check(message, ContentStart.self)
    case .piece: check(message, ContentPiece.self)
    case .pull: check(message, PullRequest.self)
    case .compare: check(message, CompareRequest.self)
    case .move: check(message, MoveMessage.self)
    case .movePart: check(message, MovePart.self)
    case .credentialRequest, .head, .put: break
    }
  },
  FuzzTarget("packets") { bytes in
    var input = FuzzInput(bytes)
    let role: SessionHandshake.Role = input.byte() & 1 == 0 ? .initiator : .responder
    var multiplexer = Multiplexer(role: role)
    var open: Set<StreamID> = []
    for _ in 0..<4 { open.insert(multiplexer.open()) }
    while !input.isEmpty {
      switch input.byte() & 7 {
      case 0...4:
        guard let events = try? multiplexer.received(input.piece()) else { return }
        for event in events {
          switch event {
          case .opened(let id): open.insert(id)
          case .message(let id, let message):
            if message.count & 1 == 0 { multiplexer.consumed(message.count, on: id) }
          case .reset(let id, _): open.remove(id)
          default: break
          }
        }
      case 5:
        if let packet = multiplexer.nextPacket(byteCount: 64 + Int(input.word() & 0x3ff))?.packet {
          require(!packet.isEmpty && packet.count <= 64 + 0x3ff, "a packet fits its limit")
        }
      case 6:
        guard let id = open.sorted().first(where: { $0.rawValue >= UInt64(input.byte()) }) else { continue }
        _ = try? multiplexer.send(Message(.head, body: input.bytes(512)).framed, on: id, isLast: input.byte() & 1 == 0)
      default:
        if let id = open.sorted().last { multiplexer.reset(id, .cancelled) }
      }
    }
  },
  FuzzTarget("handshake") { bytes in
    var input = FuzzInput(bytes)
    let place = Int(input.byte() % 4)
    let key = SessionKey(purpose: .sync, workspace: .zero, secret: FuzzKeys.presence)
    guard var initiator = try? SessionHandshake(initiatorWith: key, identity: FuzzKeys.member),
      var responder = try? SessionHandshake(responderWith: [key], identity: FuzzKeys.other)
    else { preconditionFailure("a handshake can always begin") }
    // A message of a stranger, in either role.
    if place == 3 {
      let message = bytes.count > 1 ? Array(bytes.dropFirst()) : []
      require((try? responder.received(message)) == nil, "a stranger gets no answer")
      guard (try? initiator.start()) != nil else { return }
      require((try? initiator.received(message)) == nil, "a stranger gets no answer")
      return
    }
    // One of a real handshake's messages, changed on the way.
    var isChanged = false
    func pass(_ message: [UInt8], _ index: Int) -> [UInt8] {
      guard index == place else { return message }
      var changed = message
      for (index, byte) in input.bytes(changed.count).enumerated() { changed[index] ^= byte }
      let cut = Int(input.byte())
      changed = cut > 0 && cut <= changed.count ? changed.dropLast(cut) : changed
      changed += input.bytes(64)
      isChanged = changed != message
      return changed
    }
    guard let first = try? initiator.start() else { preconditionFailure("a handshake can always begin") }
    guard case .send(let second)? = try? responder.received(pass(first, 0)) else {
      return require(isChanged, "an honest first message is answered")
    }
    guard case .established(_, let third?)? = try? initiator.received(pass(second, 1)) else {
      return require(isChanged, "an honest second message is answered")
    }
    guard case .established(let secrets, nil)? = try? responder.received(pass(third, 2)) else {
      return require(isChanged, "an honest third message is taken")
    }
    require(!isChanged, "no changed message is taken")
    require(secrets.peer == FuzzKeys.memberKey, "the peer is who it is")
  },
]

/// What was read is written as it was, apart from extension fields behind it.
private func check<Body: MessageBody>(_ message: Message, _ type: Body.Type) {
  guard let body = try? message.decode(type) else { return }
  require(message.body.starts(with: Message(body).body), "a message's body has one encoding")
}
