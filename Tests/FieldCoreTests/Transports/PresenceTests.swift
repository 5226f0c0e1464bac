import FieldTesting
import FieldWire
import Sodium
import Testing

@testable import FieldCore

@Suite struct PresenceTests {
  let key = SecretBytes(copying: Array(repeating: 7, count: 32))
  let epoch = PresenceEpoch(secondsSince1970: 1_800_000_000)

  private func device(_ seed: UInt8) throws -> DeviceKey {
    try #require(DeviceKey(Blake2b.hash([seed])))
  }

  private func head(_ count: UInt64, _ digest: UInt8 = 0) -> StoreHead {
    StoreHead(
      epoch: StoreEpoch(rawValue: 1), arrival: count, entryCount: count, digest: Array(repeating: digest, count: 32))
  }

  private func reader(of devices: [DeviceKey], in epoch: PresenceEpoch) -> PresenceReader {
    var reader = PresenceReader(keys: [key], epoch: epoch)
    reader.update(devices: devices)
    return reader
  }

  @Test func membersRecogniseEachOtherAndWhatTheyHold() throws {
    let devices = try (0..<100).map { try device(UInt8($0)) }
    let reader = reader(of: devices, in: epoch)
    for device in devices {
      let beacon = PresenceBeacon(of: device, holding: head(5, 1), in: epoch, key: key)
      for form in [beacon.bytes, beacon.short] {
        let read = try #require(PresenceBeacon(form))
        #expect(reader.read(read, against: head(5, 1))?.device == device)
        #expect(reader.read(read, against: head(5, 1))?.holdsTheSame == true)
        #expect(reader.read(read, against: head(5, 2))?.holdsTheSame == false)
        #expect(reader.read(read, against: head(6, 1))?.holdsTheSame == false)
      }
    }
  }

  @Test(arguments: [-2, -1, 0, 1, 2])
  func clocksMayDifferByAnEpoch(offset: Int) throws {
    let device = try device(1)
    let other = PresenceEpoch(index: epoch.index &+ UInt64(bitPattern: Int64(offset)))
    let beacon = PresenceBeacon(of: device, holding: head(3), in: other, key: key)
    let read = reader(of: [device], in: epoch).read(beacon, against: head(3))
    #expect((read != nil) == (abs(offset) <= 1))
    #expect(read?.holdsTheSame ?? true)
    #expect(read.map { $0.epoch == other } ?? true)
  }

  @Test func epochsAreQuartersOfAnHour() {
    #expect(PresenceEpoch(secondsSince1970: 899).index == 0)
    #expect(PresenceEpoch(secondsSince1970: 900).index == 1)
    #expect(PresenceEpoch(secondsSince1970: -5).index == 0)
    #expect(PresenceEpoch(secondsSince1970: .max).accepted.count == 3)
    #expect(PresenceEpoch(secondsSince1970: 0).accepted.map(\.index) == [0, .max, 1])
  }

  /// Nothing that a stranger could follow: no byte of a beacon stays when the epoch or the workspace changes, two
  /// devices that hold the same look different, and a change of the store leaves the identity within the epoch.
  @Test func beaconsSayNothingToStrangers() throws {
    var seen = Set<[UInt8]>()
    let devices = try (0..<20).map { try device(UInt8($0)) }
    for index in 0..<50 {
      for device in devices {
        let beacon = PresenceBeacon(
          of: device, holding: head(5), in: PresenceEpoch(index: epoch.index + UInt64(index)), key: key)
        #expect(seen.insert(beacon.identity).inserted && seen.insert(beacon.state).inserted)
      }
    }
    let other = SecretBytes(copying: Array(repeating: 8, count: 32))
    let foreign = PresenceBeacon(of: devices[0], holding: head(5), in: epoch, key: other)
    #expect(reader(of: devices, in: epoch).read(foreign, against: head(5)) == nil)
  }

  /// Strangers are taken for members as often as chance has it: with 100 members and three epochs, 0.46 %.
  @Test func shortTagsAreRarelyMistaken() throws {
    let reader = reader(of: try (0..<100).map { try device(UInt8($0)) }, in: epoch)
    var random = SeededRandom(seed: 4)
    var mistaken = 0
    var mistakenForEqual = 0
    for _ in 0..<20_000 {
      let bytes = (0..<PresenceBeacon.shortByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
      let read = reader.read(try #require(PresenceBeacon(bytes)), against: head(1))
      if read != nil { mistaken += 1 }
      if read?.holdsTheSame == true { mistakenForEqual += 1 }
    }
    #expect(mistaken > 40 && mistaken < 160)
    #expect(mistakenForEqual == 0)
  }

  @Test func otherSizesAreNoBeacons() {
    for count in 0...40 where count != 4 && count != 16 {
      #expect(PresenceBeacon(Array(repeating: 0, count: count)) == nil)
    }
  }

  @Test func olderKeysAreStillRead() throws {
    let device = try device(1)
    let older = SecretBytes(copying: Array(repeating: 6, count: 32))
    let beacon = PresenceBeacon(of: device, holding: head(3), in: epoch, key: older)
    var reader = reader(of: [device], in: epoch)
    #expect(reader.read(beacon, against: head(3)) == nil)
    reader.update(keys: [key, older])
    #expect(reader.read(beacon, against: head(3))?.holdsTheSame == true)
    #expect(
      reader.beacon(of: device, holding: head(3))
        == PresenceBeacon(of: device, holding: head(3), in: epoch, key: key))
  }

  @Test func aReaderFollowsDevicesAndTime() throws {
    let one = try device(1)
    let two = try device(2)
    var reader = reader(of: [one], in: epoch)
    let later = PresenceEpoch(index: epoch.index + 5)
    let beacon = PresenceBeacon(of: two, holding: head(3), in: later, key: key)
    #expect(reader.read(beacon, against: head(3)) == nil)
    reader.update(devices: [one, two])
    #expect(reader.read(beacon, against: head(3)) == nil)
    reader.update(epoch: later)
    #expect(reader.read(beacon, against: head(3))?.device == two)
    reader.update(devices: [one])
    #expect(reader.read(beacon, against: head(3)) == nil)
  }
}
