public import FieldCore
public import FieldWire
import Sodium

/// A device's key as people compare and type it: base 32 of the key and 3 check bytes (of its BLAKE2b hash), in seven
/// groups of eight characters. A mistyped one is refused before anything is done with it.
public enum DeviceText {
  private static let checkByteCount = 3
  private static let groupCharacterCount = 8

  public static func encode(_ device: DeviceKey) -> String {
    let text = Array(Base32.encode(device.bytes + check(device.bytes)))
    return stride(from: 0, to: text.count, by: groupCharacterCount)
      .map { String(text[$0..<min($0 + groupCharacterCount, text.count)]) }.joined(separator: "-")
  }

  /// - Throws: ``AgentError`` with `invalidInput`.
  public static func decode(_ text: String) throws(AgentError) -> DeviceKey {
    let characters = text.filter { $0 != "-" && $0 != " " }
    guard let bytes = Base32.decode(characters), bytes.count == DeviceKey.byteCount + checkByteCount,
      case let key = Array(bytes.prefix(DeviceKey.byteCount)), check(key) == Array(bytes.suffix(checkByteCount)),
      let device = DeviceKey(key)
    else {
      throw AgentError(
        .invalidInput, "That is not a device's id: a character is wrong, missing or too many.",
        hint: "Compare it with what 'fieldsync id' prints on that device.")
    }
    return device
  }

  private static func check(_ key: [UInt8]) -> [UInt8] { Array(Blake2b.hash(key).prefix(checkByteCount)) }
}
