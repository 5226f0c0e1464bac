extension BusLoop {
  /// Adds a stream, and tells the bus. `completion` runs, once, when the bus has answered for all rules.
  func subscribe(
    _ id: UInt64, _ entry: Subscriptions.Entry, deadline: ContinuousClock.Instant,
    _ completion: @escaping (DBusError?) -> Void
  ) {
    subscriptions.entries[id] = entry
    for name in Set(entry.rules.compactMap(\.senderToResolve)) {
      subscriptions.owners[name, default: Subscriptions.Owner(current: nil, userCount: 0)].userCount += 1
      guard subscriptions.owners[name]?.userCount == 1 else { continue }
      call(.bus("AddMatch", [.string(MatchRule.ownerChanges(of: name).text)]), deadline: deadline) { _ in }
      // Asked after the rule is set, answered before the rules below are: no change of owner is missed.
      call(.bus("GetNameOwner", [.string(name)]), deadline: deadline) { [unowned self] result in
        guard case .success(let arguments) = result else { return }
        subscriptions.owners[name]?.current = arguments.first?.asString
      }
    }
    var unanswered = entry.rules.count
    var refusal: DBusError?
    for rule in entry.rules {
      call(.bus("AddMatch", [.string(rule.text)]), deadline: deadline) { [unowned self] result in
        unanswered -= 1
        if case .failure(let error) = result, refusal == nil {
          refusal = error
          unsubscribe(id)
        }
        if unanswered == 0 { completion(refusal) }
      }
    }
  }

  func unsubscribe(_ id: UInt64, failure: DBusError? = nil) {
    guard let entry = subscriptions.entries.removeValue(forKey: id) else { return }
    entry.continuation.finish(throwing: failure)
    let deadline = ContinuousClock.now + .seconds(25)
    for rule in entry.rules {
      call(.bus("RemoveMatch", [.string(rule.text)]), deadline: deadline) { _ in }
    }
    for name in Set(entry.rules.compactMap(\.senderToResolve)) {
      guard let userCount = subscriptions.owners[name]?.userCount else { continue }
      subscriptions.owners[name]?.userCount = userCount - 1
      guard userCount == 1 else { continue }
      subscriptions.owners[name] = nil
      call(.bus("RemoveMatch", [.string(MatchRule.ownerChanges(of: name).text)]), deadline: deadline) { _ in }
    }
  }

  func endAllSubscriptions(_ failure: DBusError) {
    let entries = subscriptions.entries.values
    subscriptions = Subscriptions()
    for entry in entries { entry.continuation.finish(throwing: failure) }
  }

  func deliver(_ message: borrowing Message) {
    // What libdbus itself says, of the connection's end, has no sender; the loop sees that end anyway.
    guard let sender = message.sender, let path = message.path, let interface = message.interface,
      let member = message.member
    else { return }
    let isOwnerChange = sender == BusName.bus && interface == BusName.bus && member == "NameOwnerChanged"
    let receivers = subscriptions.receivers(sender: sender, path: path, interface: interface, member: member)
    guard isOwnerChange || !receivers.isEmpty else { return }
    // A body that is over the limits is nothing that a stream can use; its header is a peer's choice.
    guard let arguments = try? message.arguments(limits) else { return }
    let first = arguments.first.flatMap { value in if case .string(let text) = value { text } else { nil } }
    if isOwnerChange, let name = first, subscriptions.owners[name] != nil, arguments.count == 3 {
      subscriptions.owners[name]?.current = arguments[2].asString.flatMap { $0.isEmpty ? nil : $0 }
    }
    let signal = DBusSignal(sender: sender, ObjectPath(unchecked: path), interface, member, arguments)
    for (id, rules) in receivers where rules.contains(where: { $0.firstArgument == nil || $0.firstArgument == first }) {
      if case .dropped = subscriptions.entries[id]?.continuation.yield(signal) {
        unsubscribe(id, failure: DBusError(.limitExceeded, "the stream of signals is not read"))
      }
    }
  }
}
