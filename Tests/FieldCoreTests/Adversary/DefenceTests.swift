#if FIELD_DEFENCE_SWITCHES
  @testable import FieldCore
  import Testing

  /// Built by `Scripts/defences` alone: with each defence off, the named test of the attack that it stands against
  /// fails. A defence that nothing would miss is one that no test shows.
  @Suite struct DefenceTests {
    /// The test that shows the defence, by its name and as it is run elsewhere.
    private func test(of defence: Defence) -> (name: String, body: () async throws -> Void) {
      let (network, relay) = (AdversaryNetworkTests(), AdversaryRelayTests())
      return switch defence {
      case .contentHash, .signature, .membership:
        ("adversaryRelayForgesNothing", relay.adversaryRelayForgesNothing)
      case .revocationCut, .settingAside, .epochExclusion:
        ("adversaryRevokedDeviceIsRefusedAndSetAside", relay.adversaryRevokedDeviceIsRefusedAndSetAside)
      case .identityProof:
        ("adversaryInTheMiddleCannotNameAMembersKey", network.adversaryInTheMiddleCannotNameAMembersKey)
      case .ownReflection: ("adversaryReflectionIsNoPeer", network.adversaryReflectionIsNoPeer)
      case .authorization:
        ("adversaryWithTheKeyAndNoRoleIsToldNothing", network.adversaryWithTheKeyAndNoRoleIsToldNothing)
      case .handshakeDeadline:
        (
          "adversarySlowPeerIsGoneAtTheDeadline",
          { try await network.adversarySlowPeerIsGoneAtTheDeadline(messages: 0) }
        )
      case .relayKeys: ("adversaryRelayReadsNothing", { try relay.adversaryRelayReadsNothing() })
      case .warrant:
        ("adversaryWithABorrowedWarrantIsNoMember", relay.adversaryWithABorrowedWarrantIsNoMember)
      }
    }

    @Test(arguments: Defence.allCases)
    func theTestOfADefenceFailsOnceItIsOff(_ defence: Defence) async throws {
      let (name, body) = test(of: defence)
      // Counts as a failure of this test when the named one does not fail.
      await Defence.$off.withValue([defence]) {
        await withKnownIssue("\(name), with \(defence.rawValue) off") { try await body() }  // known, as it is off
      }
      print("\(defence.rawValue) off: \(name) fails")
    }
  }
#endif
