import FieldTesting
import FieldWire
import Testing

@Suite struct TextFormTests {
  /// RFC 4648 section 10, without the padding.
  @Test(arguments: [
    ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"),
    ("foobar", "MZXW6YTBOI"),
  ])
  func base32IsThatOfTheRFC(_ plain: String, _ text: String) {
    #expect(Base32.encode(Array(plain.utf8)) == text)
    #expect(Base32.decode(text) == Array(plain.utf8))
    #expect(Base32.decode(text.lowercased()) == Array(plain.utf8))
  }

  @Test(arguments: ["A", "AAA", "AAAAAA", "MZ", "MY======", "M1", "M8", "M Y", "MÝ", "MY\u{0}", "ﬁ", "ı", "MZXW6YQ="])
  func otherTextIsNoBase32(_ text: String) {
    #expect(Base32.decode(text) == nil)
  }

  @Test(arguments: ["0", "0g", "zz", " 00", "0x00", "０0", "é"])
  func otherTextIsNoHexadecimal(_ text: String) {
    #expect(Hexadecimal.decode(text) == nil)
  }

  @Test func bytesComeBackFromText() {
    var random = SeededRandom(seed: 5)
    for length in 0..<200 {
      let bytes = random.bytes(length)
      #expect(Base32.decode(Base32.encode(bytes)) == bytes)
      #expect(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
      #expect(Hexadecimal.decode(Hexadecimal.encode(bytes).uppercased()) == bytes)
    }
    #expect(Hexadecimal.encode([0x00, 0x9F, 0xA0, 0xFF]) == "009fa0ff")
  }

  /// Text that decodes is text that its bytes encode to: nothing has two spellings but for case.
  @Test func textIsReadInOneSpellingOnly() {
    var random = SeededRandom(seed: 6)
    let characters = Array("ABCZaz27019=- gG")
    var decodedCount = 0
    for _ in 0..<60_000 {
      let text = String(
        (0..<Int.random(in: 0...9, using: &random)).compactMap { _ in characters.randomElement(using: &random) })
      if let bytes = Base32.decode(text) {
        decodedCount += 1
        #expect(Base32.encode(bytes) == text.uppercased())
      }
      if let bytes = Hexadecimal.decode(text) {
        decodedCount += 1
        #expect(Hexadecimal.encode(bytes) == text.lowercased())
      }
    }
    #expect(decodedCount > 5000)
  }
}
