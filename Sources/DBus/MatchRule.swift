/// Which signals a stream is to get. Every field that is set must match.
public struct MatchRule: Hashable, Sendable {
  /// A unique or well-known name. Of a well-known one, only its present owner is believed.
  public var sender: String?
  public var path: ObjectPath?
  /// This path and everything below it.
  public var pathNamespace: ObjectPath?
  public var interface: String?
  public var member: String?
  /// The first argument, a string.
  public var firstArgument: String?

  public init(
    sender: String? = nil, path: ObjectPath? = nil, pathNamespace: ObjectPath? = nil, interface: String? = nil,
    member: String? = nil, firstArgument: String? = nil
  ) {
    self.sender = sender
    self.path = path
    self.pathNamespace = pathNamespace
    self.interface = interface
    self.member = member
    self.firstArgument = firstArgument
  }

  /// The bus telling who owns `name` from now on.
  public static func ownerChanges(of name: String) -> MatchRule {
    MatchRule(
      sender: BusName.bus, path: "/org/freedesktop/DBus", interface: BusName.bus, member: "NameOwnerChanged",
      firstArgument: name)
  }

  /// The well-known name whose owner has to be known before this rule can match.
  var senderToResolve: String? {
    guard let sender, !sender.hasPrefix(":"), sender != BusName.bus else { return nil }
    return sender
  }

  /// The form that `AddMatch` takes.
  var text: String {
    var parts = ["type='signal'"]
    func add(_ key: String, _ value: String?) {
      guard let value else { return }
      // An apostrophe ends a quoted part; outside of quotes a backslash escapes it.
      let escaped = value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      parts.append("\(key)='\(escaped)'")
    }
    add("sender", sender)
    add("path", path?.text)
    add("path_namespace", pathNamespace?.text)
    add("interface", interface)
    add("member", member)
    add("arg0", firstArgument)
    return parts.joined(separator: ",")
  }

  /// Whether everything but the sender and the first argument fits.
  func matches(path: String, interface: String, member: String) -> Bool {
    (self.path.map { $0.text == path } ?? true)
      && (pathNamespace.map { ObjectPath(unchecked: path).isWithin($0) } ?? true)
      && (self.interface.map { $0 == interface } ?? true)
      && (self.member.map { $0 == member } ?? true)
  }
}
