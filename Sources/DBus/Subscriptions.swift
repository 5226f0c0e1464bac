/// The streams of signals of one connection, and who owns the names that they listen to.
struct Subscriptions {
  struct Entry {
    let rules: [MatchRule]
    let continuation: AsyncThrowingStream<DBusSignal, any Error>.Continuation
  }

  struct Owner {
    /// The unique name; nil while nobody owns the name, or nobody has told.
    var current: String?
    var userCount: Int
  }

  var entries: [UInt64: Entry] = [:]
  var owners: [String: Owner] = [:]

  /// The streams that are to get a signal, but for the first argument.
  func receivers(sender: String, path: String, interface: String, member: String) -> [(UInt64, [MatchRule])] {
    entries.compactMap { id, entry in
      let rules = entry.rules.filter { rule in
        isBelieved(sender, by: rule) && rule.matches(path: path, interface: interface, member: member)
      }
      return rules.isEmpty ? nil : (id, rules)
    }
  }

  private func isBelieved(_ sender: String, by rule: MatchRule) -> Bool {
    if let name = rule.senderToResolve { return owners[name]?.current == sender }
    return rule.sender.map { $0 == sender } ?? true
  }
}
