/// A valid D-Bus object path, such as `/org/example/device1`.
public struct ObjectPath: Hashable, Sendable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
  public static let root: ObjectPath = "/"

  public let text: String

  /// Nil when `text` is not an object path (D-Bus specification, "Valid Object Paths").
  public init?(_ text: String) {
    guard ObjectPath.isValid(text) else { return nil }
    self.text = text
  }

  /// For paths written in the program; an invalid one is a mistake in the program and stops it.
  public init(stringLiteral text: String) {
    precondition(ObjectPath.isValid(text), "not an object path")
    self.text = text
  }

  /// What libdbus has checked already.
  init(unchecked text: String) {
    self.text = text
  }

  private static func isValid(_ text: String) -> Bool {
    if text == "/" { return true }
    guard text.utf8.first == UInt8(ascii: "/") else { return false }
    return text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .allSatisfy { element in !element.isEmpty && element.allSatisfy(isElementByte) }
  }

  private static func isElementByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// The path one level down. Bytes that an element may not have become `_`.
  public func appending(_ element: String) -> ObjectPath {
    let bytes = element.isEmpty ? [UInt8(ascii: "_")] : Array(element.utf8)
    let valid = bytes.map { ObjectPath.isElementByte($0) ? $0 : UInt8(ascii: "_") }
    return ObjectPath(unchecked: (text == "/" ? "/" : text + "/") + String(decoding: valid, as: UTF8.self))
  }

  /// Whether this path is `ancestor` or lies below it.
  public func isWithin(_ ancestor: ObjectPath) -> Bool {
    ancestor.text == "/" || text == ancestor.text || text.hasPrefix(ancestor.text + "/")
  }

  /// The path one level up; nil at the root.
  public var parent: ObjectPath? {
    guard text != "/", let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
    return slash == text.startIndex ? .root : ObjectPath(unchecked: String(text[..<slash]))
  }

  /// The last element; empty at the root.
  public var lastElement: String {
    String(text.split(separator: "/").last ?? "")
  }

  public static func < (left: ObjectPath, right: ObjectPath) -> Bool { left.text < right.text }

  public var description: String { text }
}
