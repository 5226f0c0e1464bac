/// Why something is not an entry of this workspace. Equality is on the code alone.
public struct EntryError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The bytes are not an entry in its one valid encoding.
    case malformed
    /// The payload's bytes do not hash to the content hash in the header.
    case contentMismatch
    /// The signature is not the author's over this header in this workspace.
    case badSignature
    /// The author is not in the directory, or not in the role that this kind of entry asks for.
    case unknownAuthor
    /// The author's membership ended before this entry.
    case revokedAuthor
    /// The document was purged here.
    case purged
    /// No key for the payload's epoch is known.
    case unknownKeyEpoch
    /// The payload does not decrypt, or its padding is wrong.
    case undecryptable
    /// A revocation that would leave the workspace without an admin; only of this device's own entries.
    case lastAdmin
    /// Over a limit of ``EntryLimits``.
    case tooLarge
    /// A relay keeps no more of this author's, of what this client brings, or of anything, see ``StoreQuota``.
    case authorQuota
    case clientQuota
    case storeFull

    /// Whether the entry is welcome later, or elsewhere: nothing is wrong with it.
    public var isForLackOfRoom: Bool { self == .authorQuota || self == .clientQuota || self == .storeFull }
  }

  public let code: Code
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public static func == (left: EntryError, right: EntryError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}
