import Foundation
import Readiness
import Testing

@testable import L2CAP

/// The addresses of the lab's adapters.
private enum Lab {
  static let addresses = (ProcessInfo.processInfo.environment["FIELD_LAB_ADDRESSES"] ?? "").split(separator: " ")
    .compactMap { text in
      LowEnergyAddress(text.split(separator: ":").compactMap { UInt8($0, radix: 16) }, .public)
    }
}

/// Against the kernel, between two adapters of one machine that hear each other, the first of which advertises. The lab
/// makes such a machine and names the adapters' addresses in `FIELD_LAB_ADDRESSES`.
@Suite(.enabled(if: Lab.addresses.count == 2, "run it in the lab"), .serialized, .timeLimit(.minutes(3)))
struct LiveChannelTests {
  private static let packetByteCount = 1974
  private let server: LowEnergyAddress
  private let client: LowEnergyAddress

  init() throws {
    (server, client) = (try #require(Lab.addresses.first), try #require(Lab.addresses.last))
  }

  private static func packet(_ index: Int) -> [UInt8] {
    (0..<packetByteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index &* 7) }
  }

  private static func after(_ limit: Duration) -> @Sendable () async -> Void {
    { try? await ContinuousClock().sleep(for: limit) }
  }

  private func connect(_ psm: UInt16, within limit: Duration = .seconds(20)) async throws(L2CAPError) -> L2CAPChannel {
    try await L2CAPChannel.connect(from: client, to: server, psm: psm, deadline: Self.after(limit))
  }

  /// Both ends of a new channel.
  private func pair() async throws -> (L2CAPListener, near: L2CAPChannel, far: L2CAPChannel) {
    let listener = try L2CAPListener(on: server, backlog: 1)
    #expect(L2CAPListener.dynamicPSMs.contains(listener.psm))
    async let accepted = listener.accept()
    let near = try await connect(listener.psm)
    return (listener, near, try await accepted)
  }

  @Test func packetsArriveWholeAndInOrderBothWays() async throws {
    let (listener, near, far) = try await pair()
    #expect(far.peer == client && near.peer == server)
    #expect(near.sendByteCount == Int(L2CAPChannel.receiveByteCount))
    let count = 40
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (sender, receiver) in [(near, far), (far, near)] {
        group.addTask { for index in 0..<count { try await sender.send(Self.packet(index)) } }
        group.addTask {
          for index in 0..<count {
            let packet = try await receiver.receive()
            #expect(packet == Self.packet(index))
          }
        }
      }
      while try await group.next() != nil {}
    }
    near.close()
    #expect(try await far.receive() == nil)
    listener.close()
  }

  /// The kernel holds the sender up; nothing is dropped, and the adapter lives.
  @Test func aReaderThatStallsHoldsTheSenderUp() async throws {
    let (listener, near, far) = try await pair()
    var sentCount = 0
    let socket = near.socket
    // Until there is no room for as long as a packet takes by far.
    while sentCount < 1000 {
      if try socket.send(Self.packet(sentCount)) {
        sentCount += 1
        continue
      }
      let blocked = Task { try await socket.wait(for: .writable) }
      let timer = Task {
        await Self.after(.seconds(1))()
        blocked.cancel()
      }
      let isBlocked = await blocked.result.isCancellation
      timer.cancel()
      if isBlocked { break }
    }
    #expect(sentCount < 1000, "a sender that is never held up")
    let last = sentCount
    async let sending: Void = near.send(Self.packet(last))
    for index in 0...last { #expect(try await far.receive() == Self.packet(index)) }
    try await sending
    far.close()
    listener.close()
  }

  /// Kernels before 6.10 take a peer's credit from the packet size: with their own 672 bytes hardly a packet is ahead.
  @Test func aLargeReceiveSizeGivesMoreCredit() async throws {
    let listener = try L2CAPListener(on: server, backlog: 1)
    var sentCounts: [Int] = []
    for byteCount in [UInt16(672), L2CAPChannel.receiveByteCount] {
      let receiving = try L2CAPSocket(boundTo: client, psm: 0, receiveByteCount: byteCount)
      async let accepted = listener.accept()
      try receiving.connect(to: server, psm: listener.psm)
      try await receiving.wait(for: .writable)
      #expect(try receiving.connectionError() == nil)
      let sender = try await accepted
      #expect(sender.sendByteCount == Int(byteCount))
      // What goes out while nobody reads: packets of the smaller size, until the socket says that it is full.
      var sentCount = 0
      while sentCount < 1000, try sender.socket.send([UInt8](repeating: 1, count: 672)) { sentCount += 1 }
      sentCounts.append(sentCount)
      receiving.close()
      sender.close()
    }
    #expect(sentCounts[0] < sentCounts[1], "\(sentCounts)")
    listener.close()
  }

  @Test func aPSMWithoutAListenerRefuses() async throws {
    let error = await #expect(throws: L2CAPError.self) { _ = try await connect(0xF0) }
    #expect(error?.code == .refused)
  }

  @Test func nobodyThereEndsByTheDeadline() async throws {
    let absent = try #require(LowEnergyAddress([0, 0xAA, 1, 9, 9, 9], .public))
    let error = await #expect(throws: L2CAPError.self) {
      _ = try await L2CAPChannel.connect(from: client, to: absent, psm: 0x80, deadline: Self.after(.seconds(2)))
    }
    #expect(error?.code == .timedOut)
    // And the adapter is as it was.
    let (listener, near, far) = try await pair()
    far.close()
    #expect(try await near.receive() == nil)
    listener.close()
  }

  @Test func closingEndsWhatWaits() async throws {
    let (listener, near, far) = try await pair()
    let reading = Task { try await near.receive() }
    let accepting = Task { try await listener.accept() }
    near.close()
    listener.close()
    await #expect(throws: L2CAPError(.closed, "")) { _ = try await reading.value }
    await #expect(throws: L2CAPError(.closed, "")) { _ = try await accepting.value }
    // The kernel has closed it too, although the poller was waiting for it.
    #expect(try await far.receive() == nil)
    far.close()
  }
}

extension Result {
  fileprivate var isCancellation: Bool {
    if case .failure(let error as L2CAPError) = self { error.code == .cancelled } else { false }
  }
}
