import CDBus

/// Reads the values of a message that libdbus has validated.
struct MessageDecoder {
  /// `DBUS_TYPE_INVALID`, which does not import.
  private static let endOfValues: Int32 = 0

  private let valueLimit: Int
  private var valueCount = 0

  init(valueLimit: Int) {
    self.valueLimit = valueLimit
  }

  mutating func arguments(of message: OpaquePointer) throws(DBusError) -> [DBusValue] {
    var iterator = DBusMessageIter()
    guard dbus_message_iter_init(message, &iterator) != 0 else { return [] }
    return try values(&iterator)
  }

  /// All values that are left at this level.
  private mutating func values(_ iterator: inout DBusMessageIter) throws(DBusError) -> [DBusValue] {
    var values: [DBusValue] = []
    while dbus_message_iter_get_arg_type(&iterator) != Self.endOfValues {
      values.append(try value(&iterator))
      dbus_message_iter_next(&iterator)
    }
    return values
  }

  private mutating func value(_ iterator: inout DBusMessageIter) throws(DBusError) -> DBusValue {
    valueCount += 1
    guard valueCount <= valueLimit else { throw DBusError(.limitExceeded, "too many values in a message") }
    switch UInt8(truncatingIfNeeded: dbus_message_iter_get_arg_type(&iterator)) {
    case UInt8(ascii: "y"): return .byte(basic(&iterator, 0))
    case UInt8(ascii: "b"): return .boolean(basic(&iterator, dbus_bool_t(0)) != 0)
    case UInt8(ascii: "n"): return .int16(basic(&iterator, 0))
    case UInt8(ascii: "q"): return .uint16(basic(&iterator, 0))
    case UInt8(ascii: "i"): return .int32(basic(&iterator, 0))
    case UInt8(ascii: "u"): return .uint32(basic(&iterator, 0))
    case UInt8(ascii: "x"): return .int64(basic(&iterator, 0))
    case UInt8(ascii: "t"): return .uint64(basic(&iterator, 0))
    case UInt8(ascii: "d"): return .double(basic(&iterator, 0))
    case UInt8(ascii: "s"): return .string(text(&iterator))
    case UInt8(ascii: "o"): return .objectPath(ObjectPath(unchecked: text(&iterator)))
    case UInt8(ascii: "g"): return .signature(DBusSignature(unchecked: text(&iterator)))
    case UInt8(ascii: "h"):
      let descriptor = basic(&iterator, Int32(-1))
      guard descriptor >= 0 else { throw DBusError(.limitExceeded, "cannot duplicate a file descriptor") }
      return .fileDescriptor(FileDescriptor(owning: descriptor))
    case UInt8(ascii: "v"):
      var inner = DBusMessageIter()
      dbus_message_iter_recurse(&iterator, &inner)
      return .variant(try value(&inner))
    case UInt8(ascii: "a"): return try array(&iterator)
    case UInt8(ascii: "r"):
      var fields = DBusMessageIter()
      dbus_message_iter_recurse(&iterator, &fields)
      return .structure(try values(&fields))
    default: throw DBusError(.unexpectedReply, "a value of an unknown type")
    }
  }

  private mutating func array(_ iterator: inout DBusMessageIter) throws(DBusError) -> DBusValue {
    let element = UInt8(truncatingIfNeeded: dbus_message_iter_get_element_type(&iterator))
    var elements = DBusMessageIter()
    if element == UInt8(ascii: "y") {
      dbus_message_iter_recurse(&iterator, &elements)
      var base: UnsafePointer<UInt8>?
      var count: Int32 = 0
      dbus_message_iter_get_fixed_array(&elements, &base, &count)
      return .bytes(Array(UnsafeBufferPointer(start: base, count: Int(count))))
    }
    guard let signature = dbus_message_iter_get_signature(&iterator) else { throw Message.outOfMemory }
    let type = String(cString: signature).dropFirst()
    dbus_free(signature)
    dbus_message_iter_recurse(&iterator, &elements)
    guard element == UInt8(ascii: "e") else {
      return .array(try values(&elements), of: DBusSignature(unchecked: String(type)))
    }
    var entries: [DBusEntry] = []
    while dbus_message_iter_get_arg_type(&elements) != Self.endOfValues {
      var pair = DBusMessageIter()
      dbus_message_iter_recurse(&elements, &pair)
      let key = try value(&pair)
      dbus_message_iter_next(&pair)
      entries.append(DBusEntry(key, try value(&pair)))
      dbus_message_iter_next(&elements)
    }
    // The element type is `{kv…}`: the key is one character.
    let keyAndValue = type.dropFirst().dropLast()
    return .dictionary(
      entries, key: DBusSignature(unchecked: String(keyAndValue.prefix(1))),
      value: DBusSignature(unchecked: String(keyAndValue.dropFirst())))
  }

  private func basic<Value: BitwiseCopyable>(_ iterator: inout DBusMessageIter, _ initial: Value) -> Value {
    var value = initial
    dbus_message_iter_get_basic(&iterator, &value)
    return value
  }

  private func text(_ iterator: inout DBusMessageIter) -> String {
    var text: UnsafePointer<CChar>?
    dbus_message_iter_get_basic(&iterator, &text)
    return text.map { String(cString: $0) } ?? ""
  }
}
