/// What a session is for. It is in the handshake's prologue, so one cannot be taken for the other.
public enum SessionPurpose: UInt8, Sendable {
  /// Members and relays of the workspace sync. The pre-shared key is the presence key.
  case sync = 1
  /// A device with an invitation asks to be let in. The pre-shared key comes from the invitation's secret.
  case join = 2
  /// A device whose user was told a code asks to be let in. The pre-shared key comes from a run of ``CodeExchange``;
  /// the workspace is not known yet, and zero in the prologue.
  case code = 3
}
