import FieldAgent
@testable import FieldCore
@testable import FieldDocuments
import FieldWire
import Noise
import SetReconciliation
import Testing

/// Holds `Docs/PROTOCOL.md` and the code to each other: every vector of the document is computed here again, and every
/// one that is computed here stands in the document.
@Suite struct VectorTests {
  @Test func documentHasEveryVector() throws {
    let computed = try Vectors().all()
    let written = try ProtocolDocument.vectors()
    #expect(Set(computed.map(\.name)).count == computed.count)
    let missing = computed.filter { !written.contains($0) }
    #expect(missing == [], "write into the document:\n\(missing.map(\.lines).joined(separator: "\n"))")
    let unknown = written.filter { !computed.contains($0) }.map(\.name)
    #expect(unknown == [], "in the document and not computed")
  }

  @Test func vectorsAreRead() {
    let text = "```vectors\na.b = 00ff\nlong =\n  aa\n  bb\n```\nx = 1\n```\ny = 2\n```\n"
    #expect(ProtocolDocument.vectors(in: text) == [Vector("a.b", [0, 255]), Vector("long", [0xaa, 0xbb])])
    #expect(
      ProtocolDocument.vectors(in: "```vectors\n\(Vector("v", counting(from: 0, 200)).lines)\n```")
        == [Vector("v", counting(from: 0, 200))])
  }

  @Test func everyMessageTypeHasAVector() throws {
    let messages = try Vectors().messages()
    #expect(Set(messages.map(\.type)) == Set(MessageType.allCases))
    for message in messages { #expect(try message.readsBack(), "\(message.vector.name)") }
  }

  @Test func entriesAreValidAndReadable() throws {
    let fixture = try Fixture()
    let entries = try fixture.entries()
    var directory = Directory(workspace: fixture.workspace)
    let cipher = PayloadCipher(workspace: fixture.workspace, keyring: fixture.keys.keyring)
    for (id, entry) in entries {
      var reader = WireReader(entry.encoded)
      let verified = try VerifiedEntry(verifying: try Entry(from: &reader), in: fixture.workspace)
      #expect(verified.id == id && reader.isAtEnd)
      if entry.header.kind == .directory { try directory.apply(verified) } else { try directory.admit(entry.header) }
    }
    #expect(directory.role(of: fixture.founderKey) == .admin && directory.role(of: fixture.memberKey) == .member)
    let content = try cipher.open(entries[2].entry.payload, of: entries[2].entry.header)
    #expect(try ChangeRecord(decoding: content) == fixture.change())
  }

  @Test func theNextEpochOpens() throws {
    let fixture = try Fixture()
    guard case .epoch(_, let history, let boxes) = try fixture.nextEpoch() else { throw Missing() }
    let keys = try WorkspaceKeys(opening: try required(boxes[fixture.founderKey]), with: fixture.founder)
    #expect(keys.encoded == fixture.nextKeys.encoded)
    let older = KeyHistory.open(history, under: try required(keys.writing).key, in: fixture.workspace)
    #expect(older == fixture.keys.contentKeys)
  }

  @Test func sealedKeysOpen() throws {
    let fixture = try Fixture()
    for (sealed, keyPair) in [
      (Fixture.keysSealedToFounder, fixture.founder), (Fixture.keysSealedToMember, fixture.member),
    ] {
      let keys = try WorkspaceKeys(opening: try required(Hexadecimal.decode(sealed)), with: keyPair)
      #expect(keys.encoded == fixture.keys.encoded)
    }
  }

  @Test func handshakeAgrees() throws {
    let fixture = try Fixture()
    var handshake = try fixture.handshake()
    #expect(handshake.messages.map(\.count) == [48, 192, 160])
    #expect(handshake.initiator.peer == fixture.founderKey && handshake.responder.peer == fixture.memberKey)
    #expect(handshake.initiator.handshakeHash == handshake.responder.handshakeHash)
    let sealed = try handshake.initiator.sending.encrypt([1, 2, 3])
    #expect(try handshake.responder.receiving.decrypt(sealed) == [1, 2, 3])
  }

  @Test func summaryKeyIsThatOfTheDocument() throws {
    let vectors = try Vectors()
    var reader = WireReader(try vectors.summaryKeyBytes())
    let key = SummaryKey(words: (try reader.u64(), try reader.u64()))
    #expect(try vectors.summary().key == key)
  }

  @Test func linkFramesReadBack() throws {
    for vector in try Vectors().linkFrames() {
      let bytes = try required(Hexadecimal.decode(vector.value))
      #expect(try LinkFrame(decoding: bytes).encoded() == bytes)
    }
  }
}
