@testable import FieldAgent
@testable import FieldBluetooth
@testable import FieldCore
@testable import FieldDocuments
import FieldWire
import SetReconciliation
import Noise
import Sodium

/// Every vector of the document, computed from ``Fixture`` by the code that the package runs.
struct Vectors {
  let fixture: Fixture

  init() throws { fixture = try Fixture() }

  func all() throws -> [Vector] {
    try numbers() + workspace() + documents() + entries() + handshake() + sets() + packets() + messages().map(\.vector)
      + linkFrames() + presence() + bluetooth()
  }

  func numbers() -> [Vector] {
    [0, 63, 64, 16_383, 16_384, 1_073_741_823, 1_073_741_824, 4_611_686_018_427_387_903].map { value in
      Vector("varint.\(value)", encoded { $0.varint(value) })
    }
  }

  func workspace() throws -> [Vector] {
    let invitation = Invitation(
      workspace: fixture.workspace, admin: fixture.founderKey, secret: fixture.invitationSecret)
    let names = try fixture.names
    let notes = names.database(named: "notes")
    return [
      Vector("founder.key", fixture.founderKey.bytes),
      Vector("member.key", fixture.memberKey.bytes),
      Vector("workspace.id", fixture.workspace.bytes),
      Vector("workspace.keys", fixture.keys.encoded),
      Vector("workspace.keys.relay", fixture.keys.withoutContent.encoded),
      Vector("workspace.keys.next", fixture.nextKeys.encoded),
      Vector("workspace.keys.next.sealed.founder", text: Fixture.nextKeysSealedToFounder),
      Vector("workspace.keys.sealed.founder", text: Fixture.keysSealedToFounder),
      Vector("workspace.keys.sealed.member", text: Fixture.keysSealedToMember),
      Vector("name.database.notes", notes.bytes),
      Vector("name.document.today", names.document(named: "today", in: notes).bytes),
      Vector("name.document.properties", names.document(named: "", in: notes).bytes),
      Vector("device.text", text: DeviceText.encode(fixture.founderKey)),
      Vector("invitation.uri", text: invitation.uri),
      Vector(
        "invitation.psk",
        SessionKey.invitation(secret: fixture.invitationSecret, workspace: fixture.workspace).secret
          .withUnsafeBytes { Array($0) }),
    ]
  }

  func documents() throws -> [Vector] {
    let change = try fixture.change().encoded
    return [
      Vector("change.content", change),
      Vector("change.padded", Padding.pad(change)),
      Vector("change.payload", try fixture.payload(change, kind: .documentChange)),
      Vector("delete.content", try ChangeRecord(name: "today", clock: 2).encoded),
      Vector("blob.content", Array("hello, blob".utf8)),
      Vector("blob.payload", try fixture.blob()),
      Vector("blob.contentHash", ContentHash(hash: try fixture.blob()).bytes),
    ]
  }

  func entries() throws -> [Vector] {
    let revocation = DirectoryOperation.revoke(
      device: fixture.memberKey, lastEntry: try fixture.entries()[0].id,
      lastSequences: [try fixture.names.database(named: "notes"): 1])
    return [
      Vector("directory.found", try fixture.founding().encoded),
      Vector("directory.grant", try fixture.grant().encoded),
      Vector("directory.revoke", revocation.encoded),
      Vector("directory.epoch", try fixture.nextEpoch().encoded),
      Vector("directory.warrant", DirectoryOperation.warrant(try fixture.warrant()).encoded),
    ]
      + (try sharedKey())
      + zip(["found", "grant", "change", "delete"], try fixture.entries()).flatMap { name, item in
        [
          Vector("entry.\(name).header", item.entry.header.encoded),
          Vector("entry.\(name).id", item.id.bytes),
          Vector("entry.\(name).signature", item.entry.signature),
        ]
      } + [Vector("entry.change", try fixture.entries()[2].entry.encoded)]
  }

  private func sharedKey() throws -> [Vector] {
    let text = String(repeating: "0123456789abcdef", count: 4)
    let key = try SharedKey(text: SecretBytes(copying: Array(text.utf8)))
    let keys = key.keys
    let founding = try key.founding()
    func bytes(_ secret: SecretBytes?) throws -> [UInt8] { try required(secret).withUnsafeBytes { Array($0) } }
    return [
      Vector("shared.key", text: text),
      Vector("shared.founder", founding.header.author.bytes),
      Vector("shared.workspace", Directory.workspaceID(founder: founding.header.author, nonce: key.nonce).bytes),
      Vector("shared.presence", try bytes(keys.presence)),
      Vector("shared.naming", try bytes(keys.naming)),
      Vector("shared.content", try bytes(keys.writing?.key)),
      Vector("shared.founding", founding.entry.payload),
    ]
  }

  func handshake() throws -> [Vector] {
    let handshake = try fixture.handshake()
    return [Vector("handshake.prologue", fixture.syncKey.prologue)]
      + handshake.messages.enumerated().map { Vector("handshake.message.\($0 + 1)", $1) }
      + [
        Vector("handshake.hash", handshake.initiator.handshakeHash),
        Vector("handshake.check", handshake.initiator.checkBytes),
        Vector(
          "code.psk", CodeExchange.secret(of: SecretBytes(copying: counting(from: 0, 64))).withUnsafeBytes { Array($0) }
        ),
      ]
  }

  func sets() throws -> [Vector] {
    let secrets = try fixture.handshake().initiator
    let head = try fixture.head()
    let summary = try summary()
    return [
      Vector("set.digest", head.digest),
      Vector("set.root", secrets.root(of: head)),
      Vector("summary.key", try summaryKeyBytes()),
      Vector("summary.probes", [UInt8(summary.probeCount)]),
      Vector("summary.bits", summary.bits),
    ]
  }

  /// The key of the initiator's first summary, written a second time.
  func summaryKeyBytes() throws -> [UInt8] {
    Blake2b.hash(
      Array("fieldsync summary key 1\0".utf8) + [1, 0, 0, 0, 0], byteCount: 16,
      key: try fixture.handshake().initiator.handshakeHash)
  }

  func summary() throws -> BloomSummary {
    let ids = try fixture.entries().map(\.id)
    var summary = BloomSummary(
      entryCount: ids.count, bitsPerEntry: 40,
      key: try fixture.handshake().initiator.summaryKey(attempt: 0, author: .initiator))
    for id in ids { summary.insert(id.words) }
    return summary
  }

  func packets() throws -> [Vector] {
    var handshake = try fixture.handshake()
    var multiplexer = Multiplexer(role: .initiator)
    _ = try multiplexer.send(try ladderHello().framed, on: multiplexer.open(), isLast: false)
    let hello = try required(multiplexer.nextPacket(byteCount: 65_519)).packet
    let credential = frame(.data(StreamID(2), Message(.credentialRequest).framed[...], .direction))
    let ping = frame(.ping(0x0102_0304_0506_0708))
    let sealedHello = try handshake.initiator.sending.encrypt(hello)
    let sealedCredential = try handshake.responder.sending.encrypt(credential)
    handshake.initiator.sending.rekey()
    return [
      Vector("frame.credit", frame(.credit(StreamID(1), byteCount: 32_768))),
      Vector("frame.reset", frame(.reset(StreamID(1), .refused))),
      Vector("frame.close", frame(.close(.done))),
      Vector("frame.ping", ping),
      Vector("frame.pong", frame(.pong(0x0102_0304_0506_0708))),
      Vector("packet.hello", hello),
      Vector("packet.hello.sealed", sealedHello),
      Vector("packet.credentialRequest", credential),
      Vector("packet.credentialRequest.sealed", sealedCredential),
      Vector("packet.ping.sealed.afterRekey", try handshake.initiator.sending.encrypt(ping)),
    ]
  }

  func frame(_ frame: SessionFrame) -> [UInt8] { encoded { frame.encode(into: &$0) } }

  func linkFrames() -> [Vector] {
    let parameters = LinkParameters(
      protocolVersion: 1, maximumFrameByteCount: 495, windowFrameCount: 128, maximumMessageByteCount: 4096)
    let frames: [(String, LinkFrame)] = [
      ("open", LinkFrame(session: 0x1234, sequence: 0, body: .open(parameters))),
      ("openAck", LinkFrame(session: 0x1234, sequence: 100, body: .openAcknowledgement(parameters))),
      (
        "data",
        LinkFrame(
          session: 0x1234, sequence: 5, flags: [.first, .last, .acknowledgementRequest],
          body: .data(Array("hello".utf8)))
      ),
      (
        "ack",
        LinkFrame(
          session: 0x1234, sequence: 6,
          body: .acknowledgement(LinkAcknowledgement(bitmap: 0b101, creditFrameCount: 100)))
      ),
      ("close", LinkFrame(session: 0x1234, sequence: 6, body: .close(.normal))),
    ]
    return frames.map { Vector("link.\($0)", $1.encoded()) }
  }

  func presence() throws -> [Vector] {
    let beacon = PresenceBeacon(
      of: fixture.founderKey, holding: try fixture.head(), in: PresenceEpoch(secondsSince1970: 1_800_000_000),
      key: try required(fixture.keys.presence))
    return [Vector("presence.long", beacon.bytes), Vector("presence.short", beacon.short)]
  }

  func bluetooth() -> [Vector] {
    let nonce = counting(from: 0x10, 8)
    return [
      Vector(
        "bluetooth.info",
        ServiceInformation(slot: .granted(1), maximumFrameByteCount: 495, nonce: nonce).encoded()),
      Vector(
        "bluetooth.info.busy",
        ServiceInformation(slot: .busy(retrySeconds: 30), maximumFrameByteCount: 20, nonce: nonce).encoded()),
      Vector(
        "bluetooth.info.channel",
        ServiceInformation(
          capabilities: .channel, psm: 0x81, slot: .granted(0), maximumFrameByteCount: 244, nonce: nonce
        ).encoded()),
      Vector("bluetooth.hello", ControlMessage(.hello, nonce: nonce).encoded()),
      Vector("bluetooth.bye", ControlMessage(.bye, nonce: nonce).encoded()),
      Vector(
        "bluetooth.advertisement", ServiceAdvertisement(psm: 0x81, announcement: counting(from: 0xA0, 4)).encoded()),
      Vector(
        "bluetooth.advertisement.noChannel",
        ServiceAdvertisement(psm: nil, announcement: counting(from: 0xA0, 4)).encoded()),
    ]
  }

  private func encoded(_ write: (inout WireWriter) -> Void) -> [UInt8] {
    var writer = WireWriter()
    write(&writer)
    return writer.bytes
  }
}
