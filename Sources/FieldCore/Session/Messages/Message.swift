public import FieldWire

/// A message as it stands on a stream: its type, and the body that the type's own decoder reads.
public struct Message: Hashable, Sendable {
  public var type: MessageType
  public var body: [UInt8]

  public init(_ type: MessageType, body: [UInt8] = []) {
    self.type = type
    self.body = body
  }

  public init<Body: MessageBody>(_ body: Body) {
    var writer = WireWriter()
    body.encode(into: &writer)
    self.init(Body.type, body: writer.bytes)
  }

  /// - Throws: ``WireError``: `unknownMandatory` for a type that is not known here.
  init(decoding bytes: [UInt8]) throws(WireError) {
    var reader = WireReader(bytes)
    guard let type = MessageType(rawValue: try reader.varint()) else {
      throw WireError(.unknownMandatory, "a message type that is not known here")
    }
    self.init(type, body: reader.rest())
  }

  /// Length, type and body.
  public var framed: [UInt8] {
    var type = WireWriter(capacity: 2)
    type.varint(self.type.rawValue)
    var writer = WireWriter(capacity: body.count + 8)
    writer.count(type.bytes.count + body.count)
    writer.raw(type.bytes)
    writer.raw(body)
    return writer.bytes
  }

  /// The body as `Body`, which has to be the message's type and to fill it.
  public func decode<Body: MessageBody>(_ kind: Body.Type = Body.self) throws(WireError) -> Body {
    guard type == Body.type else { throw WireError(.invalidValue, "a \(type) message where a \(Body.type) belongs") }
    var reader = WireReader(body)
    let value = try Body(from: &reader)
    try MessageExtensions.read(from: &reader)
    return value
  }
}

/// A kind of message: how its body is written and read. What follows the body is ``MessageExtensions``.
public protocol MessageBody: Sendable {
  static var type: MessageType { get }
  func encode(into writer: inout WireWriter)
  init(from reader: inout WireReader) throws(WireError)
}
