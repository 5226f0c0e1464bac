import FieldCore
import FieldWire
import Foundation
import Testing

@testable import FieldAgent

struct InvitationTests {
  private static let invitation = Invitation(
    workspace: WorkspaceID(words: (1, 2, 3, 4)), admin: DeviceKey(words: (5, 6, 7, 8)),
    secret: Array(0..<16))

  @Test func readsWhatItWrites() throws {
    let uri = Self.invitation.uri
    #expect(uri.hasPrefix("fieldsync:join/1/AEAAAAAAAAAAAAIA"))
    #expect(uri.utf8.count == 17 + 136)
    let read = try Invitation(uri: "  \(uri)\n")
    #expect(read.workspace == Self.invitation.workspace)
    #expect(read.admin == Self.invitation.admin)
    #expect(read.secret == Self.invitation.secret)
  }

  @Test func everyChangedLeftOutOrDoubledCharacterIsRefused() {
    let uri = Array(Self.invitation.uri)
    for index in uri.indices {
      for replacement in "A7Zz2f0189/ =é" where replacement != uri[index] {
        var changed = uri
        changed[index] = replacement
        #expect(throws: AgentError(.invalidInput, ""), "\(String(changed))") { try Invitation(uri: String(changed)) }
      }
      var shorter = uri
      shorter.remove(at: index)
      #expect(throws: AgentError(.invalidInput, "")) { try Invitation(uri: String(shorter)) }
      var longer = uri
      longer.insert(uri[index], at: index)
      #expect(throws: AgentError(.invalidInput, "")) { try Invitation(uri: String(longer)) }
    }
    for index in uri.indices.dropFirst() where uri[index] != uri[index - 1] {
      var swapped = uri
      swapped.swapAt(index, index - 1)
      #expect(throws: AgentError(.invalidInput, "")) { try Invitation(uri: String(swapped)) }
    }
  }

  @Test(arguments: ["", "fieldsync:join/1/", "https://example.org", "fieldsync:join/2/AAAA", "a b"])
  func otherTextIsRefusedWithoutRepeatingIt(text: String) throws {
    let error = try #require(throws: AgentError.self) { try Invitation(uri: text) }
    #expect(error.code == .invalidInput)
    #expect(text.count < 8 || !error.message.contains(text) || text == Invitation.prefix)
  }

  @Test func oneDeviceUsesAnInvitationAndMayAskAgain() throws {
    let book = try Book()
    let invitation = try book.book.add(role: .relay, lifetime: .seconds(60), at: book.now)
    let device = DeviceKey(words: (1, 1, 1, 1))
    #expect(try book.book.claim(secret: invitation.secret, for: device, at: book.now) == .relay)
    #expect(try book.book.claim(secret: invitation.secret, for: device, at: book.now) == .relay)
    #expect(throws: AgentError(.peerRefused, "")) {
      try book.book.claim(secret: invitation.secret, for: DeviceKey(words: (2, 2, 2, 2)), at: book.now)
    }
    #expect(throws: AgentError(.peerRefused, "")) {
      try book.book.claim(secret: Array(repeating: 0, count: 16), for: device, at: book.now)
    }
    #expect(try book.book.pending(at: book.now).map(\.usedBy) == [device])
  }

  @Test func expiryHoldsWhateverTheWallClockDoes() throws {
    let book = try Book()
    let invitation = try book.book.add(role: .member, lifetime: .seconds(60), at: book.now)
    func isExpired(wall: Int64, sinceBoot: Int64, boot: String = "b") -> Bool {
      invitation.isExpired(at: ClockReading(wallSeconds: 1_000_000 + wall, bootSeconds: 500 + sinceBoot, boot: boot))
    }
    #expect(!isExpired(wall: 59, sinceBoot: 59))
    #expect(isExpired(wall: 60, sinceBoot: 60))
    #expect(isExpired(wall: -9999, sinceBoot: 60), "set back within the boot")
    #expect(!isExpired(wall: 9999, sinceBoot: 59), "set forward within the boot")
    #expect(!isExpired(wall: 59, sinceBoot: -400, boot: "c"))
    #expect(isExpired(wall: 60, sinceBoot: -400, boot: "c"))
    #expect(isExpired(wall: -1, sinceBoot: -400, boot: "c"), "set back over a boot")
    let later = ClockReading(wallSeconds: 1_000_060, bootSeconds: 560, boot: "b")
    #expect(throws: AgentError(.peerRefused, "")) {
      try book.book.claim(secret: invitation.secret, for: .zero, at: later)
    }
    #expect(try book.book.pending(at: later).isEmpty)
  }

  @Test func openInvitationsAreBounded() throws {
    let book = try Book()
    for _ in 0..<InvitationBook.openLimit { _ = try book.book.add(role: .member, lifetime: .seconds(60), at: book.now) }
    #expect(throws: AgentError(.busy, "")) { try book.book.add(role: .member, lifetime: .seconds(60), at: book.now) }
  }

  @Test func aDamagedListIsReported() throws {
    let book = try Book()
    _ = try book.book.add(role: .member, lifetime: .seconds(60), at: book.now)
    let path = book.temporary / "invitations"
    let bytes = try Data(contentsOf: URL(filePath: path))
    try bytes.dropLast().write(to: URL(filePath: path))
    chmod(path, 0o600)
    #expect(throws: AgentError(.damaged, "")) { try book.book.pending(at: book.now) }
  }

  private struct Book {
    let temporary: TemporaryDirectory
    let book: InvitationBook
    let now = ClockReading(wallSeconds: 1_000_000, bootSeconds: 500, boot: "b")

    init() throws {
      temporary = try TemporaryDirectory()
      book = InvitationBook(path: temporary / "invitations", lockPath: temporary / "invitations.lock")
    }
  }
}
