import DBus
import FieldCore
import FieldTesting
import Sodium
import Testing

@testable import FieldLAN

@Suite struct AvahiTests {
  private static let one = AvahiPeerTable.Item(interface: 2, addressProtocol: 0, name: "aa")
  private static let other = AvahiPeerTable.Item(interface: 2, addressProtocol: 1, name: "aa")
  private static let address = PeerAddress(kind: .lan, location: "10.0.0.1:7747")
  private static let elsewhere = PeerAddress(kind: .lan, location: "10.0.0.2:7747")

  private static func appeared(_ address: PeerAddress, _ announcement: [UInt8]) -> PeerSighting {
    PeerSighting(address: address, change: .appeared, announcement: announcement)
  }

  private static func vanished(_ address: PeerAddress, _ announcement: [UInt8]) -> PeerSighting {
    PeerSighting(address: address, change: .vanished, announcement: announcement)
  }

  @Test func anAddressIsThereAsLongAsAServiceIsAtIt() {
    var table = AvahiPeerTable()
    #expect(table.resolved(Self.one, at: Self.address, announcement: [1]) == [], "of whom nobody has told")
    let areNew = (table.appeared(Self.one), table.appeared(Self.other), table.appeared(Self.one))
    #expect(areNew == (true, true, false))
    #expect(
      table.resolved(Self.one, at: Self.address, announcement: [1]) == [Self.appeared(Self.address, [1])])
    #expect(table.resolved(Self.one, at: Self.address, announcement: [1]) == [])
    #expect(
      table.resolved(Self.other, at: Self.address, announcement: [1]) == [Self.appeared(Self.address, [1])])
    #expect(table.present == [Self.appeared(Self.address, [1])])
    #expect(table.gone(Self.one) == [])
    #expect(
      table.resolved(Self.other, at: Self.elsewhere, announcement: [2])
        == [Self.vanished(Self.address, [1]), Self.appeared(Self.elsewhere, [2])])
    #expect(table.gone(Self.other) == [Self.vanished(Self.elsewhere, [2])])
    #expect(table.gone(Self.other) == [])
    #expect(table.present.isEmpty && table.count == 0)
  }

  @Test func everythingGoesWithAvahi() {
    var table = AvahiPeerTable()
    for name in ["a", "b", "c"] {
      let item = AvahiPeerTable.Item(interface: 1, addressProtocol: 0, name: name)
      #expect(table.appeared(item) == true)
      _ = table.resolved(
        item, at: PeerAddress(kind: .lan, location: "10.0.0.1:\(name == "c" ? 2 : 1)"), announcement: [])
    }
    #expect(table.clear().map(\.address.location) == ["10.0.0.1:1", "10.0.0.1:2"])
    #expect(table.present.isEmpty)
  }

  @Test func aFloodOfServicesIsBounded() {
    var table = AvahiPeerTable()
    for index in 0..<2 * AvahiPeerTable.itemLimit {
      let item = AvahiPeerTable.Item(interface: 1, addressProtocol: 0, name: "\(index)")
      #expect(table.appeared(item) == (index < AvahiPeerTable.itemLimit))
    }
    // Those that were left out are asked for again, once there is room.
    var isIncomplete = [table.takeIncomplete()]
    _ = table.gone(AvahiPeerTable.Item(interface: 1, addressProtocol: 0, name: "0"))
    isIncomplete += [table.takeIncomplete(), table.takeIncomplete()]
    #expect(isIncomplete == [false, true, false])
  }

  /// More services than a client may have resolvers: each has its turn, however many there are.
  @Test func servicesTakeTurnsAtTheResolvers() {
    var resolvers = AvahiResolvers()
    var resolved: Set<String> = []
    var working = 0
    for index in 0..<AvahiPeerTable.itemLimit {
      resolvers.appeared(AvahiPeerTable.Item(interface: 1, addressProtocol: 0, name: "\(index)"))
    }
    for _ in 0..<20 {
      working -= resolvers.makeRoom().count
      for item in resolvers.waiting where resolvers.hasRoom {
        let isOfUse = resolvers.started(item, at: "/resolver")
        #expect(isOfUse)
        working += 1
        resolved.insert(item.name)
      }
      #expect(working <= AvahiResolvers.limit)
    }
    #expect(resolved.count == AvahiPeerTable.itemLimit)
    for index in 0..<AvahiPeerTable.itemLimit {
      let item = AvahiPeerTable.Item(interface: 1, addressProtocol: 0, name: "\(index)")
      if resolvers.gone(item) != nil { working -= 1 }
      let isOfUse = resolvers.started(item, at: "/resolver")
      #expect(!isOfUse, "nobody wants it any more")
    }
    #expect(working == 0 && resolvers.waiting.isEmpty)
  }

  @Test func namesAreOfLabels() throws {
    #expect(DNSRecord.labels(of: "laptop.local")?.map { String(decoding: $0, as: UTF8.self) } == ["laptop", "local"])
    #expect(DNSRecord.labels(of: "laptop.local.")?.count == 2)
    #expect(
      DNSRecord.labels(of: #"a\.b\\\032c.local"#)?.map { String(decoding: $0, as: UTF8.self) } == [#"a.b\ c"#, "local"])
    for bad in ["", ".", "a..b", #"a\"#, String(repeating: "a", count: 64), String(repeating: "abc.", count: 64)] {
      #expect(DNSRecord.labels(of: bad) == nil, "\(bad)")
    }
    let labels = try #require(DNSRecord.labels(of: "pc.local"))
    #expect(
      DNSRecord.serviceData(port: 7747, host: labels)
        == [0, 0, 0, 0, 0x1e, 0x43, 2] + Array("pc".utf8) + [5] + Array("local".utf8) + [0])
    #expect(DNSRecord.textData(["p=1", ""]) == [3] + Array("p=1".utf8) + [0])
  }

  @Test func beaconsTravelInText() throws {
    let beacon = try #require(PresenceBeacon((0..<16).map { UInt8($0) }))
    let text = AvahiService.text(of: beacon)
    #expect(AvahiService.announcement(in: [Array("x=1".utf8), Array(text.utf8)]) == beacon.bytes)
    for bad in ["p=", "p=00", "p=" + String(repeating: "zz", count: 16), text + "00", "q" + text] {
      #expect(AvahiService.announcement(in: [Array(bad.utf8)]) == [], "\(bad)")
    }
    let records = try #require(AvahiPublication(name: "n", port: 1, beacon: beacon).records(host: "pc.local"))
    #expect(records.map(\.type) == [12, 33, 16])
    #expect(AvahiPublication(name: "n", port: 1, beacon: beacon).records(host: "") == nil)
  }

  @Test func addressesOfAvahiBecomeEndpoints() {
    #expect(AvahiClient.endpoint("10.0.0.1", 7747, 2)?.description == "10.0.0.1:7747")
    #expect(AvahiClient.endpoint("fd00::1", 7747, 2)?.description == "[fd00::1]:7747")
    #expect(AvahiClient.endpoint("fe80::1", 7747, 1)?.description == "[fe80::1%lo]:7747")
    #expect(AvahiClient.endpoint("fe80::1", 7747, 999_999) == nil)
    #expect(AvahiClient.endpoint("10.0.0.1", 0, 2) == nil)
    for bad in ["", "no address", "nobody", "10.0.2", "fe80::1%", "fe80::1%lo", "::1::2", "[::1]"] {
      #expect(AvahiClient.endpoint(bad, 1, 1) == nil, "\(bad)")
    }
  }
}
