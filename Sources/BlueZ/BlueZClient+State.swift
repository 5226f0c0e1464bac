import DBus
import Synchronization

extension BlueZClient {
  /// What the client and the task that follows the signals share.
  final class State: Sendable {
    private struct Contents {
      var model = ObjectModel()
      var isServiceRunning = false
      var isEnded = false
      var streams: [Int: AsyncStream<BlueZEvent>.Continuation] = [:]
      var streamCount = 0
    }

    private let contents = Mutex(Contents())

    var isServiceRunning: Bool { contents.withLock { $0.isServiceRunning } }

    var isEnded: Bool { contents.withLock { $0.isEnded } }

    func withModel<Result>(_ body: (ObjectModel) -> Result) -> Result {
      contents.withLock { body($0.model) }
    }

    func subscribe(limit: Int) -> AsyncStream<BlueZEvent> {
      // The first events are what is present, however much that is.
      let (stream, continuation) = AsyncStream.makeStream(
        of: BlueZEvent.self, bufferingPolicy: .bufferingOldest(limit + 2 * ObjectModel.objectLimit))
      let id = contents.withLock { contents -> Int? in
        guard !contents.isEnded else { return nil }
        for event in contents.model.present { continuation.yield(event) }
        contents.streamCount += 1
        contents.streams[contents.streamCount] = continuation
        return contents.streamCount
      }
      guard let id else {
        continuation.finish()
        return stream
      }
      continuation.onTermination = { [weak self] _ in
        self?.contents.withLock { $0.streams[id] = nil }
      }
      return stream
    }

    /// Reads all objects. What signals say of the time before comes again afterwards, in order, and ends the same.
    func load(from connection: DBusConnection) async throws(DBusError) {
      let reply = try await connection.call(
        MethodCall(serviceName, .root, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
        timeout: defaultTimeout)
      guard let managed = reply.first else {
        throw DBusError(.unexpectedReply, "GetManagedObjects without objects")
      }
      update { contents in
        let isNews = !contents.isServiceRunning
        contents.isServiceRunning = true
        let events = contents.model.reset(managed)
        return isNews ? [.serviceBack] + events : events
      }
    }

    func follow(_ signals: DBusSignals, _ connection: DBusConnection) async {
      do throws(DBusError) {
        for try await signal in signals {
          if let change = DBusConnection.ownerChange(signal) {
            try await ownerChanged(change.owner, connection)
          } else {
            apply(signal)
          }
        }
      } catch {
        // The streams' end says that this client is of no more use.
      }
      end()
    }

    private func ownerChanged(_ owner: String?, _ connection: DBusConnection) async throws(DBusError) {
      if isServiceRunning {
        update { contents in
          contents.isServiceRunning = false
          return contents.model.clear() + [.serviceGone]
        }
      }
      guard owner != nil else { return }
      do throws(DBusError) {
        try await load(from: connection)
      } catch {
        // Gone again already: the next change of owner is on its way.
        guard BlueZError(error).code == .serviceGone else { throw error }
      }
    }

    private func apply(_ signal: DBusSignal) {
      let arguments = signal.arguments
      update { contents in
        switch signal.member {
        case "InterfacesAdded":
          guard arguments.count == 2, let path = arguments[0].asObjectPath else { return [] }
          return contents.model.add(path, arguments[1])
        case "InterfacesRemoved":
          guard arguments.count == 2, let path = arguments[0].asObjectPath, let names = arguments[1].asStrings else {
            return []
          }
          return contents.model.remove(path, names)
        case "PropertiesChanged":
          guard arguments.count == 3, let interface = arguments[0].asString else { return [] }
          return contents.model.change(
            signal.path, interface, arguments[1], invalidated: arguments[2].asStrings ?? [])
        default: return []
        }
      }
    }

    /// Only the one task that follows the signals changes anything, so events keep their order.
    private func update(_ body: (inout Contents) -> [BlueZEvent]) {
      let (events, streams) = contents.withLock { contents in (body(&contents), contents.streams) }
      guard !events.isEmpty else { return }
      // Outside of the lock: a stream's end calls back into it, and a reader that is just being cancelled waits for
      // that.
      for (id, stream) in streams {
        for event in events {
          guard case .dropped = stream.yield(event) else { continue }
          contents.withLock { $0.streams[id] = nil }
          stream.finish()
          break
        }
      }
    }

    func end() {
      let streams = contents.withLock { contents in
        contents.isEnded = true
        contents.isServiceRunning = false
        defer { contents.streams = [:] }
        return contents.streams
      }
      for stream in streams.values { stream.finish() }
    }
  }
}
