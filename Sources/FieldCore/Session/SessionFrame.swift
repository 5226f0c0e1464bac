import FieldWire

/// What a session's packets are made of. A packet, one Noise transport message, is one or more frames:
///
/// | type (u8) | frame | then |
/// | --- | --- | --- |
/// | 0 | data | stream (varint), length (varint), that many bytes of the stream |
/// | 1 | data, last of the stream in this direction | the same |
/// | 2 | credit | stream (varint), bytes (varint) that the receiver of this frame may send more |
/// | 3 | reset | stream (varint), code (varint) |
/// | 4 | close | code (varint): the session ends |
/// | 5 | ping | 8 bytes |
/// | 6 | pong | the ping's 8 bytes |
/// | 7 | data, last of a stream that takes no answer: it is over in both directions | as for 0 |
enum SessionFrame: Hashable, Sendable {
  case data(StreamID, ArraySlice<UInt8>, DataEnd)
  case credit(StreamID, byteCount: Int)
  case reset(StreamID, ResetCode)
  case close(CloseCode)
  case ping(UInt64)
  case pong(UInt64)

  enum DataEnd: UInt8, Sendable {
    /// More of the stream follows.
    case none = 0
    /// The sender sends no more on the stream.
    case direction = 1
    /// The stream is over; nobody answers.
    case stream = 7
  }

  /// The most that a data frame costs beside its bytes: type, stream, length.
  static let dataOverheadByteCount = 1 + 8 + 4

  func encode(into writer: inout WireWriter) {
    switch self {
    case .data(let stream, let bytes, let end):
      writer.u8(end.rawValue)
      writer.varint(stream.rawValue)
      writer.count(bytes.count)
      writer.raw(bytes)
    case .credit(let stream, let byteCount):
      writer.u8(2)
      writer.varint(stream.rawValue)
      writer.count(byteCount)
    case .reset(let stream, let code):
      writer.u8(3)
      writer.varint(stream.rawValue)
      writer.varint(code.rawValue)
    case .close(let code):
      writer.u8(4)
      writer.varint(code.rawValue)
    case .ping(let token):
      writer.u8(5)
      writer.u64(token)
    case .pong(let token):
      writer.u8(6)
      writer.u64(token)
    }
  }

  init(from reader: inout WireReader) throws(WireError) {
    let type = try reader.u8()
    if let end = DataEnd(rawValue: type) {
      let stream = StreamID(try reader.varint())
      self = .data(stream, try reader.lengthPrefixed(limit: Int(UInt16.max))[...], end)
      return
    }
    switch type {
    case 2:
      self = .credit(StreamID(try reader.varint()), byteCount: try reader.count(limit: SessionLimits.inboundByteCount))
    case 3: self = .reset(StreamID(try reader.varint()), ResetCode(rawValue: try reader.varint()))
    case 4: self = .close(CloseCode(rawValue: try reader.varint()))
    case 5: self = .ping(try reader.u64())
    case 6: self = .pong(try reader.u64())
    default: throw WireError(.unknownMandatory, "an unknown frame type")
    }
  }
}

/// Why a stream was ended early. Unknown codes read as `failed`.
public struct ResetCode: Hashable, Sendable {
  public let rawValue: UInt64

  /// The request cannot be answered now.
  public static let failed = ResetCode(rawValue: 1)
  /// The asker no longer wants the answer.
  public static let cancelled = ResetCode(rawValue: 2)
  /// The request is of a kind that this side does not answer, or not for this peer.
  public static let refused = ResetCode(rawValue: 3)
  /// Too many streams at once; ask again when one has ended.
  public static let busy = ResetCode(rawValue: 4)
}

/// Why a session was ended. Unknown codes read as `protocolViolation`.
public struct CloseCode: Hashable, Sendable {
  public let rawValue: UInt64

  /// Nothing is left to do.
  public static let done = CloseCode(rawValue: 0)
  public static let protocolViolation = CloseCode(rawValue: 1)
  /// This device may not sync here. Why is not said.
  public static let refused = CloseCode(rawValue: 2)
  public static let incompatible = CloseCode(rawValue: 3)
  /// Another connection between the same two devices serves better.
  public static let replaced = CloseCode(rawValue: 4)
  public static let shuttingDown = CloseCode(rawValue: 5)
}
