public import FieldCore
import FieldWire

/// What a peer's refusal means to a person.
extension RefusalsNotice.Item {
  public var reason: String {
    let what = entryCount == 1 ? "1 entry" : "\(entryCount) entries"
    return switch code {
    case .storeFull: "the relay is full, and did not take \(what)"
    case .clientQuota: "the relay keeps no more of what this device brings, and did not take \(what)"
    case .authorQuota:
      "the relay keeps no more of what \(author.map { String($0.description.prefix(8)) } ?? "an author") wrote, "
        + "and did not take \(what)"
    case .unknownAuthor: "the peer does not know an author yet, and did not take \(what)"
    case .revokedAuthor: "the peer knows that an author was revoked, and did not take \(what)"
    case .purged: "the peer has purged the document of \(what)"
    default: "the peer found \(what) wrong (\(code.rawValue))"
    }
  }

  /// The next step.
  public var remedy: String {
    let direct = "or sync with the other devices directly; nothing is lost here"
    return switch code {
    case .storeFull: "Ask who runs it for a higher --relay-quota, \(direct)."
    case .clientQuota: "Ask who runs it for a higher --relay-client-quota, \(direct)."
    case .authorQuota: "Ask who runs it for a higher --relay-author-quota, \(direct)."
    case .unknownAuthor: "It will, once it has met an admin's device."
    case .revokedAuthor, .purged: "Nothing has to be done."
    default: "Run 'fieldsync verify' here and there."
    }
  }
}

extension AgentStatus.NotTaken {
  init(_ item: RefusalsNotice.Item) {
    self.init(code: item.code.rawValue, entries: item.entryCount, reason: item.reason, remedy: item.remedy)
  }
}
