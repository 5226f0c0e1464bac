import Testing

@testable import FieldBluetooth

@Suite struct SlotTableTests {
  private var table = SlotTable<String>(slotCount: 3)
  private let nonce: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

  private mutating func grant(_ device: String, at seconds: Int) -> SlotTable<String>.Lease? {
    guard case .slot(let lease) = table.request(by: device, mtu: 517, nonce: nonce, now: .seconds(seconds)) else {
      return nil
    }
    return lease
  }

  @Test mutating func everyDeviceGetsASlotOfItsOwnAndKeepsIt() throws {
    let slots = try ["a", "b", "c"].map { try #require(grant($0, at: 0)).slot }
    #expect(Set(slots) == [0, 1, 2])
    #expect(try #require(grant("b", at: 1)).slot == slots[1])
    #expect(table.holder(of: slots[2]) == "c")
  }

  @Test mutating func whoComesLateIsToldWhenToTryAgain() {
    for device in ["a", "b", "c"] { #expect(grant(device, at: 0) != nil) }
    #expect(
      table.request(by: "d", mtu: 517, nonce: nonce, now: .seconds(4)) == .busy(retryAfter: .seconds(6)))
    for (link, device) in ["a", "b", "c"].enumerated() { table.opened(UInt64(link), by: device) }
    #expect(
      table.request(by: "d", mtu: 517, nonce: nonce, now: .seconds(4)) == .busy(retryAfter: SlotTable<String>.busyDelay)
    )
  }

  @Test mutating func aSlotThatIsNotOpenedInTimeIsTakenBack() {
    #expect(grant("a", at: 0) != nil)
    #expect(table.expire(now: .seconds(9)).isEmpty)
    #expect(table.expire(now: .seconds(10)) == ["a"])
    #expect(table.lease(of: "a") == nil)
    #expect(grant("a", at: 20) != nil)
    table.opened(1, by: "a")
    #expect(table.expire(now: .seconds(60)).isEmpty)
  }

  @Test mutating func askingOrHelloGivesNewTime() {
    #expect(grant("a", at: 0) != nil)
    #expect(grant("a", at: 8) != nil)
    #expect(table.expire(now: .seconds(17)).isEmpty)
    #expect(table.hello(from: "a", nonce: nonce, now: .seconds(17)) == .some(nil))
    #expect(table.expire(now: .seconds(26)).isEmpty)
    #expect(table.expire(now: .seconds(27)) == ["a"])
  }

  @Test mutating func helloEndsWhatWasOnTheSlotBefore() throws {
    let slot = try #require(grant("a", at: 0)).slot
    table.opened(7, by: "a")
    #expect(table.frameArrived(on: slot) == .link(7))
    #expect(table.hello(from: "a", nonce: nonce, now: .seconds(1)) == .some(7))
    // The old link's end must not cost the device its slot.
    table.ended(7)
    guard case .newLink("a", let lease) = table.frameArrived(on: slot) else {
      Issue.record("the slot is not waiting for an OPEN")
      return
    }
    #expect(lease.link == nil)
  }

  @Test mutating func helloAndByeNeedTheNonceOfTheHolder() throws {
    #expect(grant("a", at: 0) != nil)
    table.opened(7, by: "a")
    #expect(table.hello(from: "a", nonce: [0], now: .zero) == nil)
    #expect(table.hello(from: "b", nonce: nonce, now: .zero) == nil)
    #expect(table.bye(from: "b", nonce: nonce) == nil)
    #expect(table.bye(from: "a", nonce: [0]) == nil)
    #expect(table.lease(of: "a")?.link == 7)
    #expect(table.bye(from: "a", nonce: nonce) == 7)
    #expect(table.lease(of: "a") == nil)
  }

  @Test mutating func aFreedSlotIsTheLastToBeGivenAgain() throws {
    let first = try #require(grant("a", at: 0)).slot
    #expect(table.disconnected("a") == nil)
    #expect(table.frameArrived(on: first) == .drop)
    let second = try #require(grant("b", at: 0)).slot
    let third = try #require(grant("c", at: 0)).slot
    #expect(Set([first, second, third]).count == 3)
    #expect(try #require(grant("d", at: 0)).slot == first)
  }

  @Test mutating func theEndOfALinkFreesItsSlot() throws {
    let slot = try #require(grant("a", at: 0)).slot
    table.opened(7, by: "a")
    table.ended(8)
    #expect(table.frameArrived(on: slot) == .link(7))
    table.ended(7)
    #expect(table.frameArrived(on: slot) == .drop)
  }
}
