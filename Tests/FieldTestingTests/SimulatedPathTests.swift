import FieldTesting
import Testing

@Suite struct SimulatedPathTests {
  private func arrivals(
    _ profile: SimulatedLinkProfile, _ count: Int, seed: UInt64 = 1, every interval: Duration = .milliseconds(1)
  )
    -> [SimulatedPath.Arrival]
  {
    var path = SimulatedPath(profile: profile, random: SeededRandom(seed: seed))
    let all = (0..<count).flatMap {
      path.send([UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)], now: interval * $0)
    }
    return all.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
  }

  private func number(_ frame: [UInt8]) -> Int { frame.reduce(0) { $0 << 8 | Int($1) } }

  @Test func aPlainPathDelaysAndKeepsOrder() {
    let all = arrivals(SimulatedLinkProfile(), 100)
    #expect(all.map { number($0.frame) } == Array(0..<100))
    #expect(all.first?.time == .milliseconds(20))
  }

  @Test(arguments: [Duration.zero, .milliseconds(20)]) func lossKeepsItsShare(deafTime: Duration) {
    var profile = SimulatedLinkProfile()
    profile.loss = 0.1
    profile.deafTime = deafTime
    let count = arrivals(profile, 20_000).count
    #expect((17_000...19_000).contains(count), "\(count) of 20000 arrived")
  }

  @Test func doublesAndMangledOnesAreAsManyAsAsked() {
    var profile = SimulatedLinkProfile()
    profile.duplication = 0.1
    profile.corruption = 0.1
    let all = arrivals(profile, 5000)
    #expect((5350...5650).contains(all.count))
    let plain = arrivals(SimulatedLinkProfile(), 5000)
    #expect(all.count { arrival in arrival.frame.count != 2 } > 50)
    #expect(plain.count == 5000)
  }

  @Test func channelsReorderAndEachKeepsItsOrder() {
    var profile = SimulatedLinkProfile()
    profile.channelCount = 3
    profile.jitter = .milliseconds(5)
    let numbers = arrivals(profile, 1000).map { number($0.frame) }
    #expect(numbers.sorted() == Array(0..<1000))
    let breaks = zip(numbers, numbers.dropFirst()).count { $0 > $1 }
    #expect(breaks > 20)
    profile.channelCount = 1
    #expect(arrivals(profile, 1000).map { number($0.frame) } == Array(0..<1000))
  }

  @Test func rateSpreadsDatagramsAndHoldsTheSenderUp() {
    var profile = SimulatedLinkProfile(maximumFrameByteCount: 100, delay: .zero)
    profile.bytesPerSecond = 1000
    profile.sendQueueFrameCount = 2
    var path = SimulatedPath(profile: profile, random: SeededRandom(seed: 1))
    let frame = [UInt8](repeating: 0, count: 100)
    let times = (0..<5).flatMap { _ in path.send(frame, now: .zero).map(\.time) }
    #expect(times == (1...5).map { Duration.milliseconds(100 * $0) })
    #expect(path.readyTime(now: .zero) == .milliseconds(300))
  }

  @Test func stallsHoldAndCutsLose() {
    var profile = SimulatedLinkProfile(delay: .zero)
    profile.stalls = [.milliseconds(10)..<Duration.milliseconds(50)]
    profile.cutAtFrame = 80
    let all = arrivals(profile, 100)
    #expect(all.map { number($0.frame) } == Array(0..<80))
    #expect(all.count { $0.time == .milliseconds(50) } == 41)
  }

  @Test func theSameSeedGivesTheSameArrivals() {
    var profile = SimulatedLinkProfile.gatt
    profile.loss = 0.1
    profile.corruption = 0.1
    let first = arrivals(profile, 500, seed: 9)
    let second = arrivals(profile, 500, seed: 9)
    let other = arrivals(profile, 500, seed: 10)
    #expect(first.map(\.frame) == second.map(\.frame) && first.map(\.time) == second.map(\.time))
    #expect(first.map(\.time) != other.map(\.time))
  }

  @Test func eventsComeByTimeThenByOrder() {
    var queue = EventQueue<Int>()
    var random = SeededRandom(seed: 4)
    let times = (0..<500).map { _ in Duration.milliseconds(Int(random.next() % 50)) }
    for (place, time) in times.enumerated() { queue.add(place, at: time) }
    var order: [Int] = []
    while let (time, place) = queue.next() {
      #expect(time == times[place])
      order.append(place)
    }
    #expect(order == times.indices.sorted { (times[$0], $0) < (times[$1], $1) })
  }
}
