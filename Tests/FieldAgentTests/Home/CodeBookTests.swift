import FieldCore
import FieldWire
import Foundation
import Testing

@testable import FieldAgent

/// A spoken code on the inviting side: one try, for a while, and only forwards.
struct CodeBookTests {
  private let temporary: TemporaryDirectory
  private let book: CodeBook
  private let now = ClockReading(wallSeconds: 1_000_000, bootSeconds: 500, boot: "b")

  init() throws {
    temporary = try TemporaryDirectory()
    book = CodeBook(path: temporary / "code", lockPath: temporary / "code.lock")
  }

  private func later(_ seconds: Int64, boot: String = "b") -> ClockReading {
    ClockReading(
      wallSeconds: now.wallSeconds + seconds, bootSeconds: boot == "b" ? now.bootSeconds + seconds : 3, boot: boot)
  }

  @Test func aCodeIsGoodForOneTry() throws {
    #expect(try book.claim(at: now) == nil, "none is open")
    let opened = try book.open(role: .member, at: now)
    let code = try CodeBook.bytes(of: opened.text)
    #expect(try book.claim(at: now) == code)
    for _ in 0..<3 { #expect(try book.claim(at: now) == nil) }
    #expect(try book.entry(at: now)?.state == .tried)
    // Whatever becomes of the try.
    for state in [CodeBook.State.failed, .asking, .denied, .letIn] {
      _ = try book.advance(from: try #require(try book.entry(at: now)).state, to: state)
      #expect(try book.claim(at: now) == nil, "\(state)")
    }
  }

  @Test func aCodeEndsWithItsTimeWhateverTheWallClockDoes() throws {
    let lifetime = CodeBook.lifetime.components.seconds
    #expect(lifetime == 120)
    _ = try book.open(role: .member, at: now)
    #expect(try book.entry(at: later(lifetime - 1))?.state == .open)
    #expect(try book.entry(at: later(lifetime)) == nil)
    #expect(try book.claim(at: later(lifetime)) == nil)
    let setBack = ClockReading(wallSeconds: 5, bootSeconds: now.bootSeconds + lifetime, boot: "b")
    #expect(try book.claim(at: setBack) == nil)
    #expect(try book.claim(at: later(-1, boot: "c")) == nil, "another boot, and the clock before the code's making")
    #expect(try book.claim(at: later(lifetime - 1)) != nil)
  }

  @Test func aNewCodeEndsTheOneBefore() throws {
    let first = try book.open(role: .member, at: now).text
    let second = try book.open(role: .relay, at: now)
    #expect(first != second.text)
    #expect(try book.claim(at: now) == CodeBook.bytes(of: second.text))
    #expect(try book.entry(at: now)?.role == .relay)
    try book.close()
    #expect(try book.entry(at: now) == nil)
  }

  @Test func nobodyIsAskedForBeforeTheTryAndNobodyTwice() throws {
    _ = try book.open(role: .member, at: now)
    let device = DeviceKey(words: (1, 2, 3, 4))
    #expect(try !book.ask(device, named: "early", checkWords: "w"))
    _ = try book.claim(at: now)
    #expect(try book.ask(device, named: "tablet", checkWords: "one-two"))
    #expect(try !book.ask(.zero, named: "second", checkWords: "w"))
    let entry = try #require(try book.entry(at: now))
    #expect(entry.device == device && entry.name == "tablet" && entry.checkWords == "one-two")
    #expect(try !book.advance(from: .confirmed, to: .letIn), "nobody has confirmed")
    #expect(try book.advance(from: .asking, to: .denied))
    #expect(try !book.advance(from: .asking, to: .confirmed), "the answer stands")
  }

  @Test func onlyItsUserReadsTheFile() throws {
    _ = try book.open(role: .member, at: now)
    #expect(try permissions(of: temporary / "code") == 0o600)
  }

  @Test(arguments: ["", "acme", "acme-acme", "acme-acme-acme-acme", "acme-acme-nosuchword", "acme acme\u{1B}acme"])
  func otherTextIsNoTry(text: String) throws {
    let error = try #require(throws: AgentError.self) { try CodeBook.bytes(of: text) }
    #expect(error.code == .invalidInput)
  }
}
