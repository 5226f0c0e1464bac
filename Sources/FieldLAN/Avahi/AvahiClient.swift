import DBus
import FieldCore
import Glibc

/// One connection to a message bus, and the Avahi on it: publishes, browses and resolves for as long as the bus is
/// there. Avahi may come and go meanwhile.
actor AvahiClient {
  /// Where results go that outlive the client.
  struct Outlets: Sendable {
    let sightings: @Sendable ((inout AvahiPeerTable) -> [PeerSighting]) -> Void
    let condition: @Sendable (TransportCondition?) -> Void
  }

  private static let callLimit = Duration.seconds(5)

  private let connection: DBusConnection
  private let outlets: Outlets
  private var wanted: AvahiPublication?
  private var published: AvahiPublication?
  private var group: ObjectPath?
  private var resolvers = AvahiResolvers()
  private var browser: ObjectPath?
  private var isServiceThere = false
  private var isServerRunning = false
  private var isBrowsing = false
  private var isPublishing = false
  /// Added to the name after a collision.
  private var suffix = ""

  init(connection: DBusConnection, wanted: AvahiPublication?, outlets: Outlets) {
    self.connection = connection
    self.wanted = wanted
    self.outlets = outlets
  }

  /// Returns or throws when the bus is lost.
  func run() async throws(DBusError) {
    let signals = try await connection.signals([
      .ownerChanges(of: AvahiService.bus), MatchRule(sender: AvahiService.bus),
    ])
    if try await connection.owner(of: AvahiService.bus) != nil { await serviceCame() } else { serviceWent() }
    for try await signal in signals { await handle(signal) }
  }

  func publish(_ publication: AvahiPublication?) async {
    wanted = publication
    await update()
  }

  /// Tries again what did not work.
  func repair() async {
    guard isServiceThere else { return }
    if !isServerRunning || !isBrowsing { await serviceCame() }
    await update()
    await browseAnew()
    await resolveWaiting()
  }

  // MARK: Avahi itself

  private func serviceWent() {
    isServiceThere = false
    forgetServer()
    outlets.condition(
      TransportCondition(
        code: "discoveryUnavailable", reason: "avahi-daemon does not run, so peers on the LAN are not found",
        remedy: "start it (systemctl start avahi-daemon), or give addresses with --connect", isUsable: true))
  }

  private func forgetServer() {
    isServerRunning = false
    isBrowsing = false
    group = nil
    published = nil
    resolvers = AvahiResolvers()
    browser = nil
    outlets.sightings { $0.clear() }
  }

  private func serviceCame() async {
    isServiceThere = true
    do throws(DBusError) {
      let state = try await call("/", AvahiService.server, "GetState").first?.asInt32
      await serverState(state)
      try await browse()
    } catch {
      trouble("Avahi does not answer: \(error.reason)")
    }
  }

  private func serverState(_ state: Int32?) async {
    isServerRunning = state == AvahiService.serverRunning
    guard isServerRunning else {
      // Its host name is not settled, and with it everything that was published.
      published = nil
      return
    }
    await update()
  }

  private func trouble(_ reason: String) {
    outlets.condition(
      TransportCondition(
        code: "discoveryFailed", reason: reason,
        remedy: "see why: journalctl -u avahi-daemon; or give addresses with --connect", isUsable: true))
  }

  private func handle(_ signal: DBusSignal) async {
    if let change = DBusConnection.ownerChange(signal) {
      if isServiceThere { serviceWent() }
      if change.owner != nil { await serviceCame() }
      return
    }
    let arguments = signal.arguments
    switch (signal.interface, signal.member) {
    case (AvahiService.server, "StateChanged"): await serverState(arguments.first?.asInt32)
    case (AvahiService.group, "StateChanged"):
      guard signal.path == group else { break }
      await groupState(arguments.first?.asInt32)
    case (AvahiService.browser, "ItemNew"): await itemAppeared(arguments)
    case (AvahiService.browser, "ItemRemove"): await itemGone(arguments)
    case (AvahiService.browser, "Failure"):
      isBrowsing = false
      trouble("Avahi stopped looking for peers")
    case (AvahiService.resolver, "Found"): found(arguments)
    default: break
    }
  }

  // MARK: Publishing

  private func groupState(_ state: Int32?) async {
    switch state {
    case AvahiService.groupCollision:
      rename()
      await update()
    case AvahiService.groupFailure:
      published = nil
      trouble("Avahi could not publish this device")
    default: break
    }
  }

  /// Somebody else has the name.
  private func rename() {
    suffix = "-" + String(UInt32.random(in: .min ... .max), radix: 16)
    published = nil
  }

  /// One at a time, until what is wanted is published.
  private func update() async {
    guard !isPublishing else { return }
    isPublishing = true
    defer { isPublishing = false }
    while isServerRunning, published != wanted {
      let next = wanted
      do throws(DBusError) {
        try await replace(with: next)
      } catch {
        published = nil
        // Somebody on this machine has it; who else is on the network, Avahi finds out later.
        if error.name == AvahiService.collision, suffix.isEmpty {
          rename()
          continue
        }
        if isServiceThere, error.code != .disconnected { trouble("Avahi refuses to publish: \(error.reason)") }
        return
      }
      guard isServerRunning else { return }
      published = next
    }
    if isServerRunning, isBrowsing { outlets.condition(nil) }
  }

  private func replace(with publication: AvahiPublication?) async throws(DBusError) {
    if let published, let publication, published.name == publication.name, published.port == publication.port,
      let group
    {
      return try await add(named(publication).textRecord, AvahiService.update, to: group)
    }
    if let group { _ = try await call(group, AvahiService.group, "Reset") }
    guard let publication else { return }
    let group = try await makeGroup()
    guard let host = try await call("/", AvahiService.server, "GetHostNameFqdn").first?.asString,
      let records = named(publication).records(host: host)
    else { throw DBusError(.unexpectedReply, "Avahi has no host name") }
    for record in records { try await add(record, 0, to: group) }
    _ = try await call(group, AvahiService.group, "Commit")
  }

  private func named(_ publication: AvahiPublication) -> AvahiPublication {
    AvahiPublication(name: publication.name + suffix, port: publication.port, beacon: publication.beacon)
  }

  private func makeGroup() async throws(DBusError) -> ObjectPath {
    if let group { return group }
    guard let path = try await call("/", AvahiService.server, "EntryGroupNew").first?.asObjectPath else {
      throw DBusError(.unexpectedReply, "EntryGroupNew without a path")
    }
    group = path
    return path
  }

  private func add(
    _ record: AvahiPublication.Record, _ flags: UInt32, to group: ObjectPath
  ) async throws(DBusError) {
    _ = try await call(
      group, AvahiService.group, "AddRecord",
      [
        AvahiService.unspecified, AvahiService.unspecified, .uint32(record.flags | flags), .string(record.name),
        .uint16(DNSRecord.classInternet), .uint16(record.type), .uint32(AvahiService.lifetimeSeconds),
        .bytes(record.data),
      ])
  }

  // MARK: Browsing

  private func browse() async throws(DBusError) {
    guard !isBrowsing else { return }
    let reply = try await call(
      "/", AvahiService.server, "ServiceBrowserNew",
      [
        AvahiService.unspecified, AvahiService.unspecified, .string(AvahiService.type), .string(AvahiService.domain),
        .uint32(0),
      ])
    browser = reply.first?.asObjectPath
    isBrowsing = true
    if published == wanted { outlets.condition(nil) }
  }

  /// Avahi says of each service once that it is there, so those for which there was no room are asked for again.
  private func browseAnew() async {
    var isIncomplete = false
    outlets.sightings { table in
      isIncomplete = table.takeIncomplete()
      return []
    }
    guard isIncomplete, isBrowsing else { return }
    let old = browser
    isBrowsing = false
    // The old one ends last: what goes meanwhile is still told.
    guard (try? await browse()) != nil, let old else { return }
    _ = try? await call(old, AvahiService.browser, "Free")
  }

  /// Of what a signal begins with: interface (i), protocol (i), name (s).
  private func item(_ arguments: [DBusValue]) -> AvahiPeerTable.Item? {
    guard arguments.count > 5, let interface = arguments[0].asInt32, let addressProtocol = arguments[1].asInt32,
      let name = arguments[2].asString, name != wanted.map({ $0.name + suffix })
    else { return nil }
    return AvahiPeerTable.Item(interface: interface, addressProtocol: addressProtocol, name: name)
  }

  private func itemAppeared(_ arguments: [DBusValue]) async {
    guard let item = item(arguments) else { return }
    var isNew = false
    outlets.sightings { table in
      isNew = table.appeared(item)
      return []
    }
    guard isNew else { return }
    resolvers.appeared(item)
    _ = await resolve(item)
  }

  /// - Returns: Whether it is worth while to try others.
  private func resolve(_ item: AvahiPeerTable.Item) async -> Bool {
    guard resolvers.hasRoom else { return false }
    do throws(DBusError) {
      let reply = try await call(
        "/", AvahiService.server, "ServiceResolverNew",
        [
          .int32(item.interface), .int32(item.addressProtocol), .string(item.name), .string(AvahiService.type),
          .string(AvahiService.domain), AvahiService.unspecified, .uint32(0),
        ])
      guard let path = reply.first?.asObjectPath else {
        throw DBusError(.unexpectedReply, "ServiceResolverNew without a path")
      }
      // It may have gone meanwhile.
      if !resolvers.started(item, at: path) { await free(path) }
      return true
    } catch {
      let isForWantOfRoom = error.name == AvahiService.tooManyObjects
      resolvers.failed(item, isForWantOfRoom: isForWantOfRoom)
      return error.code == .errorReply && !isForWantOfRoom
    }
  }

  /// Services whose resolvers could not be made when they appeared.
  private func resolveWaiting() async {
    for path in resolvers.makeRoom() { await free(path) }
    for item in resolvers.waiting.prefix(AvahiResolvers.turnCount) where resolvers.waiting.contains(item) {
      guard await resolve(item) else { return }
    }
  }

  private func free(_ resolver: ObjectPath) async { _ = try? await call(resolver, AvahiService.resolver, "Free") }

  private func itemGone(_ arguments: [DBusValue]) async {
    guard let item = item(arguments) else { return }
    outlets.sightings { $0.gone(item) }
    if let resolver = resolvers.gone(item) { await free(resolver) }
  }

  /// interface (i), protocol (i), name (s), type (s), domain (s), host (s), address protocol (i), address (s),
  /// port (q), text (aay), flags (u).
  private func found(_ arguments: [DBusValue]) {
    guard let item = item(arguments), arguments.count >= 10, let address = arguments[7].asString,
      let port = arguments[8].asUInt16, let strings = arguments[9].asArray,
      let endpoint = Self.endpoint(address, port, item.interface)
    else { return }
    let announcement = AvahiService.announcement(in: strings.compactMap(\.asBytes))
    outlets.sightings { $0.resolved(item, at: endpoint.peerAddress, announcement: announcement) }
  }

  /// A link-local IPv6 address means something on its own network only.
  static func endpoint(_ address: String, _ port: UInt16, _ interface: Int32) -> TCPEndpoint? {
    // A name would be looked up, by whomever the network says.
    guard port != 0, isAddress(address) else { return nil }
    var host = address
    if address.lowercased().hasPrefix("fe80:") {
      guard let index = UInt32(exactly: interface), let name = Self.interfaceName(index) else { return nil }
      host += "%" + name
    }
    return TCPEndpoint(TCPEndpoint(host: host, port: port).description)
  }

  private static func isAddress(_ text: String) -> Bool {
    var four = in_addr()
    var six = in6_addr()
    return inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, text, &six) == 1
  }

  private static func interfaceName(_ index: UInt32) -> String? {
    var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
    guard if_indextoname(index, &name) != nil else { return nil }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func call(
    _ path: ObjectPath, _ interface: String, _ member: String, _ arguments: [DBusValue] = []
  ) async throws(DBusError) -> [DBusValue] {
    try await connection.call(
      MethodCall(AvahiService.bus, path, interface, member, arguments), timeout: Self.callLimit)
  }
}
