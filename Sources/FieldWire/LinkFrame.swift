/// One datagram of a link that may lose, reorder, duplicate or mangle datagrams: Bluetooth GATT writes and
/// notifications, L2CAP packets, the simulated link. A datagram is exactly one frame; its length is the datagram's
/// length.
///
/// ```
/// offset  width  field
/// 0       1      format version (high 4 bits, 1) | type (low 4 bits): 1 OPEN, 2 OPEN_ACK, 3 DATA, 4 ACK, 5 CLOSE
/// 1       1      flags (high 4 bits): 0x80 FIRST, 0x40 LAST, 0x20 ACK_REQ, 0x10 RETX | stream (low 4 bits)
/// 2       2      session, big-endian
/// 4       2      sequence, big-endian
/// 6       n      body, by type
/// 6+n     4      CRC-32C of the n+6 bytes before it, big-endian
/// ```
///
/// | type | sequence | body |
/// |---|---|---|
/// | OPEN, OPEN_ACK | of the sender's first DATA frame | ``LinkParameters``, 9 bytes |
/// | DATA | its own, counted modulo 2^16 | a piece of a message, marked FIRST and LAST at its ends |
/// | ACK | the next one that is wanted | ``LinkAcknowledgement``, 10 bytes |
/// | CLOSE | the one after the sender's last DATA frame | ``LinkCloseReason``, 1 byte |
///
/// A frame is ``minimumByteCount`` to ``maximumByteCount`` bytes long, and every frame but DATA fits the smallest
/// datagram of Bluetooth, 20 bytes. The check sum finds accidents; authenticity is the business of the session above.
public struct LinkFrame: Hashable, Sendable {
  public static let formatVersion: UInt8 = 1
  public static let headerByteCount = 6
  /// Header and check sum: what a frame costs beside its body.
  public static let overheadByteCount = 10
  public static let minimumByteCount = overheadByteCount
  /// Eight L2CAP segments of 247 bytes less two bytes of length: a larger packet saves nothing.
  public static let maximumByteCount = 1974
  /// A GATT write at the smallest ATT MTU, 23.
  public static let smallestLinkByteCount = 20

  public struct Flags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue & 0xF0 }

    /// The body starts a message.
    public static let first = Flags(rawValue: 0x80)
    /// The body ends a message.
    public static let last = Flags(rawValue: 0x40)
    /// The sender waits for an ACK of this frame.
    public static let acknowledgementRequest = Flags(rawValue: 0x20)
    /// The frame was sent before.
    public static let retransmission = Flags(rawValue: 0x10)
  }

  public enum Body: Hashable, Sendable {
    case open(LinkParameters)
    case openAcknowledgement(LinkParameters)
    case data([UInt8])
    case acknowledgement(LinkAcknowledgement)
    case close(LinkCloseReason)

    fileprivate var type: UInt8 {
      switch self {
      case .open: 1
      case .openAcknowledgement: 2
      case .data: 3
      case .acknowledgement: 4
      case .close: 5
      }
    }
  }

  public var session: UInt16
  public var sequence: UInt16
  public var flags: Flags
  /// 0 to 15. Only 0 is used so far.
  public var stream: UInt8
  public var body: Body

  public init(session: UInt16, sequence: UInt16, flags: Flags = [], stream: UInt8 = 0, body: Body) {
    self.session = session
    self.sequence = sequence
    self.flags = flags
    self.stream = stream & 0x0F
    self.body = body
  }

  public func encoded() -> [UInt8] {
    var writer = WireWriter(capacity: Self.overheadByteCount + bodyByteCount)
    writer.u8(Self.formatVersion << 4 | body.type)
    writer.u8(flags.rawValue | stream)
    writer.u16(session)
    writer.u16(sequence)
    switch body {
    case .open(let parameters), .openAcknowledgement(let parameters): parameters.write(to: &writer)
    case .data(let bytes): writer.raw(bytes)
    case .acknowledgement(let acknowledgement): acknowledgement.write(to: &writer)
    case .close(let reason): writer.u8(reason.rawValue)
    }
    writer.u32(CRC32C.checksum(writer.bytes))
    return writer.bytes
  }

  /// - Throws: ``WireError`` for anything that ``encoded()`` would not have written, a wrong check sum first of all.
  public init(decoding bytes: [UInt8]) throws(WireError) {
    guard bytes.count >= Self.minimumByteCount else {
      throw WireError(.truncated, "a frame of \(bytes.count) bytes")
    }
    guard bytes.count <= Self.maximumByteCount else {
      throw WireError(.limitExceeded, "a frame of \(bytes.count) bytes")
    }
    let content = bytes.dropLast(4)
    var trailer = WireReader(bytes.suffix(4))
    guard try trailer.u32() == CRC32C.checksum(content) else {
      throw WireError(.invalidValue, "a frame's check sum is wrong")
    }
    var reader = WireReader(content)
    let versionAndType = try reader.u8()
    guard versionAndType >> 4 == Self.formatVersion else {
      throw WireError(.unknownMandatory, "frame format version \(versionAndType >> 4)")
    }
    let flagsAndStream = try reader.u8()
    flags = Flags(rawValue: flagsAndStream)
    stream = flagsAndStream & 0x0F
    session = try reader.u16()
    sequence = try reader.u16()
    switch versionAndType & 0x0F {
    case 1: body = .open(try LinkParameters(from: &reader))
    case 2: body = .openAcknowledgement(try LinkParameters(from: &reader))
    case 3: body = .data(reader.rest())
    case 4: body = .acknowledgement(try LinkAcknowledgement(from: &reader))
    case 5: body = .close(LinkCloseReason(rawValue: try reader.u8()))
    default: throw WireError(.unknownMandatory, "frame type \(versionAndType & 0x0F)")
    }
    try reader.expectEnd()
  }

  private var bodyByteCount: Int {
    switch body {
    case .open, .openAcknowledgement: LinkParameters.byteCount
    case .data(let bytes): bytes.count
    case .acknowledgement: LinkAcknowledgement.byteCount
    case .close: 1
    }
  }
}
