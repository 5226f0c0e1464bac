import CDBus

/// Writes values into a libdbus message. Checks everything that libdbus would stop the process for.
struct MessageEncoder {
  /// How deep containers may nest: the protocol's 32 arrays and 32 structures, and variants.
  static let maximumDepth = 64

  private let byteLimit: Int
  private var byteCount = 0

  init(byteLimit: Int) {
    self.byteLimit = byteLimit
  }

  mutating func append(_ arguments: [DBusValue], to message: OpaquePointer) throws(DBusError) {
    guard DBusSignature(DBusValue.signatureText(of: arguments)) != nil else {
      throw DBusError(.invalidMessage, "the arguments have no valid signature")
    }
    var iterator = DBusMessageIter()
    dbus_message_iter_init_append(message, &iterator)
    for argument in arguments {
      try append(argument, to: &iterator, depth: 0)
    }
  }

  private mutating func append(
    _ value: DBusValue, to iterator: inout DBusMessageIter, depth: Int
  ) throws(DBusError) {
    switch value {
    case .byte(let value): try appendFixed(value, "y", to: &iterator)
    case .boolean(let value): try appendFixed(dbus_bool_t(value ? 1 : 0), "b", to: &iterator)
    case .int16(let value): try appendFixed(value, "n", to: &iterator)
    case .uint16(let value): try appendFixed(value, "q", to: &iterator)
    case .int32(let value): try appendFixed(value, "i", to: &iterator)
    case .uint32(let value): try appendFixed(value, "u", to: &iterator)
    case .int64(let value): try appendFixed(value, "x", to: &iterator)
    case .uint64(let value): try appendFixed(value, "t", to: &iterator)
    case .double(let value): try appendFixed(value, "d", to: &iterator)
    case .string(let value): try append(value, "s", to: &iterator)
    case .objectPath(let value): try append(value.text, "o", to: &iterator)
    case .signature(let value): try append(value.text, "g", to: &iterator)
    case .fileDescriptor(let value):
      try appendDescriptor(value, to: &iterator)
    case .variant(let inner):
      guard inner.type.isCompleteType else {
        throw DBusError(.invalidMessage, "a variant of no valid type")
      }
      try appendContainer("v", inner.type.text, to: &iterator, depth) { encoder, contents throws(DBusError) in
        try encoder.append(inner, to: &contents, depth: depth + 1)
      }
    case .bytes(let bytes):
      try count(bytes.count + 4)
      try appendContainer("a", "y", to: &iterator, depth) { _, contents throws(DBusError) in
        let isAppended = bytes.withUnsafeBufferPointer { buffer in
          var base = buffer.baseAddress
          return buffer.isEmpty
            || dbus_message_iter_append_fixed_array(&contents, Self.code("y"), &base, Int32(buffer.count)) != 0
        }
        guard isAppended else { throw Message.outOfMemory }
      }
    case .array(let elements, let type):
      guard type.isCompleteType, elements.allSatisfy({ $0.type == type }) else {
        throw DBusError(.invalidMessage, "an array element of another type")
      }
      try appendContainer("a", type.text, to: &iterator, depth) { encoder, contents throws(DBusError) in
        for element in elements {
          try encoder.append(element, to: &contents, depth: depth + 1)
        }
      }
    case .dictionary(let entries, let key, let value):
      try append(entries, key, value, to: &iterator, depth)
    case .structure(let fields):
      guard !fields.isEmpty else { throw DBusError(.invalidMessage, "an empty structure") }
      try appendContainer("r", nil, to: &iterator, depth) { encoder, contents throws(DBusError) in
        for field in fields {
          try encoder.append(field, to: &contents, depth: depth + 1)
        }
      }
    }
  }

  private mutating func append(
    _ entries: [DBusEntry], _ key: DBusSignature, _ value: DBusSignature, to iterator: inout DBusMessageIter,
    _ depth: Int
  ) throws(DBusError) {
    guard key.isBasicType, value.isCompleteType,
      entries.allSatisfy({ $0.key.type == key && $0.value.type == value })
    else { throw DBusError(.invalidMessage, "a dictionary entry of another type") }
    try appendContainer("a", "{\(key)\(value)}", to: &iterator, depth) { encoder, contents throws(DBusError) in
      for entry in entries {
        try encoder.appendContainer("e", nil, to: &contents, depth + 1) { encoder, pair throws(DBusError) in
          try encoder.append(entry.key, to: &pair, depth: depth + 2)
          try encoder.append(entry.value, to: &pair, depth: depth + 2)
        }
      }
    }
  }

  private mutating func appendContainer(
    _ type: Unicode.Scalar, _ contents: String?, to iterator: inout DBusMessageIter, _ depth: Int,
    _ body: (inout MessageEncoder, inout DBusMessageIter) throws(DBusError) -> Void
  ) throws(DBusError) {
    guard depth < Self.maximumDepth else { throw DBusError(.invalidMessage, "nested too deeply") }
    try count(8)
    var inner = DBusMessageIter()
    guard dbus_message_iter_open_container(&iterator, Self.code(type), contents, &inner) != 0 else {
      throw Message.outOfMemory
    }
    do {
      try body(&self, &inner)
    } catch {
      dbus_message_iter_abandon_container(&iterator, &inner)
      throw error
    }
    guard dbus_message_iter_close_container(&iterator, &inner) != 0 else { throw Message.outOfMemory }
  }

  private mutating func appendFixed<Value: BitwiseCopyable>(
    _ value: Value, _ type: Unicode.Scalar, to iterator: inout DBusMessageIter
  ) throws(DBusError) {
    try count(MemoryLayout<Value>.size)
    var value = value
    guard dbus_message_iter_append_basic(&iterator, Self.code(type), &value) != 0 else { throw Message.outOfMemory }
  }

  private mutating func append(
    _ text: String, _ type: Unicode.Scalar, to iterator: inout DBusMessageIter
  ) throws(DBusError) {
    guard !text.utf8.contains(0) else { throw DBusError(.invalidMessage, "a string with a zero byte") }
    try count(text.utf8.count + 5)
    let isAppended = text.withCString { text in
      var text: UnsafePointer<CChar>? = text
      return dbus_message_iter_append_basic(&iterator, Self.code(type), &text) != 0
    }
    guard isAppended else { throw Message.outOfMemory }
  }

  private mutating func appendDescriptor(
    _ descriptor: FileDescriptor, to iterator: inout DBusMessageIter
  ) throws(DBusError) {
    try count(4)
    let isAppended = descriptor.withRawValue { raw in
      var raw = raw
      return dbus_message_iter_append_basic(&iterator, Self.code("h"), &raw) != 0
    }
    switch isAppended {
    case true?: return
    case false?: throw DBusError(.limitExceeded, "cannot duplicate a file descriptor")
    case nil: throw DBusError(.invalidMessage, "a file descriptor that is closed")
    }
  }

  private mutating func count(_ bytes: Int) throws(DBusError) {
    byteCount += bytes
    guard byteCount <= byteLimit else { throw DBusError(.limitExceeded, "the message is too large") }
  }

  private static func code(_ type: Unicode.Scalar) -> Int32 { Int32(type.value) }
}
