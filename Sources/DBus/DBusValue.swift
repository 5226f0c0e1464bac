/// A value of any D-Bus type.
///
/// What a peer sends is looked at through the `as…` accessors: they see through variants and are nil when the value
/// is of another type.
public enum DBusValue: Equatable, Sendable {
  case byte(UInt8)
  case boolean(Bool)
  case int16(Int16)
  case uint16(UInt16)
  case int32(Int32)
  case uint32(UInt32)
  case int64(Int64)
  case uint64(UInt64)
  case double(Double)
  case string(String)
  case objectPath(ObjectPath)
  case signature(DBusSignature)
  case fileDescriptor(FileDescriptor)
  indirect case variant(DBusValue)
  /// An array of bytes; received ones are always this, never `array`.
  case bytes([UInt8])
  case array([DBusValue], of: DBusSignature)
  case dictionary([DBusEntry], key: DBusSignature, value: DBusSignature)
  case structure([DBusValue])
}

/// One entry of a dictionary. A peer may send a key twice.
public struct DBusEntry: Equatable, Sendable {
  public let key: DBusValue
  public let value: DBusValue

  public init(_ key: DBusValue, _ value: DBusValue) {
    self.key = key
    self.value = value
  }
}

extension DBusValue {
  /// An array of strings.
  public static func strings(_ strings: some Sequence<String>) -> DBusValue {
    .array(strings.map { .string($0) }, of: "s")
  }

  /// A dictionary from strings to variants, in the order of its keys.
  public static func properties(_ properties: [String: DBusValue]) -> DBusValue {
    .dictionary(
      properties.sorted { $0.key < $1.key }.map { DBusEntry(.string($0.key), .variant($0.value)) },
      key: "s", value: "v")
  }

  /// The complete type that this value is of.
  public var type: DBusSignature { DBusSignature(unchecked: typeText) }

  private var typeText: String {
    switch self {
    case .byte: "y"
    case .boolean: "b"
    case .int16: "n"
    case .uint16: "q"
    case .int32: "i"
    case .uint32: "u"
    case .int64: "x"
    case .uint64: "t"
    case .double: "d"
    case .string: "s"
    case .objectPath: "o"
    case .signature: "g"
    case .fileDescriptor: "h"
    case .variant: "v"
    case .bytes: "ay"
    case .array(_, let element): "a" + element.text
    case .dictionary(_, let key, let value): "a{" + key.text + value.text + "}"
    case .structure(let fields): "(" + fields.map(\.typeText).joined() + ")"
    }
  }

  /// The signature of a message body with these arguments.
  static func signatureText(of arguments: [DBusValue]) -> String {
    arguments.map(\.typeText).joined()
  }
}
