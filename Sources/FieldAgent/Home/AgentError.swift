import FieldCore
import FieldDocuments

/// What went wrong, for a person: what happened, and what to do next. Equality is on the code alone.
public struct AgentError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    case unexpected
    /// A part was done; doing it again goes on from there.
    case incomplete
    case peerNotFound
    /// The peer does not accept this device, or is not who it should be.
    case peerRefused
    /// A relay has no room for what is here.
    case peerFull
    case invalidInput
    /// No such document, field, database or file.
    case notFound
    case agentUnavailable
    case cannotWrite
    case damaged
    case busy
    case protocolViolation
    /// The system does not let this user at it.
    case permission
    /// This device's role in the workspace does not allow it.
    case notAllowed
    /// There is no workspace in the home directory.
    case notInitialized
    case alreadyInitialized
    /// The home's files do not fit each other or this version.
    case configuration
    /// The keys are under a passphrase, and nobody was there to give it.
    case locked
    case wrongPassphrase
  }

  public let code: Code
  public let message: String
  /// The next step.
  public let hint: String

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint ?? code.hint
  }

  public static func == (left: AgentError, right: AgentError) -> Bool { left.code == right.code }

  public var description: String { "\(message)\n\(hint)" }
}

extension AgentError.Code {
  /// The exit status of a command that ends with this error. More codes may be added: whoever does not know one takes
  /// it for a failure. Usage errors exit with 64.
  public var exitStatus: Int32 {
    switch self {
    case .unexpected: 1
    case .incomplete: 2
    case .peerNotFound: 3
    case .peerRefused: 4
    case .peerFull: 5
    case .invalidInput: 65
    case .notFound: 66
    case .agentUnavailable: 69
    case .cannotWrite: 73
    case .damaged: 74
    case .busy: 75
    case .protocolViolation: 76
    case .permission, .notAllowed, .locked, .wrongPassphrase: 77
    case .notInitialized, .alreadyInitialized, .configuration: 78
    }
  }

  /// The next step where nothing better is known.
  var hint: String {
    switch self {
    case .unexpected: "Run the command again; if it happens again, report it with the message above."
    case .incomplete: "Run the command again to go on."
    case .peerNotFound: "See that the other device is near, awake and runs its agent, then try again."
    case .peerRefused: "Ask an admin of the workspace for a new invitation ('fieldsync invite')."
    case .peerFull: "Ask who runs the relay for more room, or sync with the other devices directly."
    case .invalidInput: "See the command's '--help' for what it accepts."
    case .notFound: "List what there is with 'fieldsync ls'."
    case .agentUnavailable: "Start it with 'fieldsync agent'."
    case .cannotWrite: "Free space on the disk, or see that it is not read-only, then run the command again."
    case .damaged: "Run 'fieldsync verify' to see what is left, and sync with a peer that has the rest."
    case .busy: "Wait until the other fieldsync process is done, then run the command again."
    case .protocolViolation: "See that both devices run the same version of fieldsync."
    case .permission: "Run the command as the user that the files belong to."
    case .notAllowed: "Ask an admin of the workspace for a role that may do this."
    case .locked:
      "Run it at a terminal, or give the passphrase with '--passphrase-file FILE' or as the systemd credential "
        + "'\(PassphraseSource.credentialName)'."
    case .wrongPassphrase: "Type it again; there is no other way to the keys."
    case .notInitialized: "Found a workspace with 'fieldsync init --name NAME', or join one with 'fieldsync join'."
    case .alreadyInitialized: "Use another directory with '--home DIR'."
    case .configuration: "Install the newest version of fieldsync, or use another directory with '--home DIR'."
    }
  }
}

extension AgentError {
  /// Any error of the layers below, for a person.
  public init(_ error: any Error) {
    switch error {
    case let error as AgentError: self = error
    case let error as StoreError: self.init(error)
    case let error as DocumentError: self.init(error)
    case let error as SessionError: self.init(error)
    case let error as TransportError: self.init(error)
    case is CancellationError: self.init(.incomplete, "The command was interrupted.")
    default: self.init(.unexpected, "\(error)")
    }
  }

  private init(_ error: StoreError) {
    let code: Code =
      switch error.code {
      case .cannotWrite: .cannotWrite
      case .damaged: .damaged
      case .newerVersion, .otherWorkspace: .configuration
      case .busy: .busy
      case .closed: .unexpected
      case .refused: .notAllowed
      case .protocolViolation: .protocolViolation
      case .tooLarge: .invalidInput
      }
    self.init(code, "The store: \(error.reason).")
  }

  private init(_ error: SessionError) {
    let code: Code =
      switch error.code {
      case .stranger, .wrongCode, .handshakeFailed, .notAMember, .refused: .peerRefused
      case .ownReflection: .invalidInput
      case .protocolViolation, .incompatible: .protocolViolation
      case .timeout, .connectionLost, .closed, .streamReset: .incomplete
      case .storeFailed: .unexpected
      }
    self.init(code, "The session with the peer: \(error.reason).")
  }

  private init(_ error: TransportError) {
    let code: Code =
      switch error.code {
      case .unreachable: .peerNotFound
      case .badAddress: .invalidInput
      case .connectionLost, .closed: .incomplete
      case .protocolViolation, .messageTooLarge: .protocolViolation
      case .unavailable: .agentUnavailable
      }
    self.init(code, "The connection to the peer: \(error.reason).")
  }

  private init(_ error: DocumentError) {
    switch error.code {
    case .invalidName, .invalidValue: self.init(.invalidInput, "\(error.reason).")
    case .tooLarge:
      self.init(.invalidInput, "\(error.reason).", hint: "Put large values in files and attach them: KEY=@FILE.")
    case .noContentKeys: self.init(.notAllowed, "\(error.reason).")
    case .missingContent:
      self.init(.incomplete, "\(error.reason).", hint: "Sync with a device that has it, then run the command again.")
    case .unreadableContent: self.init(.damaged, "\(error.reason).")
    }
  }
}
