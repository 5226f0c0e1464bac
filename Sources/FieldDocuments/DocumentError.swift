/// A document operation that cannot be done. Equality is on the code alone. Trouble with the store below comes as the
/// store's own error.
public struct DocumentError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// An empty or too long name of a database, document or field.
    case invalidName
    /// A value that has no encoding, such as a number that is not finite.
    case invalidValue
    /// Over a limit of ``DocumentLimits``, or of the size of one entry.
    case tooLarge
    /// This device holds no content keys: it is a relay, or was not given them yet.
    case noContentKeys
    /// A part of the attachment is not on this device.
    case missingContent
    /// A part of the attachment is here and does not decrypt.
    case unreadableContent
  }

  public let code: Code
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public static func == (left: DocumentError, right: DocumentError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}
