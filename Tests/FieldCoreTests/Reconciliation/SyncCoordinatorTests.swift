import FieldWire
import Testing

@testable import FieldCore

@Suite struct SyncCoordinatorTests {
  private static let epoch = StoreEpoch(rawValue: 1)
  private static let peerEpoch = StoreEpoch(rawValue: 2)

  private static func root(_ number: UInt8) -> [UInt8] { Array(repeating: number, count: StateNotice.rootByteCount) }

  /// A store of `count` entries whose set and root are named by a number.
  private static func head(_ count: UInt64, _ set: UInt8) -> StoreHead {
    StoreHead(epoch: epoch, arrival: count, entryCount: count, digest: Array(repeating: set, count: 32))
  }

  private static func notice(_ count: UInt64, _ set: UInt8, pulledThrough: UInt64 = 0) -> StateNotice {
    StateNotice(
      head: StoreHead(epoch: peerEpoch, arrival: count, entryCount: count, digest: []), root: root(set),
      pulledThrough: pulledThrough, isExact: false, wantedCount: 0)
  }

  private static func cursor(_ arrival: UInt64) -> StoreCursor { StoreCursor(epoch: peerEpoch, arrival: arrival) }

  private static func coordinator(_ count: UInt64, _ set: UInt8) -> SyncCoordinator {
    SyncCoordinator(own: head(count, set), ownRoot: root(set), remembered: cursor(10), opensLadder: true)
  }

  /// One that has reconciled with a peer of ten entries.
  private static func climbed(_ count: UInt64, _ set: UInt8) -> SyncCoordinator {
    var coordinator = coordinator(count, set)
    coordinator.ladderBegan(notice(10, 0), attempt: 0)
    _ = coordinator.ladderEnded(
      .exchanged(isSettled: true), peer: cursor(10), own: head(count, set), root: root(set))
    return coordinator
  }

  /// A peer whose store changes right after it began: what it holds comes by the reconciliation, and not by a pull too.
  @Test func whatThePeerSaysBeforeTheLadderIsNotPulled() {
    for remembered in [nil, Self.cursor(5)] {
      var coordinator = SyncCoordinator(own: Self.head(10, 10), ownRoot: Self.root(10), remembered: remembered)
      #expect(coordinator.peerState(Self.notice(12, 12)).isEmpty)
      #expect(coordinator.ownChanged(Self.head(11, 11), root: Self.root(11), byPull: false) == [.sendState])
      coordinator.ladderBegan(Self.notice(12, 12), attempt: 0)
      let actions = coordinator.ladderEnded(
        .exchanged(isSettled: true), peer: Self.cursor(12), own: Self.head(12, 12), root: Self.root(12))
      #expect(coordinator.isInStep && actions.contains(.inStep))
    }
  }

  @Test func aHeadThatWasReadEarlierDoesNotReplaceANewerOne() {
    var coordinator = Self.climbed(10, 10)
    #expect(coordinator.peerState(Self.notice(12, 12)).count == 1)
    _ = coordinator.ownChanged(Self.head(12, 12), root: Self.root(12), byPull: true)
    let actions = coordinator.pullEnded(
      covered: Self.cursor(12), settled: nil, own: Self.head(11, 11), root: Self.root(11))
    #expect(actions.contains(.inStep))
    #expect(coordinator.isInStep)
    #expect(!coordinator.contentsEnded(settled: nil, own: Self.head(11, 11), root: Self.root(11)).isEmpty)
    #expect(coordinator.isInStep)
  }

  @Test func whatThePeerSaidDuringTheLadderIsPulled() throws {
    var coordinator = Self.coordinator(10, 10)
    coordinator.ladderBegan(Self.notice(10, 0), attempt: 0)
    #expect(coordinator.peerState(Self.notice(11, 11)).isEmpty)
    let actions = coordinator.ladderEnded(
      .inStep, peer: Self.cursor(10), own: Self.head(10, 10), root: Self.root(10))
    guard case .pull(let plan) = try #require(actions.first) else {
      Issue.record("\(actions)")
      return
    }
    #expect(plan.since == Self.cursor(10))
    #expect(!coordinator.isInStep)
  }

  @Test func whoIsStillPullingWhenAPeerInStepLeavesIsInStep() {
    var coordinator = Self.climbed(10, 10)
    #expect(coordinator.peerState(Self.notice(11, 11)).count == 1)
    #expect(coordinator.peerState(Self.notice(11, 11, pulledThrough: 11)).isEmpty)
    let actions = coordinator.sessionEnded(own: Self.head(11, 11), root: Self.root(11))
    #expect(actions.contains(.inStep))
    #expect(actions.contains(.rememberBase(BaseRecord(head: Self.head(11, 11), peer: Self.cursor(11)))))
    var apart = Self.climbed(10, 10)
    #expect(apart.peerState(Self.notice(11, 11)).count == 1)
    #expect(apart.sessionEnded(own: Self.head(11, 12), root: Self.root(12)).isEmpty)
  }
}
