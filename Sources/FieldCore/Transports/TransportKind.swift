/// What carries a connection.
public enum TransportKind: String, Sendable, CaseIterable {
  case lan
  case bluetooth
  case simulated
}
