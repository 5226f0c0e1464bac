import FieldCore
import FieldWire
import Foundation
import Testing

@testable import FieldAgent

struct TextTests {
  @Test func deviceTextReadsBackInAnyGrouping() throws {
    let device = DeviceKey(words: (0x0123_4567_89AB_CDEF, 2, 3, .max))
    let text = DeviceText.encode(device)
    #expect(text.split(separator: "-").map(\.count) == Array(repeating: 8, count: 7))
    #expect(try DeviceText.decode(text) == device)
    #expect(try DeviceText.decode(text.lowercased().replacing("-", with: " ")) == device)
  }

  @Test(arguments: [
    DeviceKey(words: (1, 2, 3, 4)), .zero, DeviceKey(words: (.max, .max, .max, .max)),
    DeviceKey(words: (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, 0xA5A5_5A5A_A5A5_5A5A, 0x8000_0000_0000_0001)),
  ])
  func everyChangedCharacterOfADeviceTextIsRefused(device: DeviceKey) {
    let text = Array(DeviceText.encode(device))
    for index in text.indices where text[index] != "-" {
      for replacement in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567018" where replacement != text[index] {
        var changed = text
        changed[index] = replacement
        #expect(throws: AgentError(.invalidInput, "")) { try DeviceText.decode(String(changed)) }
      }
    }
  }

  @Test(arguments: [
    ("plain ünïcödé 日本", "plain ünïcödé 日本"), ("\u{1B}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
    ("a\nb\rc\td", "a\\u{a}b\\u{d}c\\u{9}d"), ("\u{202E}cod.exe\u{2066}", "\\u{202e}cod.exe\\u{2066}"),
    ("\u{9B}31m", "\\u{9b}31m"), ("line\u{2028}end", "line\\u{2028}end"), ("back\\slash", "back\\\\slash"),
    ("zero\u{200B}width\u{FEFF}", "zero\\u{200b}width\\u{feff}"),
  ])
  func nothingThatATerminalActsOnComesThrough(_ sample: (text: String, shown: String)) throws {
    #expect(TerminalText.escape(sample.text) == sample.shown)
    let json = JSON.object([(sample.text, .string(sample.text))]).text
    let unsafe = json.unicodeScalars.filter(\.isUnsafeInTerminal)
    #expect(unsafe.isEmpty)
    let parsed = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: String])
    #expect(parsed.first?.key.unicodeScalars.elementsEqual(sample.text.unicodeScalars) == true)
    #expect(parsed.first?.value.unicodeScalars.elementsEqual(sample.text.unicodeScalars) == true)
  }

  @Test func bytesThatAreNotTextAreShownAsBytes() {
    #expect(TerminalText.escape(bytes: [0x61, 0xFF, 0x62]) == "a\\xffb")
    #expect(TerminalText.escape(bytes: [0xC3, 0xA9, 0xC3]) == "é\\xc3")
    #expect(TerminalText.escape(bytes: [0xE2, 0x28, 0xA1]) == "\\xe2(\\xa1")
    #expect(TerminalText.escape(bytes: []).isEmpty)
  }

  @Test func jsonValuesAreParsedByOthers() throws {
    let json = JSON.object([
      ("null", .null), ("yes", .bool(true)), ("least", .integer(.min)), ("most", .unsigned(.max)),
      ("small", .double(2.5e-308)), ("large", .double(1e300)), ("list", .array([.string("\u{0}\"\\/"), .array([])])),
      ("empty", .object([])), ("emoji", .string("👩‍🚀")),
    ])
    let parsed = try #require(try JSONSerialization.jsonObject(with: Data(json.text.utf8)) as? [String: Any])
    #expect(parsed.count == 9)
    #expect((parsed["least"] as? NSNumber)?.int64Value == .min)
    #expect((parsed["most"] as? NSNumber)?.uint64Value == .max)
    #expect((parsed["small"] as? NSNumber)?.doubleValue == 2.5e-308)
    #expect((parsed["list"] as? [Any])?.first as? String == "\u{0}\"\\/")
    #expect(parsed["emoji"] as? String == "👩‍🚀")
  }
}
