import FieldWire
import Testing

@testable import FieldBluetooth

@Suite struct CodecTests {
  private let nonce: [UInt8] = [0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7]

  @Test func informationHasItsDocumentedBytes() throws {
    let granted = ServiceInformation(
      capabilities: .channel, psm: 0x00C3, slot: .granted(2), maximumFrameByteCount: 495, nonce: nonce)
    let bytes: [UInt8] = [1, 1, 0x00, 0xC3, 2, 0, 0x01, 0xEF] + nonce
    #expect(granted.encoded() == bytes)
    #expect(try ServiceInformation(decoding: bytes) == granted)

    let busy = ServiceInformation(slot: .busy(retrySeconds: 7), maximumFrameByteCount: 20, nonce: nonce)
    #expect(busy.encoded() == [1, 0, 0, 0, 0xFF, 7, 0, 20] + nonce)
    #expect(try ServiceInformation(decoding: busy.encoded()) == busy)
  }

  @Test func informationOfLaterVersionsMayBeLonger() throws {
    let information = ServiceInformation(slot: .granted(0), maximumFrameByteCount: 244, nonce: nonce)
    #expect(try ServiceInformation(decoding: information.encoded() + Array(repeating: 9, count: 16)) == information)
    #expect(throws: WireError(.limitExceeded, "")) {
      try ServiceInformation(decoding: information.encoded() + Array(repeating: 9, count: 17))
    }
  }

  @Test(arguments: [
    (0, 2, WireError.Code.unknownMandatory),
    (4, 3, .invalidValue),
    (6, 0xFF, .invalidValue),
    (7, 19, .invalidValue),
  ])
  func informationWithBadFieldsIsRefused(offset: Int, value: UInt8, code: WireError.Code) {
    var bytes = ServiceInformation(slot: .granted(0), maximumFrameByteCount: 20, nonce: nonce).encoded()
    bytes[offset] = value
    #expect(throws: WireError(code, "")) { try ServiceInformation(decoding: bytes) }
  }

  @Test func cutInformationIsRefused() {
    let bytes = ServiceInformation(slot: .granted(0), maximumFrameByteCount: 20, nonce: nonce).encoded()
    for count in 0..<bytes.count {
      #expect(throws: WireError(.truncated, "")) { try ServiceInformation(decoding: Array(bytes.prefix(count))) }
    }
  }

  @Test func controlMessagesHaveTheirDocumentedBytes() throws {
    #expect(ControlMessage(.hello, nonce: nonce).encoded() == [1, 1] + nonce)
    #expect(ControlMessage(.bye, nonce: nonce).encoded() == [2, 1] + nonce)
    #expect(try ControlMessage(decoding: [2, 1] + nonce + [0, 0]) == ControlMessage(.bye, nonce: nonce))
  }

  @Test(arguments: [
    ([], WireError.Code.truncated),
    ([1, 1, 0, 0, 0, 0, 0, 0, 0], .truncated),
    ([3, 1, 0, 0, 0, 0, 0, 0, 0, 0], .unknownMandatory),
    ([1, 2, 0, 0, 0, 0, 0, 0, 0, 0], .unknownMandatory),
    (Array(repeating: 1, count: 33), .limitExceeded),
  ])
  func badControlMessagesAreRefused(bytes: [UInt8], code: WireError.Code) {
    #expect(throws: WireError(code, "")) { try ControlMessage(decoding: bytes) }
  }

  @Test func framesFitTheMTU() {
    #expect(FieldService.frameByteCount(mtu: 23) == 20)
    #expect(FieldService.frameByteCount(mtu: 247) == 242)
    #expect(FieldService.frameByteCount(mtu: 498) == 493)
    #expect(FieldService.frameByteCount(mtu: 517) == 495)
  }

  @Test func announcementsAreTakenToTheirLength() {
    #expect(BluetoothConfiguration(announcement: [1, 2]).announcement == [1, 2, 0, 0])
    #expect(BluetoothConfiguration(announcement: Array(1...9)).announcement == [1, 2, 3, 4])
  }
}
