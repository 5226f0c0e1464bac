import Testing

@testable import FieldBluetooth

@Suite struct AdapterStateMachineTests {
  private var machine = AdapterStateMachine()

  /// Answers every action with success, and those that follow.
  private mutating func settle(
    _ actions: [AdapterStateMachine.Action], at now: Duration
  ) -> [AdapterStateMachine.Action] {
    var done: [AdapterStateMachine.Action] = []
    var pending = actions
    while !pending.isEmpty {
      let next = pending.removeFirst()
      done.append(next)
      pending += machine.finished(next, .done, now: now)
    }
    return done
  }

  private mutating func switchOn(at now: Duration = .zero) -> [AdapterStateMachine.Action] {
    let actions = machine.availabilityChanged(to: .on, now: now)
    return settle(actions, at: now)
  }

  private func summary(_ actions: [AdapterStateMachine.Action]) -> [String] {
    actions.map { "\($0.verb) \($0.feature)" }
  }

  /// What of it is about discovery.
  private mutating func discovery(_ actions: [AdapterStateMachine.Action], at now: Duration) -> [String] {
    summary(settle(actions, at: now).filter { $0.feature == .discovery })
  }

  @Test mutating func theServiceIsThereBeforeItIsAdvertised() {
    #expect(machine.availabilityChanged(to: .off, now: .zero).isEmpty)
    let first = machine.availabilityChanged(to: .on, now: .zero)
    #expect(summary(first) == ["start application", "start discovery"])
    #expect(summary(machine.finished(first[0], .done, now: .zero)) == ["start advertisement"])
    #expect(machine.isRunning(.application))
    #expect(!machine.isRunning(.advertisement))
  }

  @Test mutating func everythingIsDoneAnewAfterThePowerWasOff() {
    #expect(switchOn().count == 3)
    #expect(machine.availabilityChanged(to: .off, now: .seconds(1)).isEmpty)
    #expect(!machine.isRunning(.application))
    #expect(Set(summary(switchOn(at: .seconds(2)))) == ["start application", "start advertisement", "start discovery"])
    #expect(machine.availabilityChanged(to: .on, now: .seconds(3)).isEmpty)
  }

  @Test mutating func answersOfTheTimeBeforeCountForNothing() {
    let old = machine.availabilityChanged(to: .on, now: .zero)
    _ = machine.availabilityChanged(to: .serviceGone, now: .seconds(1))
    let new = machine.availabilityChanged(to: .on, now: .seconds(2))
    for action in old { #expect(machine.finished(action, .done, now: .seconds(3)).isEmpty) }
    #expect(!machine.isRunning(.application))
    #expect(summary(settle(new, at: .seconds(3))).contains("start advertisement"))
    #expect(machine.isRunning(.application))
  }

  @Test mutating func whatWasRefusedIsTriedAgainLaterAndLater() throws {
    var action = try #require(machine.availabilityChanged(to: .on, now: .zero).first)
    var now = Duration.zero
    for expected in [1, 2, 4, 8, 16, 30, 30] {
      #expect(machine.finished(action, .failed, now: now).isEmpty)
      let due = now + .seconds(expected)
      #expect(machine.timerFired(now: due - .milliseconds(1)).isEmpty)
      now = due
      action = try #require(machine.timerFired(now: now).first)
    }
    #expect(machine.failureCount(.application) == 7)
    #expect(summary(machine.finished(action, .done, now: now)) == ["start advertisement"])
    #expect(machine.failureCount(.application) == 0)
  }

  @Test mutating func discoveryRestsWhileSomebodyIsDialled() {
    _ = switchOn()
    let stop = machine.dialBegan(now: .seconds(1))
    #expect(summary(stop) == ["stop discovery"])
    #expect(!machine.isStopped(.discovery))
    #expect(machine.finished(stop[0], .done, now: .seconds(1)).isEmpty)
    #expect(machine.isStopped(.discovery))
    #expect(summary(machine.dialEnded(succeeded: true, now: .seconds(2))) == ["start discovery"])
  }

  @Test mutating func discoveryThatCannotBeStoppedDoesNotStopDialling() {
    _ = switchOn()
    let stop = machine.dialBegan(now: .seconds(1))
    #expect(machine.finished(stop[0], .failed, now: .seconds(1)).isEmpty)
    #expect(machine.isStopped(.discovery))
  }

  @Test mutating func aFailedDialRenewsTheAdvertisement() {
    _ = switchOn()
    _ = settle(machine.dialBegan(now: .seconds(1)), at: .seconds(1))
    let actions = machine.dialEnded(succeeded: false, now: .seconds(2))
    #expect(summary(actions) == ["renew advertisement", "start discovery"])
    #expect(machine.finished(actions[0], .failed, now: .seconds(2)).isEmpty)
    #expect(machine.isRunning(.advertisement))
  }

  /// Not by another one in its place: to the kernel the connection belongs to the first, and when it ends the kernel
  /// takes the second one off the air.
  @Test mutating func linksThatComeOrGoRenewTheAdvertisementOnceALittleLater() {
    _ = switchOn()
    #expect(machine.linksChanged(now: .seconds(5)).isEmpty)
    #expect(machine.linksChanged(now: .milliseconds(5500)).isEmpty)
    #expect(machine.timerFired(now: .milliseconds(7999)).isEmpty)
    let actions = machine.timerFired(now: .seconds(8))
    #expect(summary(actions) == ["renew advertisement"])
    #expect(machine.isRunning(.advertisement))
    #expect(settle(actions, at: .seconds(8)).count == 1)
    #expect(machine.timerFired(now: .seconds(10)).isEmpty)
  }

  /// The kernel may have taken it off the air without a word.
  @Test mutating func theAdvertisementIsRenewedNowAndThen() {
    _ = switchOn()
    #expect(machine.timerFired(now: .seconds(14)).isEmpty)
    for now in [15, 30, 45] {
      #expect(summary(settle(machine.timerFired(now: .seconds(now)), at: .seconds(now))) == ["renew advertisement"])
    }
  }

  @Test mutating func anAdvertisementThatEndsWhileItIsRenewedComesBack() {
    _ = switchOn()
    let actions = machine.timerFired(now: .seconds(15))
    #expect(machine.linksChanged(now: .seconds(15)).isEmpty)
    #expect(machine.released(.advertisement, now: .seconds(15)).isEmpty)
    #expect(machine.finished(actions[0], .done, now: .seconds(15)).isEmpty)
    #expect(!machine.isRunning(.advertisement))
    #expect(summary(machine.timerFired(now: .seconds(16))) == ["start advertisement"])
  }

  @Test mutating func anAdvertisementThatBluetoothdEndedComesBack() {
    _ = switchOn()
    #expect(machine.released(.advertisement, now: .seconds(1)).isEmpty)
    #expect(!machine.isRunning(.advertisement))
    #expect(summary(machine.timerFired(now: .seconds(2))) == ["start advertisement"])
  }

  @Test mutating func discoveryKeepsToItsSchedule() {
    _ = machine.scheduleChanged(to: .periodic(on: .seconds(10), every: .seconds(60)), now: .zero)
    #expect(summary(switchOn()).contains("start discovery"))
    #expect(discovery(machine.timerFired(now: .seconds(9)), at: .seconds(9)).isEmpty)
    #expect(discovery(machine.timerFired(now: .seconds(10)), at: .seconds(10)) == ["stop discovery"])
    #expect(discovery(machine.timerFired(now: .seconds(59)), at: .seconds(59)).isEmpty)
    #expect(discovery(machine.timerFired(now: .seconds(60)), at: .seconds(60)) == ["start discovery"])
  }

  @Test mutating func linksLeaveLittleTimeToDiscovery() {
    _ = switchOn()
    #expect(machine.linksOpen(true, now: .seconds(5)).isEmpty)
    #expect(discovery(machine.linksOpen(true, now: .seconds(20)), at: .seconds(20)) == ["stop discovery"])
    #expect(summary(machine.linksOpen(false, now: .seconds(21))) == ["start discovery"])
  }

  /// Discovery that has run for longer than its window when the window comes to count: a peer connects after a while,
  /// or the machine goes on battery.
  @Test mutating func discoveryThatRunsForLongEndsWhenLittleTimeIsLeftToIt() {
    _ = switchOn()
    #expect(discovery(machine.linksOpen(true, now: .seconds(70)), at: .seconds(70)) == ["stop discovery"])
    // It has had more than its share.
    #expect(discovery(machine.timerFired(now: .seconds(119)), at: .seconds(119)).isEmpty)
    #expect(discovery(machine.timerFired(now: .seconds(120)), at: .seconds(120)) == ["start discovery"])
    #expect(discovery(machine.timerFired(now: .seconds(130)), at: .seconds(130)) == ["stop discovery"])
  }

  @Test func theSparserScheduleWins() {
    let often = DiscoverySchedule.periodic(on: .seconds(10), every: .seconds(20))
    let seldom = DiscoverySchedule.periodic(on: .seconds(10), every: .seconds(180))
    #expect(often.sparser(than: seldom) == seldom)
    #expect(seldom.sparser(than: often) == seldom)
    #expect(DiscoverySchedule.continuous.sparser(than: often) == often)
    #expect(often.sparser(than: .continuous) == often)
  }
}
