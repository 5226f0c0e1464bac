public import FieldWire

/// What a ``TransportManager`` has noticed or decided, for people and for programs that watch.
public enum TransportEvent: Hashable, Sendable {
  /// A device of the workspace came into reach; `nil` for one that was not recognised.
  case appeared(DeviceKey?, PeerAddress)
  case vanished(DeviceKey?, PeerAddress)
  /// - why: What made the connection wanted, and this transport the one.
  case connected(DeviceKey, TransportKind, why: String)
  case disconnected(DeviceKey, TransportKind, reason: String)
  /// What is between the two goes over another transport from now on.
  case moved(DeviceKey, from: TransportKind, to: TransportKind, why: String)
  case dialFailed(DeviceKey?, PeerAddress, reason: String, retryIn: Duration)
  /// Nothing is heard on a session with work to do; another way is looked for.
  case stalled(DeviceKey, TransportKind, silence: Duration)
  /// The session was closed because both sides hold the same.
  case quiet(DeviceKey, TransportKind)
  /// `nil`: the transport is well again.
  case condition(TransportKind, TransportCondition?)
}
