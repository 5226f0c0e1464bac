public import FieldCore
public import FieldWire

/// A device's key as people compare and type it: base 32 in four pieces of 13 characters, each with a check character
/// behind it, in seven groups of eight. One wrong character is always noticed, and nearly every pair that was swapped,
/// before anything is done with the id.
///
/// The check character is the Luhn algorithm modulo 32: the values of the characters, from the first, times 1 and 2 in
/// turn, the two base-32 digits of each product added; the check character brings the sum to a multiple of 32.
public enum DeviceText {
  private static let pieceCharacterCount = 13
  private static let groupCharacterCount = 8
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

  public static func encode(_ device: DeviceKey) -> String {
    let characters = Array(Base32.encode(device.bytes).utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: characters.count, by: pieceCharacterCount) {
      let piece = characters[start..<min(start + pieceCharacterCount, characters.count)]
      text += piece
      text.append(alphabet[check(of: piece) ?? 0])
    }
    return stride(from: 0, to: text.count, by: groupCharacterCount)
      .map { String(decoding: text[$0..<min($0 + groupCharacterCount, text.count)], as: UTF8.self) }
      .joined(separator: "-")
  }

  /// In either case, with or without separators.
  ///
  /// - Throws: ``AgentError`` with `invalidInput`.
  public static func decode(_ text: String) throws(AgentError) -> DeviceKey {
    let characters = text.utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: " ") }.map { character in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(character) ? character - 32 : character
    }
    let pieceLength = pieceCharacterCount + 1
    guard characters.count == 4 * pieceLength else { throw refused }
    var digits: [UInt8] = []
    for start in stride(from: 0, to: characters.count, by: pieceLength) {
      let piece = characters[start..<start + pieceCharacterCount]
      guard let check = check(of: piece), alphabet[check] == characters[start + pieceCharacterCount] else {
        throw refused
      }
      digits += piece
    }
    let encoded = String(decoding: digits, as: UTF8.self)
    guard let bytes = Base32.decode(encoded), let device = DeviceKey(bytes), Base32.encode(bytes) == encoded else {
      throw refused
    }
    return device
  }

  /// `nil` for a character that is none of the alphabet's.
  private static func check(of piece: ArraySlice<UInt8>) -> Int? {
    var sum = 0
    for (index, character) in piece.enumerated() {
      guard let value = alphabet.firstIndex(of: character) else { return nil }
      let product = value * (index.isMultiple(of: 2) ? 1 : 2)
      sum += product / 32 + product % 32
    }
    return (32 - sum % 32) % 32
  }

  private static var refused: AgentError {
    AgentError(
      .invalidInput, "That is not a device's id: a character is wrong, missing or too many.",
      hint: "Compare it with what 'fieldsync id' prints on that device.")
  }
}
