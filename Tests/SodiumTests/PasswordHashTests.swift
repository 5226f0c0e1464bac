import Testing

@testable import Sodium

@Suite struct PasswordHashTests {
  private func key(_ passphrase: String, salt: [UInt8], _ cost: PasswordHash.Cost = .least) throws -> [UInt8] {
    try PasswordHash.key(from: SecretBytes(copying: Array(passphrase.utf8)), salt: salt, cost: cost)
      .withUnsafeBytes { Array($0) }
  }

  /// Computed with another implementation, argon2-cffi: `hash_secret_raw(b"correct horse", bytes(range(16)), 3, 64,
  /// parallelism=1, hash_len=32, type=Type.ID)`.
  @Test func agreesWithAnotherImplementation() throws {
    let cost = PasswordHash.Cost(passCount: 3, memoryKibibyteCount: 64)
    #expect(
      try key("correct horse", salt: Array(0..<16), cost)
        == hex("a1dc6a57c61d5fb470584e24085ea3216fd369c61bcd5f845745f9cb0ed02fca"))
  }

  @Test func everyInputCounts() throws {
    let salt = [UInt8](0..<16)
    let usual = try key("passphrase", salt: salt)
    #expect(try key("passphrase", salt: salt) == usual)
    #expect(try key("Passphrase", salt: salt) != usual)
    #expect(try key("passphrase", salt: salt.reversed()) != usual)
    #expect(try key("passphrase", salt: salt, .init(passCount: 2, memoryKibibyteCount: 8)) != usual)
    #expect(try key("", salt: salt) != usual)
    #expect(throws: SodiumError(.invalidLength, "")) { try key("passphrase", salt: []) }
  }

  @Test func costsAreHeldToALimit() {
    let limit = PasswordHash.Cost(passCount: 4, memoryKibibyteCount: 1024)
    #expect(limit.isWithin(limit) && PasswordHash.Cost.least.isWithin(limit))
    for (passes, memory) in [(0, 64), (5, 64), (1, 7), (1, 1025), (UInt32.max, 64), (1, UInt32.max)]
      as [(UInt32, UInt32)]
    {
      #expect(!PasswordHash.Cost(passCount: passes, memoryKibibyteCount: memory).isWithin(limit))
    }
  }
}
