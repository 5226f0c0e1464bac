import BlueZ
import FieldCore
import Testing

@testable import FieldBluetooth

@Suite struct ChannelTests {
  @Test func advertisementsNameThePSM() throws {
    let advertisement = ServiceAdvertisement(psm: 0x81, announcement: [1, 2, 3, 4])
    #expect(advertisement.encoded() == [0x11, 0x81, 1, 2, 3, 4])
    #expect(ServiceAdvertisement(decoding: advertisement.encoded()) == advertisement)
    let without = ServiceAdvertisement(psm: nil, announcement: [1, 2, 3, 4])
    #expect(without.encoded() == [0x10, 0, 1, 2, 3, 4])
    #expect(ServiceAdvertisement(decoding: without.encoded()) == without)
  }

  @Test func advertisementsOfOthersAreNone() {
    #expect(ServiceAdvertisement(decoding: [0x11, 0x81, 1, 2, 3]) == nil)
    #expect(ServiceAdvertisement(decoding: [0x11, 0x81, 1, 2, 3, 4, 5]) == nil)
    #expect(ServiceAdvertisement(decoding: [0x21, 0x81, 1, 2, 3, 4]) == nil)
    #expect(ServiceAdvertisement(decoding: []) == nil)
    // Below are the PSMs of the Bluetooth SIG: nothing to connect to on a stranger's word.
    #expect(ServiceAdvertisement(decoding: [0x11, 0x27, 1, 2, 3, 4])?.psm == .some(nil))
    #expect(ServiceAdvertisement(decoding: [0x10, 0x81, 1, 2, 3, 4])?.psm == .some(nil))
    #expect(ServiceAdvertisement(decoding: [0x1F, 0xFF, 1, 2, 3, 4])?.psm == 0xFF)
  }

  @Test(arguments: [
    (65535, 1974), (1974, 1974), (1973, 1727), (672, 492), (492, 492), (245, 245), (244, 244), (23, 23),
  ])
  func framesFillSegments(_ packetByteCount: Int, _ frameByteCount: Int) {
    #expect(ChannelLink.frameByteCount(packetByteCount: packetByteCount) == frameByteCount)
  }

  @Test func whoRefusedIsAskedAgainLaterOrAtAnotherPSM() throws {
    let address = try #require(BluetoothAddress("00:11:22:33:44:55"))
    var history = ChannelHistory()
    #expect(history.isWorthTrying(address, psm: 0x80, now: .zero))
    history.failed(address, psm: 0x80, .refused, now: .zero)
    #expect(!history.isWorthTrying(address, psm: 0x80, now: .seconds(299)))
    #expect(history.isWorthTrying(address, psm: 0x81, now: .seconds(1)))
    #expect(history.isWorthTrying(address, psm: 0x80, now: .seconds(300)))
    history.failed(address, psm: 0x80, .withoutLink, now: .seconds(300))
    #expect(history.isWorthTrying(address, psm: 0x80, now: .seconds(320)))
    history.succeeded(address)
    #expect(history.isWorthTrying(address, psm: 0x80, now: .seconds(301)))
  }

  @Test func whyThereIsNoChannelIsSaidHoweverItEnded() {
    let reason = TransportError(.unreachable, "no channel: connect: Connection refused")
    #expect(
      ChannelHistory.Outcome.refused.problem(with: "ble://…00:01", reason)
        == "ble://…00:01 is reached over GATT: no channel: connect: Connection refused")
    #expect(
      ChannelHistory.Outcome.withoutLink.problem(with: "ble://…00:01", reason)
        == "ble://…00:01 was lost before there was a channel: no channel: connect: Connection refused")
  }

  @Test func inventedAddressesDoNotAddUp() throws {
    var history = ChannelHistory()
    for index in 0..<UInt8(200) {
      let address = try #require(BluetoothAddress(bytes: [0, 0, 0, 0, 0, index]))
      history.failed(address, psm: 0x80, .refused, now: .zero)
      #expect(history.isWorthTrying(address, psm: 0x80, now: .zero) == (index >= ChannelHistory.peerLimit))
    }
  }
}
