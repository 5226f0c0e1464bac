import FieldCore
import Synchronization

/// Tells any number of listeners who is near: first everybody who is there, then what changes.
final class SightingFeed: Sendable {
  /// Changes that wait in one stream; a listener that is slower loses the oldest.
  private static let queueCount = SightingTable.peerLimit

  private struct State {
    var table: SightingTable
    var listeners: [Int: AsyncStream<PeerSighting>.Continuation] = [:]
    var listenerCount = 0
    var isFinished = false
  }

  private let state: Mutex<State>

  init(lifetime: Duration) {
    state = Mutex(State(table: SightingTable(lifetime: lifetime)))
  }

  func sightings() -> AsyncStream<PeerSighting> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: PeerSighting.self, bufferingPolicy: .bufferingNewest(Self.queueCount))
    let id = state.withLock { state -> Int? in
      guard !state.isFinished else { return nil }
      for change in state.table.present { continuation.yield(PeerSighting(change)) }
      state.listenerCount += 1
      state.listeners[state.listenerCount] = continuation
      return state.listenerCount
    }
    guard let id else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
    }
    return stream
  }

  /// Called by one task at a time, so that changes keep their order.
  func update(_ body: (inout SightingTable) -> [SightingTable.Change]) {
    let (changes, listeners) = state.withLock { state in (body(&state.table), state.listeners) }
    // Outside of the lock: a listener that is just being cancelled waits for it.
    for change in changes {
      for listener in listeners.values { listener.yield(PeerSighting(change)) }
    }
  }

  func finish() {
    let listeners = state.withLock { state in
      state.isFinished = true
      defer { state.listeners = [:] }
      return state.listeners
    }
    for listener in listeners.values { listener.finish() }
  }
}

extension PeerSighting {
  fileprivate init(_ change: SightingTable.Change) {
    switch change {
    case .appeared(let address, let announcement):
      self.init(
        address: PeerAddress(kind: .bluetooth, location: address), change: .appeared, announcement: announcement)
    case .vanished(let address, let announcement):
      self.init(
        address: PeerAddress(kind: .bluetooth, location: address), change: .vanished, announcement: announcement)
    }
  }
}
