extension DBusConnection {
  /// Makes `name` ours; never queues for it.
  /// - Throws: `nameTaken`, and as ``call(_:timeout:)``.
  public func requestName(_ name: String) async throws(DBusError) {
    let doNotQueue: UInt32 = 4
    let reply = try await call(.bus("RequestName", [.string(name), .uint32(doNotQueue)]))
    // 1 is primary owner, 4 already owner.
    switch reply.first?.asUInt32 {
    case 1, 4: return
    case 3: throw DBusError(.nameTaken, "the name belongs to somebody else")
    default: throw DBusError(.unexpectedReply, "an unknown answer to RequestName")
    }
  }

  /// Gives `name` back, if it is ours.
  public func releaseName(_ name: String) async throws(DBusError) {
    _ = try await call(.bus("ReleaseName", [.string(name)]))
  }

  /// The unique name that owns `name`; nil when nobody does.
  public func owner(of name: String) async throws(DBusError) -> String? {
    do throws(DBusError) {
      let reply = try await call(.bus("GetNameOwner", [.string(name)]))
      guard let owner = reply.first?.asString else {
        throw DBusError(.unexpectedReply, "GetNameOwner without a name")
      }
      return owner
    } catch {
      guard error.name == DBusErrorName.nameHasNoOwner else { throw error }
      return nil
    }
  }

  /// Of a signal from ``MatchRule/ownerChanges(of:)``: the name and its new owner, nil when nobody owns it now.
  public static func ownerChange(_ signal: DBusSignal) -> (name: String, owner: String?)? {
    guard signal.sender == BusName.bus, signal.member == "NameOwnerChanged", signal.arguments.count == 3,
      let name = signal.arguments[0].asString, let owner = signal.arguments[2].asString
    else { return nil }
    return (name, owner.isEmpty ? nil : owner)
  }
}
