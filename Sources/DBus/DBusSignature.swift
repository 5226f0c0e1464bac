/// A valid D-Bus type signature: a sequence of complete types, such as `sa{sv}`.
public struct DBusSignature: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// The longest signature that the protocol allows.
  static let maximumByteCount = 255
  /// How deep arrays, and likewise structures, may nest.
  static let maximumDepth = 32

  public let text: String

  /// Nil when `text` is not a signature (D-Bus specification, "Type System").
  public init?(_ text: String) {
    guard DBusSignature.completeTypes(of: Array(text.utf8)) != nil else { return nil }
    self.text = text
  }

  /// For signatures written in the program; an invalid one is a mistake in the program and stops it.
  public init(stringLiteral text: String) {
    precondition(DBusSignature.completeTypes(of: Array(text.utf8)) != nil, "not a signature")
    self.text = text
  }

  /// What libdbus, or the type of a value, has established already.
  init(unchecked text: String) {
    self.text = text
  }

  /// The complete types that the signature is a sequence of.
  public var completeTypes: [DBusSignature] {
    DBusSignature.completeTypes(of: Array(text.utf8)) ?? []
  }

  var isCompleteType: Bool { completeTypes.count == 1 }

  var isBasicType: Bool {
    text.utf8.count == 1 && text.utf8.allSatisfy(DBusSignature.isBasic)
  }

  public var description: String { text }

  private static func completeTypes(of bytes: [UInt8]) -> [DBusSignature]? {
    guard bytes.count <= maximumByteCount else { return nil }
    var types: [DBusSignature] = []
    var index = 0
    while index < bytes.count {
      guard let end = endOfType(bytes, index, arrays: 0, structures: 0) else { return nil }
      types.append(DBusSignature(unchecked: String(decoding: bytes[index..<end], as: UTF8.self)))
      index = end
    }
    return types
  }

  /// The index after the complete type that starts at `start`; nil when there is none.
  private static func endOfType(_ bytes: [UInt8], _ start: Int, arrays: Int, structures: Int) -> Int? {
    guard start < bytes.count, arrays <= maximumDepth, structures <= maximumDepth else { return nil }
    switch bytes[start] {
    case UInt8(ascii: "v"): return start + 1
    case UInt8(ascii: "a"):
      let element = start + 1
      guard element < bytes.count, bytes[element] == UInt8(ascii: "{") else {
        return endOfType(bytes, element, arrays: arrays + 1, structures: structures)
      }
      guard element + 1 < bytes.count, isBasic(bytes[element + 1]),
        let end = endOfType(bytes, element + 2, arrays: arrays + 1, structures: structures + 1),
        end < bytes.count, bytes[end] == UInt8(ascii: "}")
      else { return nil }
      return end + 1
    case UInt8(ascii: "("):
      var index = start + 1
      repeat {
        guard let end = endOfType(bytes, index, arrays: arrays, structures: structures + 1), end < bytes.count else {
          return nil
        }
        index = end
      } while bytes[index] != UInt8(ascii: ")")
      return index + 1
    case let byte: return isBasic(byte) ? start + 1 : nil
    }
  }

  private static func isBasic(_ byte: UInt8) -> Bool {
    "ybnqiuxtdsogh".utf8.contains(byte)
  }
}
