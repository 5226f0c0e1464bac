import Foundation
import Testing

@testable import FieldAgent

struct PendingDevicesTests {
  private func device(_ number: Int, from address: String = "tcp://192.0.2.1:5") -> AgentStatus.Pending {
    AgentStatus.Pending(
      device: String(format: "%064x", number), transport: "lan", address: address)
  }

  @Test func tenThousandDevicesFillNothing() {
    var pending = PendingDevices()
    for number in 0..<10_000 { pending.note(device(number)) }
    #expect(pending.list.count == AgentLimits.pendingCount && AgentLimits.pendingCount == 64)
    #expect(pending.list == (10_000 - 64..<10_000).map { device($0) }, "the latest, in their order")
  }

  @Test func aDeviceThatComesAgainIsThereOnceAndLast() {
    var pending = PendingDevices()
    for number in 0..<3 { pending.note(device(number)) }
    for _ in 0..<1000 { pending.note(device(0, from: "ble://00:00:00:00:00:01")) }
    #expect(pending.list == [device(1), device(2), device(0, from: "ble://00:00:00:00:00:01")])
  }
}
