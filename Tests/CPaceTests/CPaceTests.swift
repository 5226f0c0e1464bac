import Sodium
import Testing

@testable import CPace

/// The vectors of draft-irtf-cfrg-cpace, appendix B.3 (ristretto255 and SHA-512).
struct CPaceTests {
  private let password = Array("Password".utf8)
  private let channel = hex("6f630b425f726573706f6e6465720b415f696e69746961746f72")
  private let session = hex("7e4b4791d6a8ef019b936c79fb7f2c57")
  private let initiatorScalar = hex("da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08")
  private let responderScalar = hex("d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d")

  private func side(_ role: CPace.Role) throws -> CPace {
    try CPace(
      role: role, password: password, channel: channel, session: session,
      associatedData: Array((role == .initiator ? "ADa" : "ADb").utf8),
      scalar: SecretBytes(copying: role == .initiator ? initiatorScalar : responderScalar))
  }

  @Test func theGeneratorIsTheDrafts() throws {
    let string = CPace.generatorString(password: password, channel: channel, session: session)
    #expect(string.count == 172)
    #expect(
      SHA512.hash(string)
        == hex(
          "c63a5750e2439c17ccd8213be14fde2f87e1bc637001a97f5929c77b30ea0e08"
            + "afbc75ace5d3d73b2842a79d01488c5fd7ea30d475ee609545af1bfd1ff77c8e"))
    #expect(
      try CPace.generator(password: password, channel: channel, session: session)
        == hex("a6fc82c3b8968fbb2e06fee81ca858586dea50d248f0c7ca6a18b0902a30b36b"))
  }

  @Test func messagesAndKeyAreTheDrafts() throws {
    let (initiator, responder) = (try side(.initiator), try side(.responder))
    #expect(initiator.message == hex("d40fb265a7abeaee7939d91a585fe59f7053f982c296ec413c624c669308f87a"))
    #expect(responder.message == hex("08bcf6e9777a9c313a3db6daa510f2d398403319c2341bd506a92e672eb7e307"))
    let expected = hex(
      "4c5469a16b2364c4b944ebc1a79e51d1674ad47db26e8718154f59faebfaa52d"
        + "8346f30aa58377117eb20d527f2cbc5c76381f7fd372e89df8239f87f2e02ed1")
    let keys = [
      try initiator.key(peerMessage: responder.message, peerAssociatedData: Array("ADb".utf8)),
      try responder.key(peerMessage: initiator.message, peerAssociatedData: Array("ADa".utf8)),
    ]
    for key in keys { #expect(key.withUnsafeBytes { Array($0) } == expected) }
  }

  @Test func whatIsNoElementEndsTheRun() throws {
    let side = try side(.initiator)
    // The identity, a value over the field's prime, a negative one, and the wrong length.
    let bad = [
      [UInt8](repeating: 0, count: 32), [UInt8](repeating: 0xFF, count: 32), [1] + [UInt8](repeating: 0, count: 31),
    ]
    for message in bad { #expect(throws: SodiumError.self) { try side.key(peerMessage: message) } }
    #expect(throws: SodiumError.self) { try side.key(peerMessage: []) }
    #expect(throws: SodiumError.self) { try side.key(peerMessage: [UInt8](repeating: 2, count: 33)) }
  }

  @Test func anyDifferenceMakesAnotherKey() throws {
    func key(
      _ password: String, channel: String = "c", session: [UInt8] = [1], data: String = "d"
    ) throws -> SecretBytes {
      let one = try CPace(
        role: .initiator, password: Array("word".utf8), channel: Array("c".utf8), session: [1],
        associatedData: Array("d".utf8))
      let other = try CPace(
        role: .responder, password: Array(password.utf8), channel: Array(channel.utf8), session: session)
      let theirs = try other.key(peerMessage: one.message, peerAssociatedData: Array(data.utf8))
      let mine = try one.key(peerMessage: other.message)
      #expect((mine == theirs) == (password == "word" && channel == "c" && session == [1] && data == "d"))
      return mine
    }
    _ = try key("word")
    _ = try key("wore")
    _ = try key("word", channel: "x")
    _ = try key("word", session: [2])
    _ = try key("word", data: "e")
  }

  @Test func lengthsAreWrittenAsTheDraftHasThem() {
    #expect(CPace.lengthPrefixed([[], [7]]) == [0, 1, 7])
    #expect(CPace.lengthPrefixed([[UInt8](repeating: 9, count: 128)]).prefix(2) == [0x80, 1])
  }
}

private func hex(_ text: String) -> [UInt8] {
  let digits = Array(text)
  return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
}
