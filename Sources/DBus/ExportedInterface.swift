/// A call that a peer made of one of our objects.
public struct IncomingCall: Sendable {
  /// The caller's unique name; the bus vouches for it.
  public let sender: String
  public let path: ObjectPath
  public let interface: String
  public let member: String
  /// Of the types that the method declares.
  public let arguments: [DBusValue]
}

/// A method that peers may call. Every call runs in a task of its own.
public struct ExportedMethod: Sendable {
  public typealias Handler = @Sendable (IncomingCall) async throws(DBusError) -> [DBusValue]

  public let name: String
  public let input: DBusSignature
  public let output: DBusSignature
  let handler: Handler

  /// `handler` gets arguments of the types in `input` and returns those in `output`, or throws the error to answer
  /// with, see ``DBusError/reply(_:_:)``.
  public init(_ name: String, input: DBusSignature = "", output: DBusSignature = "", handler: @escaping Handler) {
    self.name = name
    self.input = input
    self.output = output
    self.handler = handler
  }
}

/// A property that peers may read, and write if there is a `set`.
public struct ExportedProperty: Sendable {
  public typealias Getter = @Sendable () -> DBusValue?
  public typealias Setter = @Sendable (DBusValue) async throws(DBusError) -> Void

  public let name: String
  public let type: DBusSignature
  let get: Getter
  let set: Setter?

  /// `get` runs on the bus thread: it looks up a value and returns, nil when the property is absent at present.
  /// `set` gets values of `type` only.
  public init(_ name: String, _ type: DBusSignature, get: @escaping Getter, set: Setter? = nil) {
    self.name = name
    self.type = type
    self.get = get
    self.set = set
  }

  /// A property that never changes.
  public init(_ name: String, constant: DBusValue) {
    self.init(name, constant.type, get: { constant })
  }
}

/// A signal that an interface emits; declared for introspection.
public struct ExportedSignal: Sendable {
  public let name: String
  public let arguments: DBusSignature

  public init(_ name: String, arguments: DBusSignature = "") {
    self.name = name
    self.arguments = arguments
  }
}

/// One interface of an exported object.
public struct ExportedInterface: Sendable {
  public let name: String
  public let methods: [ExportedMethod]
  public let properties: [ExportedProperty]
  public let signals: [ExportedSignal]

  public init(
    _ name: String, methods: [ExportedMethod] = [], properties: [ExportedProperty] = [], signals: [ExportedSignal] = []
  ) {
    self.name = name
    self.methods = methods
    self.properties = properties
    self.signals = signals
  }

  /// The values of all properties that are present.
  var values: DBusValue {
    var values: [String: DBusValue] = [:]
    for property in properties { values[property.name] = property.get() }
    return .properties(values)
  }
}
