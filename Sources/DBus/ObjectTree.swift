/// The objects that a connection exports. The standard interfaces are answered from here.
struct ObjectTree {
  struct Object {
    let interfaces: [ExportedInterface]
    let isManager: Bool

    func interface(_ name: String) -> ExportedInterface? {
      interfaces.first { $0.name == name }
    }

    /// A dictionary from interface names to properties, as `ObjectManager` passes them around.
    var description: DBusValue {
      .dictionary(
        interfaces.map { DBusEntry(.string($0.name), $0.values) }, key: "s", value: "a{sv}")
    }
  }

  private var objects: [ObjectPath: Object] = [:]

  subscript(path: ObjectPath) -> Object? {
    get { objects[path] }
    set { objects[path] = newValue }
  }

  /// Whether the path is an object's, or leads to one.
  func contains(_ path: ObjectPath) -> Bool {
    objects.keys.contains { $0.isWithin(path) }
  }

  /// The object managers that announce what happens at `path`: those strictly above it.
  func managers(of path: ObjectPath) -> [ObjectPath] {
    objects.filter { $0.value.isManager && $0.key != path && path.isWithin($0.key) }.map(\.key)
  }

  /// What `GetManagedObjects` returns at `manager`.
  func managedObjects(below manager: ObjectPath) -> DBusValue {
    let managed = objects.filter { $0.key != manager && $0.key.isWithin(manager) }.sorted { $0.key < $1.key }
    return .dictionary(
      managed.map { DBusEntry(.objectPath($0.key), $0.value.description) }, key: "o", value: "a{sa{sv}}")
  }

  /// The names one level below `path`.
  private func children(of path: ObjectPath) -> [String] {
    let prefix = path == .root ? "/" : path.text + "/"
    let names = objects.keys.compactMap { other -> String? in
      guard other != path, other.text.hasPrefix(prefix) else { return nil }
      return other.text.dropFirst(prefix.count).split(separator: "/").first.map(String.init)
    }
    return Set(names).sorted()
  }

  /// What `Introspect` returns; nil when there is nothing at `path` nor below.
  func introspection(_ path: ObjectPath) -> String? {
    guard contains(path) else { return nil }
    var xml = """
      <!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN" \
      "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
      <node>

      """
    if let object = objects[path] {
      for interface in object.interfaces + Self.standardInterfaces(isManager: object.isManager) {
        xml += Self.introspection(interface)
      }
    }
    for child in children(of: path) { xml += "  <node name=\"\(child)\"/>\n" }
    return xml + "</node>\n"
  }

  private static func introspection(_ interface: ExportedInterface) -> String {
    var xml = "  <interface name=\"\(interface.name)\">\n"
    for method in interface.methods {
      xml += "    <method name=\"\(method.name)\">\n"
      for type in method.input.completeTypes { xml += "      <arg type=\"\(type)\" direction=\"in\"/>\n" }
      for type in method.output.completeTypes { xml += "      <arg type=\"\(type)\" direction=\"out\"/>\n" }
      xml += "    </method>\n"
    }
    for signal in interface.signals {
      xml += "    <signal name=\"\(signal.name)\">\n"
      for type in signal.arguments.completeTypes { xml += "      <arg type=\"\(type)\"/>\n" }
      xml += "    </signal>\n"
    }
    for property in interface.properties {
      let access = property.set == nil ? "read" : "readwrite"
      xml += "    <property name=\"\(property.name)\" type=\"\(property.type)\" access=\"\(access)\"/>\n"
    }
    return xml + "  </interface>\n"
  }

  /// What every object offers; for introspection only, the bus thread answers these itself.
  private static func standardInterfaces(isManager: Bool) -> [ExportedInterface] {
    func method(_ name: String, _ input: DBusSignature = "", _ output: DBusSignature = "") -> ExportedMethod {
      ExportedMethod(name, input: input, output: output) { _ in [] }
    }
    var interfaces = [
      ExportedInterface(BusName.introspectable, methods: [method("Introspect", "", "s")]),
      ExportedInterface(BusName.peer, methods: [method("Ping"), method("GetMachineId", "", "s")]),
      ExportedInterface(
        BusName.properties,
        methods: [method("Get", "ss", "v"), method("GetAll", "s", "a{sv}"), method("Set", "ssv")],
        signals: [ExportedSignal("PropertiesChanged", arguments: "sa{sv}as")]),
    ]
    if isManager {
      interfaces.append(
        ExportedInterface(
          BusName.objectManager,
          methods: [method("GetManagedObjects", "", "a{oa{sa{sv}}}")],
          signals: [
            ExportedSignal("InterfacesAdded", arguments: "oa{sa{sv}}"),
            ExportedSignal("InterfacesRemoved", arguments: "oas"),
          ]))
    }
    return interfaces
  }
}
