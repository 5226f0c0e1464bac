#if FIELD_DEFENCE_SWITCHES
  @testable import FieldCore
  import Testing

  /// Built by `Scripts/defences` alone: with each defence off, the attack that it stands against succeeds, so the test
  /// of that attack would fail.
  @Suite struct DefenceTests {
    private func attack(_ defence: Defence) async throws -> Bool {
      switch defence {
      case .contentHash: try await Attacks.alteredPayload()
      case .signature: try await Attacks.forgedEntry()
      case .membership: try await Attacks.strangersEntry()
      case .revocationCut: try await Attacks.entryAfterRevocation()
      case .settingAside: try await Attacks.entryBeforeTheNewsOfTheRevocation()
      case .identityProof:
        try await { village in try Attacks.borrowedIdentity(village, of: village.founder.keyPair) }(
          Village.make(memberCount: 0))
      case .ownReflection: try await Attacks.reflection(Village.make(memberCount: 0))
      case .authorization: try await Attacks.requestWithoutRole()
      case .epochExclusion: try Attacks.keyAfterRevocation()
      case .relayKeys: try Attacks.relayReads()
      case .warrant: try await Attacks.borrowedWarrant()
      }
    }

    @Test(arguments: Defence.allCases)
    func anAttackSucceedsOnceItsDefenceIsOff(_ defence: Defence) async throws {
      #expect(try await attack(defence) == false, "with all defences on")
      let succeeded = try await Defence.$off.withValue([defence]) { try await attack(defence) }
      #expect(succeeded, "nothing else stands in the way")
    }
  }
#endif
