/// What the ladder decided to do next, and why, for people who want to know.
public struct RungChoice: Hashable, Sendable, CustomStringConvertible {
  public var rung: Rung
  public var reason: String

  public init(_ rung: Rung, _ reason: String) {
    self.rung = rung
    self.reason = reason
  }

  public var description: String { "\(rung.rawValue): \(reason)" }
}
