import DBus
import DBusTesting
import FieldCore
import Foundation
import Testing

@testable import FieldAgent

/// Against python-dbusmock's UPower on a bus of its own.
@Suite(.timeLimit(.minutes(1)))
struct PowerSourceTests {
  @Test func saysWhatUPowerSays() async throws {
    let bus = try await PrivateBus()
    let (states, told) = AsyncStream.makeStream(of: Bool.self)
    let source = PowerSource(bus: .address(bus.address), time: FrameLinkClock(ContinuousClock()))
    let running = Task { await source.run { told.yield($0) } }
    defer { running.cancel() }
    var next = states.makeAsyncIterator()
    #expect(await next.next() == false, "there is no UPower yet")

    let upower = try PeerProcess(
      "/usr/bin/python3",
      ["-m", "dbusmock", "--system", "--template", "upower", "--parameters", #"{"OnBattery": true}"#],
      environment: ["DBUS_SYSTEM_BUS_ADDRESS": bus.address])
    while let isOnBattery = await next.next(), !isOnBattery {}

    let remote = try await DBusConnection.open(.address(bus.address))
    _ = try await remote.call(
      MethodCall(
        "org.freedesktop.UPower", "/org/freedesktop/UPower", "org.freedesktop.DBus.Properties", "Set",
        [.string("org.freedesktop.UPower"), .string("OnBattery"), .variant(.boolean(false))]))
    while let isOnBattery = await next.next(), isOnBattery {}

    _ = try await remote.call(
      MethodCall(
        "org.freedesktop.UPower", "/org/freedesktop/UPower", "org.freedesktop.DBus.Properties", "Set",
        [.string("org.freedesktop.UPower"), .string("OnBattery"), .variant(.boolean(true))]))
    while let isOnBattery = await next.next(), !isOnBattery {}
    upower.kill()
    while let isOnBattery = await next.next(), isOnBattery {}
  }
}
