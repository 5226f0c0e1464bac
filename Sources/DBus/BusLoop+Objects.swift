import CDBus

extension BusLoop {
  // MARK: Changing the tree

  func export(_ object: ObjectTree.Object, at path: ObjectPath) throws(DBusError) {
    guard objects[path] == nil else { throw DBusError(.pathInUse, "an object is exported at that path") }
    objects[path] = object
    for manager in objects.managers(of: path) {
      let arguments = [.objectPath(path), object.description]
      try emit(DBusSignal(manager, BusName.objectManager, "InterfacesAdded", arguments))
    }
  }

  func unexport(_ path: ObjectPath) throws(DBusError) {
    guard let object = objects[path] else { return }
    objects[path] = nil
    for manager in objects.managers(of: path) {
      let arguments = [.objectPath(path), DBusValue.strings(object.interfaces.map(\.name))]
      try emit(DBusSignal(manager, BusName.objectManager, "InterfacesRemoved", arguments))
    }
  }

  func emit(_ signal: DBusSignal) throws(DBusError) {
    try send(Message.signal(signal, limits))
  }

  func emitPropertiesChanged(_ path: ObjectPath, _ interface: String, _ names: [String]) throws(DBusError) {
    guard let properties = objects[path]?.interface(interface)?.properties else { return }
    var changed: [String: DBusValue] = [:]
    var invalidated: [String] = []
    for property in properties where names.contains(property.name) {
      if let value = property.get() { changed[property.name] = value } else { invalidated.append(property.name) }
    }
    try emit(
      DBusSignal(
        path, BusName.properties, "PropertiesChanged",
        [.string(interface), .properties(changed), .strings(invalidated)]))
  }

  // MARK: Answering

  func answer(_ message: borrowing Message) {
    let address = ReplyAddress(sender: message.sender, serial: message.serial, isWanted: message.wantsReply)
    do throws(DBusError) {
      guard let path = message.path, let member = message.member else { return }
      let target = Target(path: ObjectPath(unchecked: path), interface: message.interface, member: member)
      if let reply = try standardReply(target, message) {
        send(.success(reply), to: address)
      } else {
        try startHandler(target, message, address)
      }
    } catch {
      send(.failure(error), to: address)
    }
  }

  private struct Target {
    let path: ObjectPath
    let interface: String?
    let member: String
  }

  private func startHandler(
    _ target: Target, _ message: borrowing Message, _ address: ReplyAddress
  ) throws(DBusError) {
    if target.interface == BusName.properties && target.member == "Set" {
      return try startSetter(target, message, address)
    }
    guard let object = objects[target.path] else {
      throw .reply(DBusErrorName.unknownObject, "no object at this path")
    }
    let interfaces = object.interfaces.filter { target.interface == nil || $0.name == target.interface }
    guard !interfaces.isEmpty else { throw .reply(DBusErrorName.unknownInterface, "no such interface here") }
    for interface in interfaces {
      guard let method = interface.methods.first(where: { $0.name == target.member }) else { continue }
      let arguments = try arguments(of: message, method.input)
      let call = IncomingCall(
        sender: address.sender ?? "", path: target.path, interface: interface.name, member: method.name,
        arguments: arguments)
      return try startTask(address, method.output) { () async throws(DBusError) in try await method.handler(call) }
    }
    throw .reply(DBusErrorName.unknownMethod, "no such method here")
  }

  private func startSetter(
    _ target: Target, _ message: borrowing Message, _ address: ReplyAddress
  ) throws(DBusError) {
    let arguments = try arguments(of: message, "ssv")
    let value = arguments[2].unwrapped
    let property = try property(target.path, arguments)
    guard let set = property.set else { throw .reply(DBusErrorName.propertyReadOnly, "this property is read-only") }
    guard value.type == property.type else {
      throw .reply(DBusErrorName.invalidArguments, "this property is of type \(property.type)")
    }
    try startTask(address, "") { () async throws(DBusError) in
      try await set(value)
      return []
    }
  }

  private func startTask(
    _ address: ReplyAddress, _ output: DBusSignature,
    _ body: @escaping @Sendable () async throws(DBusError) -> [DBusValue]
  ) throws(DBusError) {
    guard handlers.count < limits.handlersInFlight else {
      throw .reply(DBusErrorName.limitsExceeded, "too many calls at once")
    }
    handlersStarted += 1
    let id = handlersStarted
    handlers[id] = Task { [mailbox] in
      let result: Result<[DBusValue], DBusError>
      do throws(DBusError) {
        let reply = try await body()
        let isDeclared = DBusValue.signatureText(of: reply) == output.text
        result =
          isDeclared ? .success(reply) : .failure(DBusError(.invalidMessage, "the handler's reply is not as declared"))
      } catch {
        result = .failure(error)
      }
      mailbox.post { loop in
        loop.handlers[id] = nil
        loop.send(result, to: address)
      }
    }
  }

  private func send(_ result: Result<[DBusValue], DBusError>, to address: ReplyAddress) {
    guard address.isWanted else { return }
    do throws(DBusError) {
      switch result {
      case .success(let reply): try send(Message.reply(reply, to: address, limits))
      case .failure(let error): try send(Message.error(error, to: address, limits))
      }
    } catch {
      // What could not be sent may be the reply's own fault. When this fails too, the caller's timeout is left.
      _ = try? send(Message.error(.reply(DBusErrorName.failed, error.reason), to: address, limits))
    }
  }

  private func arguments(
    of message: borrowing Message, _ signature: DBusSignature
  ) throws(DBusError) -> [DBusValue] {
    guard message.signatureText == signature.text else {
      throw .reply(DBusErrorName.invalidArguments, "the arguments are not of the types \(signature)")
    }
    return try message.arguments(limits)
  }

  // MARK: Standard interfaces

  /// The answer to a call of a standard interface; nil when the call is of another one, or takes a task.
  private func standardReply(_ target: Target, _ message: borrowing Message) throws(DBusError) -> [DBusValue]? {
    switch (target.interface, target.member) {
    case (BusName.peer, "Ping"): return []
    case (BusName.peer, "GetMachineId"):
      guard let raw = dbus_get_local_machine_id() else { throw .reply(DBusErrorName.failed, "no machine id") }
      defer { dbus_free(raw) }
      return [.string(String(cString: raw))]
    case (BusName.introspectable, "Introspect"):
      guard let xml = objects.introspection(target.path) else {
        throw .reply(DBusErrorName.unknownObject, "nothing at this path")
      }
      return [.string(xml)]
    case (BusName.objectManager, "GetManagedObjects"):
      guard objects[target.path]?.isManager == true else { return nil }
      return [objects.managedObjects(below: target.path)]
    case (BusName.properties, "Get"):
      let arguments = try arguments(of: message, "ss")
      guard let value = try property(target.path, arguments).get() else {
        throw .reply(DBusErrorName.unknownProperty, "this property is absent at present")
      }
      return [.variant(value)]
    case (BusName.properties, "GetAll"):
      let arguments = try arguments(of: message, "s")
      guard let object = objects[target.path] else {
        throw .reply(DBusErrorName.unknownObject, "no object at this path")
      }
      guard let interface = arguments.first?.asString.flatMap({ object.interface($0) }) else {
        throw .reply(DBusErrorName.unknownInterface, "no such interface here")
      }
      return [interface.values]
    default: return nil
    }
  }

  private func property(_ path: ObjectPath, _ arguments: [DBusValue]) throws(DBusError) -> ExportedProperty {
    guard let object = objects[path] else { throw .reply(DBusErrorName.unknownObject, "no object at this path") }
    guard let interface = arguments[0].asString.flatMap({ object.interface($0) }) else {
      throw .reply(DBusErrorName.unknownInterface, "no such interface here")
    }
    guard let property = interface.properties.first(where: { $0.name == arguments[1].asString }) else {
      throw .reply(DBusErrorName.unknownProperty, "no such property here")
    }
    return property
  }
}
