import FieldWire

/// The value of INFO: what a central learns before it opens a link, and the slot that it is to use.
///
/// ```
/// offset  width  field, integers big-endian
/// 0       1      protocol version, 1
/// 1       1      capabilities: 0x01 L2CAP channel; other bits are zero and ignored
/// 2       2      PSM of the L2CAP channel; 0 when there is none
/// 4       1      slot of the reader, 0 to 2; 0xFF when all slots are taken
/// 5       1      when all slots are taken, seconds after which to try again; otherwise 0
/// 6       2      largest frame that the slot takes, 20 to 495 bytes
/// 8       8      nonce, to be named in HELLO and BYE
/// ```
///
/// Later versions of the protocol may append fields, up to ``maximumByteCount`` in all; a reader ignores what it does
/// not know. The slot is held for the reader for ``SlotTable/openDeadline``.
struct ServiceInformation: Hashable, Sendable {
  static let protocolVersion: UInt8 = 1
  static let byteCount = 16
  static let maximumByteCount = 32
  static let nonceByteCount = 8
  private static let noSlot: UInt8 = 0xFF

  struct Capabilities: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// ``ServiceInformation/psm`` takes L2CAP connection-oriented channels.
    static let channel = Capabilities(rawValue: 0x01)
  }

  /// `psm` if it is one that a channel may be opened to, not a service of somebody else's.
  static func dynamicPSM(_ psm: UInt16) -> UInt16? { (0x80...0xFF).contains(psm) ? psm : nil }

  enum Slot: Hashable, Sendable {
    case granted(Int)
    /// All are taken.
    case busy(retrySeconds: UInt8)
  }

  var version: UInt8
  var capabilities: Capabilities
  var psm: UInt16
  var slot: Slot
  var maximumFrameByteCount: Int
  var nonce: [UInt8]

  init(
    version: UInt8 = protocolVersion, capabilities: Capabilities = [], psm: UInt16 = 0, slot: Slot,
    maximumFrameByteCount: Int, nonce: [UInt8]
  ) {
    self.version = version
    self.capabilities = capabilities
    self.psm = psm
    self.slot = slot
    self.maximumFrameByteCount = maximumFrameByteCount
    self.nonce = nonce
  }

  func encoded() -> [UInt8] {
    var writer = WireWriter(capacity: Self.byteCount)
    writer.u8(version)
    writer.u8(capabilities.rawValue)
    writer.u16(psm)
    switch slot {
    case .granted(let index):
      writer.u8(UInt8(clamping: index))
      writer.u8(0)
    case .busy(let retrySeconds):
      writer.u8(Self.noSlot)
      writer.u8(retrySeconds)
    }
    writer.u16(UInt16(clamping: maximumFrameByteCount))
    writer.raw(nonce)
    return writer.bytes
  }

  /// - Throws: ``WireError``: `unknownMandatory` for another version of the protocol, which may have other fields.
  init(decoding bytes: [UInt8]) throws(WireError) {
    guard bytes.count <= Self.maximumByteCount else {
      throw WireError(.limitExceeded, "INFO of \(bytes.count) bytes")
    }
    var reader = WireReader(bytes)
    version = try reader.u8()
    guard version == Self.protocolVersion else {
      throw WireError(.unknownMandatory, "the peer speaks version \(version) of the Bluetooth protocol")
    }
    capabilities = Capabilities(rawValue: try reader.u8())
    psm = try reader.u16()
    let index = try reader.u8()
    let retrySeconds = try reader.u8()
    if index == Self.noSlot {
      slot = .busy(retrySeconds: retrySeconds)
    } else {
      guard Int(index) < FieldService.slotCount else { throw WireError(.invalidValue, "slot \(index) in INFO") }
      slot = .granted(Int(index))
    }
    maximumFrameByteCount = Int(try reader.u16())
    guard (LinkFrame.smallestLinkByteCount...FieldService.frameByteLimit).contains(maximumFrameByteCount) else {
      throw WireError(.invalidValue, "frames of \(maximumFrameByteCount) bytes in INFO")
    }
    nonce = Array(try reader.raw(Self.nonceByteCount))
  }
}
