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
      _ = try book.advance(try #require(try book.entry(at: now)), to: state)
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
    let first = try book.open(role: .member, at: now)
    #expect(try book.claim(at: now) == first.code)
    let second = try book.open(role: .relay, at: now)
    #expect(first.text != second.text)
    #expect(try book.claim(at: now) == CodeBook.bytes(of: second.text))
    #expect(try book.entry(at: now)?.role == .relay)
    // Whoever still has to do with the first does nothing to the second.
    try book.fail(first.code)
    try book.close(first)
    #expect(try !book.ask(first.code, .zero, named: "tablet", checkWords: "w"))
    #expect(try book.entry(at: now)?.state == .tried)
    try book.close(second)
    #expect(try book.entry(at: now) == nil)
  }

  @Test func nobodyIsAskedForBeforeTheTryAndNobodyTwice() throws {
    let code = try book.open(role: .member, at: now).code
    let device = DeviceKey(words: (1, 2, 3, 4))
    #expect(try !book.ask(code, device, named: "early", checkWords: "w"))
    _ = try book.claim(at: now)
    #expect(try book.ask(code, device, named: "tablet", checkWords: "one-two"))
    #expect(try !book.ask(code, .zero, named: "second", checkWords: "w"))
    let entry = try #require(try book.entry(at: now))
    #expect(entry.device == device && entry.name == "tablet" && entry.checkWords == "one-two")
    try book.letIn(code)
    #expect(try book.entry(at: now)?.state == .asking, "nobody has confirmed")
    #expect(try book.advance(entry, to: .denied))
    #expect(try !book.advance(entry, to: .confirmed), "the answer stands")
    try book.fail(code)
    #expect(try book.entry(at: now)?.state == .denied)
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
