/// A store that cannot do what it was asked. Equality is on the code alone.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The disk is full or read-only.
    case cannotWrite
    /// What is on disk is not what was written.
    case damaged
    /// The store was written by a newer version of this program.
    case newerVersion
    /// The store belongs to another workspace.
    case otherWorkspace
    /// Another process holds the store for longer than the deadline.
    case busy
    /// The store, or the peer behind it, is gone.
    case closed
    /// The peer does not offer this, or refuses it.
    case refused
    /// The peer broke the protocol.
    case protocolViolation
    /// A request over a limit of ``StoreLimits``.
    case tooLarge
  }

  public let code: Code
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public static func == (left: StoreError, right: StoreError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}

extension StoreError {
  /// For a draft that cannot become an entry.
  public init(refusing error: EntryError) {
    self.init(error.code == .tooLarge ? .tooLarge : .refused, error.reason)
  }
}
