/// Something that keeps a transport from working as it should, and what a person can do about it.
public struct TransportCondition: Hashable, Sendable {
  /// For programs: lower camel case, and never another meaning.
  public var code: String
  /// What was seen.
  public var reason: String
  /// What to do, in one line.
  public var remedy: String
  /// Whether connections are made all the same, to addresses that are known.
  public var isUsable: Bool

  public init(code: String, reason: String, remedy: String, isUsable: Bool) {
    self.code = code
    self.reason = reason
    self.remedy = remedy
    self.isUsable = isUsable
  }
}
