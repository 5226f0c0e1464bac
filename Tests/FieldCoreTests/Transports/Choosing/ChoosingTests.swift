import FieldTesting
import FieldWire
import Sodium
import Testing

@testable import FieldCore

@Suite struct ChoosingTests {
  private static let lan = Neighbourhood.lan
  private static let radio = Neighbourhood.radio

  @Test(arguments: 0..<8)
  func peersInStepStayQuietUntilSomethingIsNew(seed: UInt64) throws {
    var place = try Neighbourhood(count: 2, seed: seed)
    place.bringTogether(0, 1, Self.radio)
    place.run(for: .seconds(60))
    #expect(place.dialCount == 0)
    #expect(place.nodes[0].manager.view(of: place.nodes[1].key, now: place.now).state == .quiet)
    place.add(7, to: Int(seed % 2))
    let time = try #require(place.run(within: .seconds(8)) { $0.areEqual })
    #expect(time <= .seconds(8))
    place.run(for: .seconds(40))
    #expect(place.kinds(0, 1).isEmpty, "the radio rests again")
    let count = place.dialCount
    place.run(for: .seconds(1800))  // two epochs
    #expect(place.dialCount == count)
  }

  @Test(arguments: 0..<8)
  func networkIsPreferredAndLeftAndTakenAgain(seed: UInt64) throws {
    var place = try Neighbourhood(count: 2, seed: seed)
    place.rate = [Self.lan: 2, Self.radio: 1]
    for item in 1...1000 { place.nodes[0].items.insert(item) }
    place.add(1001, to: 0)
    place.bringTogether(0, 1, Self.radio)
    place.bringTogether(0, 1, Self.lan)
    #expect(place.run(within: .seconds(10)) { $0.kinds(0, 1) == [Self.lan] } != nil)
    place.run(for: .seconds(10))
    #expect(place.kinds(0, 1) == [Self.lan])

    place.separate(0, 1, Self.lan)
    let down = place.run(within: .seconds(8)) { $0.kinds(0, 1).contains(Self.radio) }
    #expect(try #require(down) <= .milliseconds(4500), "1.1 s to doubt, and 3 s to connect at worst")
    place.run(for: .seconds(5))
    #expect(place.kinds(0, 1) == [Self.radio])

    place.bringTogether(0, 1, Self.lan)
    let back = place.run(within: .seconds(5)) { $0.kinds(0, 1) == [Self.lan] }
    #expect(back != nil)
    let events = place.nodes[0].events
    #expect(events.contains { if case .stalled(_, Self.lan, _) = $0 { true } else { false } })
    #expect(events.contains { if case .moved(_, from: Self.lan, to: Self.radio, _) = $0 { true } else { false } })
    #expect(events.contains { if case .moved(_, from: Self.radio, to: Self.lan, _) = $0 { true } else { false } })
    #expect(place.run(within: .seconds(600)) { $0.areEqual } != nil)
  }

  /// A peer whose disk or processor has too much to do is silent for a second or two, and goes on.
  @Test(arguments: 0..<8)
  func whoIsSlowIsNotGivenUpEachTime(seed: UInt64) throws {
    var place = try Neighbourhood(count: 2, seed: seed)
    place.rate = [Self.lan: 2, Self.radio: 1]
    for item in 1...4000 { place.nodes[0].items.insert(item) }
    place.add(4001, to: 0)
    place.bringTogether(0, 1, Self.radio)
    place.bringTogether(0, 1, Self.lan)
    #expect(place.run(within: .seconds(10)) { $0.kinds(0, 1) == [Self.lan] } != nil)
    place.run(for: .seconds(5))
    for _ in 0..<20 {
      place.stalled = [Self.lan]
      place.run(for: .milliseconds(1800))
      place.stalled = []
      place.run(for: .milliseconds(1200))
    }
    for node in place.nodes {
      let moves = node.events.count {
        if case .moved(_, from: Self.lan, to: Self.radio, _) = $0 { true } else { false }
      }
      #expect(moves <= 2, "seed \(seed)")
    }
    #expect((0...1).allSatisfy { place.nodes[$0].dialCount[Self.radio, default: 0] <= 3 }, "seed \(seed)")
    #expect(place.kinds(0, 1) == [Self.lan], "seed \(seed)")

    // When it really goes, that is noticed all the same.
    place.separate(0, 1, Self.lan)
    let down = place.run(within: .seconds(15)) { $0.kinds(0, 1).contains(Self.radio) }
    #expect(try #require(down) <= .seconds(8), "seed \(seed)")
  }

  /// A session that is slow from its beginning would be given up for another, made anew and given up again.
  @Test func whoIsSlowFromTheBeginningGetsItsTime() throws {
    var place = try Neighbourhood(count: 2, seed: 3)
    place.rate = [Self.lan: 2, Self.radio: 1]
    for item in 1...4000 { place.nodes[0].items.insert(item) }
    place.add(4001, to: 0)
    place.bringTogether(0, 1, Self.radio)
    #expect(place.run(within: .seconds(10)) { $0.kinds(0, 1) == [Self.radio] } != nil)
    place.silenceAfterOpening = [Self.lan: .milliseconds(2500)]
    place.bringTogether(0, 1, Self.lan)
    #expect(place.run(within: .seconds(20)) { $0.kinds(0, 1) == [Self.lan] } != nil)
    place.run(for: .seconds(10))
    #expect(place.kinds(0, 1) == [Self.lan])
    #expect((0...1).reduce(0) { $0 + place.nodes[$1].dialCount[Self.lan, default: 0] } <= 4)
  }

  /// A radio has two ways to a peer, and the better one becomes possible in the middle of a transfer.
  @Test(arguments: 0..<8)
  func theBetterWayIsTakenBesideTheOther(seed: UInt64) throws {
    var place = try Neighbourhood(count: 2, seed: seed)
    place.rate = [Self.radio: 1]
    for item in 1...4000 { place.nodes[0].items.insert(item) }
    place.add(4001, to: 0)
    place.fallbackOnly = [Self.radio]
    place.bringTogether(0, 1, Self.radio)
    #expect(place.run(within: .seconds(20)) { $0.kinds(0, 1) == [Self.radio] } != nil)
    let dials = place.dialCount
    place.run(for: .seconds(100))
    #expect((3...4).contains(place.dialCount - dials), "once in half a minute, by the one who dialled")
    #expect(place.links.count == 1 && place.links[0].isFallback)
    for node in place.nodes {
      let view = node.manager.view(of: place.nodes[node.key == place.nodes[0].key ? 1 : 0].key, now: place.now)
      #expect(view.ways.allSatisfy { $0.failureCount == 0 && $0.lastError == nil })
    }

    place.fallbackOnly = []
    var wasCarried = true
    let time = place.run(within: .seconds(40)) { place in
      wasCarried = wasCarried && !place.links.isEmpty
      return place.links.count == 1 && !place.links[0].isFallback
    }
    #expect(time != nil)
    #expect(wasCarried, "made before the other is broken")
    let after = place.dialCount
    place.run(for: .seconds(60))
    #expect(place.dialCount == after)
    #expect(!place.nodes[0].events.contains { if case .disconnected = $0 { true } else { false } })
  }

  @Test func silenceThatEndedIsRememberedForAWhile() {
    var gauge = SilenceGauge()
    let third = Duration.milliseconds(300)
    #expect(gauge.doubtAfter(.wired) == .milliseconds(800))
    #expect(gauge.suspectAfter(.wired) == .milliseconds(1400))
    for step in 1...5 { gauge.note(third * step, isBusy: true, after: third) }
    #expect(gauge.suspectAfter(.wired) == .milliseconds(1400), "it may be gone")
    gauge.note(.zero, isBusy: true, after: third)
    #expect(gauge.survived == .milliseconds(1500))
    #expect(gauge.doubtAfter(.wired) == .milliseconds(2250))
    #expect(gauge.suspectAfter(.wired) == .milliseconds(3750))
    for _ in 0..<100 { gauge.note(.zero, isBusy: true, after: third) }
    #expect(gauge.doubtAfter(.wired) == .milliseconds(800))
    // Without work nobody has to say anything, and one long silence is not for ever.
    gauge.note(.seconds(8), isBusy: false, after: .seconds(8))
    gauge.note(.zero, isBusy: true, after: third)
    #expect(gauge.survived == .zero)
    gauge.note(.seconds(20), isBusy: true, after: .seconds(20))
    gauge.note(.zero, isBusy: true, after: third)
    #expect(gauge.survived == ChoosingLimits.longestSurvivedSilence)
  }

  /// Whoever should dial cannot, so the other one does, after its patience.
  @Test(arguments: 0..<8)
  func theOtherSideDialsInTheEnd(seed: UInt64) throws {
    for broken in 0...1 {
      var place = try Neighbourhood(count: 2, seed: seed)
      place.nodes[broken].cannotDial = true
      place.add(7, to: broken)
      place.run(for: .seconds(5))
      place.bringTogether(0, 1, Self.radio)
      let time = place.run(within: .seconds(20)) { $0.areEqual }
      #expect(time != nil, "seed \(seed), broken \(broken)")
    }
  }

  @Test(arguments: 0..<8)
  func aRelayIsTheOneThatDials(seed: UInt64) throws {
    var place = try Neighbourhood(count: 3, seed: seed, roles: [.member, .relay, .member])
    place.add(7, to: 0)
    place.add(8, to: 2)
    place.run(for: .seconds(5))
    place.bringTogether(0, 1, Self.radio)
    place.bringTogether(1, 2, Self.radio)
    #expect(place.run(within: .seconds(30)) { $0.areEqual } != nil)
    #expect(place.mostRadioDials <= 1)
    #expect((place.nodes[1].dialCount[Self.radio] ?? 0) >= 2)
  }

  /// Clocks that are wrong by years: nobody is recognised before connecting, everybody still syncs, and rests.
  @Test(arguments: 0..<8)
  func nothingDependsOnClocks(seed: UInt64) throws {
    var place = try Neighbourhood(count: 2, seed: seed, clockOffsets: [0, 100_000_000])
    place.add(7, to: Int(seed % 2))
    place.bringTogether(0, 1, Self.radio)
    #expect(place.run(within: .seconds(20)) { $0.areEqual } != nil)
    place.run(for: .seconds(60))
    #expect(place.kinds(0, 1).isEmpty)
    let count = place.dialCount
    place.run(for: .seconds(300))
    #expect(place.dialCount <= count + 2, "at most once more, when an epoch begins")
    place.add(8, to: Int(seed / 2 % 2))
    #expect(place.run(within: .seconds(20)) { $0.areEqual } != nil)
  }

  @Test func aBatteryIsSaved() throws {
    var place = try Neighbourhood(count: 2, seed: 1)
    func effort() -> DiscoveryEffort? { place.nodes[0].manager.efforts[Self.radio] }
    place.bringTogether(0, 1, Self.radio)
    place.run(for: .seconds(100))
    #expect(effort() == .high)
    place.run(0, onBattery: true)
    #expect(effort() == .normal)
    place.separate(0, 1, Self.radio)
    place.run(for: .seconds(40))
    place.add(3, to: 0)
    #expect(effort() == .high, "something waits for somebody")
    place.run(for: .seconds(70))
    #expect(effort() == .normal)
    place.bringTogether(0, 1, Self.radio)
    place.bringTogether(0, 1, Self.lan)
    place.rate = [Self.lan: 1, Self.radio: 1]
    for item in 10..<400 { place.add(item, to: 0) }
    #expect(place.run(within: .seconds(20)) { $0.kinds(0, 1) == [Self.lan] } != nil)
    #expect(effort() == .low, "the LAN reaches everybody")
    place.run(0, onBattery: false)
    #expect(effort() == .low)
  }

  /// Devices come, go, change addresses and write at random for three minutes, with goodbyes and without; then it is
  /// calm, and all have to become equal, rest, and have never made two connections at once over one radio.
  @Test(arguments: 0..<12)
  func anySequenceOfTroubleEndsInStep(seed: UInt64) throws {
    var random = SeededRandom(seed: seed &+ 1000)
    let count = Int.random(in: 2...5, using: &random)
    let offsets = (0..<count).map { _ in Int64.random(in: -600...600, using: &random) }
    var place = try Neighbourhood(count: count, seed: seed, clockOffsets: offsets)
    place.rate = [Self.lan: 5, Self.radio: 1]
    for step in 0..<60 {
      let one = Int.random(in: 0..<count, using: &random)
      let other = (one + Int.random(in: 1..<count, using: &random)) % count
      let kind = Bool.random(using: &random) ? Self.lan : Self.radio
      switch Int.random(in: 0..<10, using: &random) {
      case 0...3: place.bringTogether(one, other, kind)
      case 4...5: place.separate(one, other, kind, isGoodbye: Bool.random(using: &random))
      case 6: place.changeAddress(of: one, kind)
      default: for item in 0..<20 { place.add(step * 20 + item + 1, to: one) }
      }
      place.run(for: .milliseconds(Int.random(in: 100...6000, using: &random)))
    }
    // One chain over the radio stays, everything else goes.
    for one in 0..<count {
      for other in (one + 1)..<count {
        place.separate(one, other, Self.lan)
        if other == one + 1 {
          place.bringTogether(one, other, Self.radio)
        } else {
          place.separate(one, other, Self.radio)
        }
      }
    }
    #expect(place.run(within: .seconds(180)) { $0.areEqual } != nil, "seed \(seed)")
    #expect(place.mostRadioDials <= 1)
    place.run(for: .seconds(90))
    #expect(place.links.isEmpty, "seed \(seed)")
    let dials = place.dialCount
    place.run(for: .seconds(120))
    #expect(place.dialCount <= dials + 2 * count, "seed \(seed): quiet, but for beacons of another epoch")
  }
}
