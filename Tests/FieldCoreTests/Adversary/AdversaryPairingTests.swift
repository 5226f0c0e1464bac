@testable import FieldCore
import FieldTesting
import FieldWire
import Sodium
import Testing

/// Who stands between two devices that pair by a code.
@Suite struct AdversaryPairingTests {
  /// It does not know the code, so it guesses, towards either side; each run is one guess.
  @Test func adversaryAtPairingSucceedsInNoneOfAThousandTries() throws {
    var successCount = 0
    for index in 0..<1000 {
      let code = SystemRandom.bytes(3)
      var guess = SystemRandom.bytes(3)
      while guess == code { guess = SystemRandom.bytes(3) }
      let honest = try CodeExchange.Request(code: code)
      if index.isMultiple(of: 2) {
        // It answers the joining device.
        let (answer, key) = try CodeExchange.answer(honest.message, code: guess)
        if try honest.key(answer: answer).secret == key.secret { successCount += 1 }
      } else {
        // It asks the inviting one.
        let request = try CodeExchange.Request(code: guess)
        let (answer, key) = try CodeExchange.answer(request.message, code: code)
        if try request.key(answer: answer).secret == key.secret { successCount += 1 }
      }
    }
    #expect(successCount == 0)
  }

  /// It passes one side's message on and puts its own in the place of the other's.
  @Test func adversaryAtPairingCannotMixMessages() throws {
    let code: [UInt8] = [1, 2, 3]
    let request = try CodeExchange.Request(code: code)
    var altered = request.message
    altered[Domain.code.count] ^= 1  // the run's session
    let (answer, key) = try CodeExchange.answer(altered, code: code)
    #expect(try request.key(answer: answer).secret != key.secret)
    let (other, _) = try CodeExchange.answer(try CodeExchange.Request(code: code).message, code: code)
    #expect(try request.key(answer: other).secret != key.secret)
  }

  /// What is sent before the handshake is the same for everybody, or drawn anew: neither the code nor anything made of
  /// it alone names the meeting.
  @Test func adversaryAtPairingSeesNoNameOfACode() throws {
    let code: [UInt8] = [0xC0, 0xDE, 0x77]
    let messages = try (0..<50).map { _ in try CodeExchange.Request(code: code).message }
    #expect(Set(messages.map { $0.prefix(Domain.code.count) }) == [ArraySlice(Domain.code)])
    for place in stride(from: Domain.code.count, to: messages[0].count, by: 8) {
      #expect(Set(messages.map { $0[place..<min(place + 8, $0.count)] }).count == messages.count, "byte \(place)")
    }
  }

  @Test func whatIsNoElementIsRefused() throws {
    let request = try CodeExchange.Request(code: [1, 2, 3])
    for answer in [[], [UInt8](repeating: 0, count: 32), [UInt8](repeating: 0xFF, count: 32)] as [[UInt8]] {
      #expect(throws: SessionError.self) { try request.key(answer: answer) }
    }
    var identity = request.message
    identity.replaceSubrange(identity.count - 32..<identity.count, with: [UInt8](repeating: 0, count: 32))
    #expect(throws: SessionError.self) { try CodeExchange.answer(identity, code: [1, 2, 3]) }
  }

  @Test func aCodeMakesASessionWhoseEndsShowTheSameWords() async throws {
    let (near, far) = MemoryConnection.pair()
    let (tablet, laptop) = (SigningKeyPair(), SigningKeyPair())
    async let joining = SessionEstablisher(identity: tablet, clock: ContinuousClock())
      .initiate(on: near, withCode: [7, 8, 9])
    let inviting = try await SessionEstablisher(identity: laptop, clock: ContinuousClock())
      .respond(on: far, with: [], claimCode: { [7, 8, 9] })
    let session = try await joining
    #expect(session.secrets.checkBytes == inviting.secrets.checkBytes && session.secrets.checkBytes.count == 4)
    #expect(session.peer.bytes == laptop.publicKey && inviting.peer.bytes == tablet.publicKey)
    #expect(inviting.secrets.purpose == .code)
  }

  @Test func aWrongCodeEndsBothSidesAndSaysSo() async throws {
    let (near, far) = MemoryConnection.pair()
    let joining = Task {
      try await SessionEstablisher(identity: SigningKeyPair(), clock: ContinuousClock())
        .initiate(on: near, withCode: [7, 8, 9])
    }
    await #expect(throws: SessionError(.wrongCode, "")) {
      try await SessionEstablisher(identity: SigningKeyPair(), clock: ContinuousClock())
        .respond(on: far, with: [], claimCode: { [7, 8, 8] })
    }
    await #expect(throws: SessionError.self) { try await joining.value }
  }

  /// Who tries a code and falls silent has used it up like anybody else, and whoever showed it has to hear that.
  @Test func adversaryThatFallsSilentAfterTryingACodeHasTriedIt() async throws {
    for hasTried in [true, false] {
      let clock = VirtualClock()
      let (near, far) = MemoryConnection.pair()
      if hasTried { try await near.send(try CodeExchange.Request(code: [1, 2, 3]).message) }
      await #expect(throws: SessionError(hasTried ? .wrongCode : .timeout, "")) {
        _ = try await SimulatedThread.run(clock, within: .seconds(60)) {
          try await SessionEstablisher(identity: SigningKeyPair(), clock: clock)
            .respond(on: far, with: [], claimCode: { [1, 2, 3] })
        }
      }
    }
  }

  @Test func withoutAnOpenCodeNothingIsAnswered() async throws {
    let (near, far) = MemoryConnection.pair()
    try await near.send(try CodeExchange.Request(code: [1, 2, 3]).message)
    await #expect(throws: SessionError(.stranger, "")) {
      try await SessionEstablisher(identity: SigningKeyPair(), clock: ContinuousClock()).respond(on: far, with: [])
    }
    #expect(far.sentMessages.isEmpty)
  }
}
