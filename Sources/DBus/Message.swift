import CDBus

/// One reference to a libdbus message.
struct Message: ~Copyable {
  enum Kind {
    case call
    case methodReturn
    case error
    case signal
  }

  let pointer: OpaquePointer

  /// Takes over the caller's reference.
  init(owning pointer: OpaquePointer) {
    self.pointer = pointer
  }

  deinit { dbus_message_unref(pointer) }

  // MARK: Building

  static func call(_ call: MethodCall, _ limits: ConnectionLimits) throws(DBusError) -> Message {
    try check(call.interface, dbus_validate_interface, "interface")
    try check(call.member, dbus_validate_member, "member")
    try check(call.destination, dbus_validate_bus_name, "bus name")
    let message = Message(
      owning: try allocated(
        dbus_message_new_method_call(call.destination, call.path.text, call.interface, call.member)))
    try message.append(call.arguments, limits)
    return message
  }

  static func signal(_ signal: DBusSignal, _ limits: ConnectionLimits) throws(DBusError) -> Message {
    try check(signal.interface, dbus_validate_interface, "interface")
    try check(signal.member, dbus_validate_member, "member")
    let message = Message(
      owning: try allocated(dbus_message_new_signal(signal.path.text, signal.interface, signal.member)))
    try message.append(signal.arguments, limits)
    return message
  }

  static func reply(
    _ reply: [DBusValue], to address: ReplyAddress, _ limits: ConnectionLimits
  ) throws(DBusError) -> Message {
    let message = Message(owning: try allocated(dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN)))
    try message.direct(to: address)
    try message.append(reply, limits)
    return message
  }

  static func error(
    _ error: DBusError, to address: ReplyAddress, _ limits: ConnectionLimits
  ) throws(DBusError) -> Message {
    let message = Message(owning: try allocated(dbus_message_new(DBUS_MESSAGE_TYPE_ERROR)))
    try message.direct(to: address)
    let name = error.name.flatMap { isValid($0, dbus_validate_error_name) ? $0 : nil } ?? DBusErrorName.failed
    guard dbus_message_set_error_name(message.pointer, name) != 0 else { throw outOfMemory }
    let reason = String(decoding: error.reason.utf8.filter { $0 != 0 }, as: UTF8.self)
    try message.append([.string(reason)], limits)
    return message
  }

  private func direct(to address: ReplyAddress) throws(DBusError) {
    guard dbus_message_set_reply_serial(pointer, address.serial) != 0,
      dbus_message_set_destination(pointer, address.sender) != 0
    else { throw Message.outOfMemory }
    dbus_message_set_no_reply(pointer, 1)
  }

  private func append(_ arguments: [DBusValue], _ limits: ConnectionLimits) throws(DBusError) {
    var encoder = MessageEncoder(byteLimit: limits.messageByteCount)
    try encoder.append(arguments, to: pointer)
  }

  private typealias Validator =
    (UnsafePointer<CChar>?, UnsafeMutablePointer<CDBus.DBusError>?) -> dbus_bool_t

  /// libdbus stops the process for a name that is not valid.
  private static func check(_ name: String, _ validate: Validator, _ what: String) throws(DBusError) {
    guard isValid(name, validate) else { throw DBusError(.invalidMessage, "not a valid \(what)") }
  }

  private static func isValid(_ name: String, _ validate: Validator) -> Bool {
    !name.utf8.contains(0) && validate(name, nil) != 0
  }

  private static func allocated(_ pointer: OpaquePointer?) throws(DBusError) -> OpaquePointer {
    guard let pointer else { throw outOfMemory }
    return pointer
  }

  static let outOfMemory = DBusError(.limitExceeded, "out of memory")

  // MARK: Reading

  /// Nil for kinds that the protocol may get one day.
  var kind: Kind? {
    switch dbus_message_get_type(pointer) {
    case DBUS_MESSAGE_TYPE_METHOD_CALL: .call
    case DBUS_MESSAGE_TYPE_METHOD_RETURN: .methodReturn
    case DBUS_MESSAGE_TYPE_ERROR: .error
    case DBUS_MESSAGE_TYPE_SIGNAL: .signal
    default: nil
    }
  }

  var serial: UInt32 { dbus_message_get_serial(pointer) }
  var replySerial: UInt32 { dbus_message_get_reply_serial(pointer) }
  var wantsReply: Bool { dbus_message_get_no_reply(pointer) == 0 }
  var sender: String? { dbus_message_get_sender(pointer).map { String(cString: $0) } }
  var path: String? { dbus_message_get_path(pointer).map { String(cString: $0) } }
  var interface: String? { dbus_message_get_interface(pointer).map { String(cString: $0) } }
  var member: String? { dbus_message_get_member(pointer).map { String(cString: $0) } }
  var errorName: String? { dbus_message_get_error_name(pointer).map { String(cString: $0) } }
  var signatureText: String { dbus_message_get_signature(pointer).map { String(cString: $0) } ?? "" }

  func arguments(_ limits: ConnectionLimits) throws(DBusError) -> [DBusValue] {
    var decoder = MessageDecoder(valueLimit: limits.valuesPerMessage)
    return try decoder.arguments(of: pointer)
  }
}

/// Where the answer to a received call goes.
struct ReplyAddress: Sendable {
  let sender: String?
  let serial: UInt32
  let isWanted: Bool
}
