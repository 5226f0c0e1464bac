#if FIELD_DEFENCE_SWITCHES && !DEBUG
  #error("defences can be switched off in debug builds of the tests alone")
#endif

/// A defence that a test build may switch off for a task, to see that an attack then succeeds and a test notices it. In
/// every other build each is on, and there is nothing to switch.
package enum Defence: String, CaseIterable, Sendable {
  /// An entry's payload has to have the hash that its signed header names.
  case contentHash
  /// An entry's header has to be signed by its author.
  case signature
  /// An entry's author has to be a member.
  case membership
  /// What a revoked device wrote behind its revocation is refused.
  case revocationCut
  /// What came before the revocation was known is set aside once it is.
  case settingAside
  /// The peer's device key has to sign the handshake.
  case identityProof
  /// The peer must not be this device itself.
  case ownReflection
  /// A peer is answered only once the directory gives it a role.
  case authorization
  /// Who does not end the handshake in time is closed off.
  case handshakeDeadline
  /// A new epoch's keys go to nobody who was revoked.
  case epochExclusion
  /// A relay is given no content keys.
  case relayKeys
  /// A warrant has to be signed by the admin that it names, for the device that brings it.
  case warrant

  #if FIELD_DEFENCE_SWITCHES
    @TaskLocal package static var off: Set<Defence> = []
    package var isOff: Bool { Self.off.contains(self) }
  #else
    @inline(__always) package var isOff: Bool { false }
  #endif
}
