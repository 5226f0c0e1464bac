extension DBusValue {
  /// What is inside of all variants around it.
  public var unwrapped: DBusValue {
    var value = self
    while case .variant(let inner) = value { value = inner }
    return value
  }

  public var asByte: UInt8? { if case .byte(let value) = unwrapped { value } else { nil } }
  public var asBool: Bool? { if case .boolean(let value) = unwrapped { value } else { nil } }
  public var asInt16: Int16? { if case .int16(let value) = unwrapped { value } else { nil } }
  public var asUInt16: UInt16? { if case .uint16(let value) = unwrapped { value } else { nil } }
  public var asInt32: Int32? { if case .int32(let value) = unwrapped { value } else { nil } }
  public var asUInt32: UInt32? { if case .uint32(let value) = unwrapped { value } else { nil } }
  public var asInt64: Int64? { if case .int64(let value) = unwrapped { value } else { nil } }
  public var asUInt64: UInt64? { if case .uint64(let value) = unwrapped { value } else { nil } }
  public var asDouble: Double? { if case .double(let value) = unwrapped { value } else { nil } }
  public var asString: String? { if case .string(let value) = unwrapped { value } else { nil } }
  public var asObjectPath: ObjectPath? { if case .objectPath(let value) = unwrapped { value } else { nil } }
  public var asSignature: DBusSignature? { if case .signature(let value) = unwrapped { value } else { nil } }
  public var asFileDescriptor: FileDescriptor? { if case .fileDescriptor(let value) = unwrapped { value } else { nil } }
  public var asBytes: [UInt8]? { if case .bytes(let value) = unwrapped { value } else { nil } }
  public var asArray: [DBusValue]? { if case .array(let value, _) = unwrapped { value } else { nil } }
  public var asEntries: [DBusEntry]? { if case .dictionary(let value, _, _) = unwrapped { value } else { nil } }
  public var asStructure: [DBusValue]? { if case .structure(let value) = unwrapped { value } else { nil } }

  /// The elements of an array of strings.
  public var asStrings: [String]? {
    guard case .array(let elements, of: "s") = unwrapped else { return nil }
    return elements.compactMap(\.asString)
  }

  /// A dictionary from strings to anything, values out of their variants. Of a key sent twice the last one stays.
  public var asProperties: [String: DBusValue]? {
    guard case .dictionary(let entries, key: "s", _) = unwrapped else { return nil }
    var properties: [String: DBusValue] = [:]
    for entry in entries {
      guard let key = entry.key.asString else { continue }
      properties[key] = entry.value.unwrapped
    }
    return properties
  }
}
