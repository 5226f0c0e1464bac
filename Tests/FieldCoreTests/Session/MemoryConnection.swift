import FieldCore
import Synchronization

/// Two connections back to back in memory, each direction bounded. What is sent can be looked at, altered and cut.
final class MemoryConnection: TransportConnection {
  typealias Tamper = @Sendable (_ index: Int, _ message: [UInt8]) -> [UInt8]?

  let kind = TransportKind.simulated
  let peerDescription = "memory"
  let maximumMessageByteCount: Int
  private let outgoing: Lane
  private let incoming: Lane

  private init(_ outgoing: Lane, _ incoming: Lane, _ maximumMessageByteCount: Int) {
    self.outgoing = outgoing
    self.incoming = incoming
    self.maximumMessageByteCount = maximumMessageByteCount
  }

  /// - Parameter tamper: Sees each message of the first side by its index; `nil` cuts the connection.
  static func pair(maximumMessageByteCount: Int = 65_535, tamper: Tamper? = nil) -> (MemoryConnection, MemoryConnection)
  {
    let there = Lane(tamper)
    let back = Lane(nil)
    return (
      MemoryConnection(there, back, maximumMessageByteCount), MemoryConnection(back, there, maximumMessageByteCount)
    )
  }

  var sentMessages: [[UInt8]] { outgoing.history }

  func send(_ message: [UInt8]) async throws(TransportError) {
    guard message.count <= maximumMessageByteCount else { throw TransportError(.messageTooLarge, "too large") }
    guard await outgoing.put(message) else { throw TransportError(.connectionLost, "cut") }
  }

  func receive() async throws(TransportError) -> [UInt8]? { await incoming.take() }

  func close() async {
    outgoing.end()
    incoming.end()
  }

  private final class Lane: Sendable {
    private struct State {
      var queue: [[UInt8]] = []
      var history: [[UInt8]] = []
      var isOver = false
      var reader: CheckedContinuation<Void, Never>?
      var writers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let tamper: Tamper?

    init(_ tamper: Tamper?) { self.tamper = tamper }

    var history: [[UInt8]] { state.withLock(\.history) }

    func put(_ message: [UInt8]) async -> Bool {
      while true {
        let (isDone, isOver, reader) = state.withLock { state -> (Bool, Bool, CheckedContinuation<Void, Never>?) in
          guard !state.isOver else { return (true, true, nil) }
          guard state.queue.count < 8 else { return (false, false, nil) }
          if let tamper {
            guard let altered = tamper(state.history.count, message) else {
              state.isOver = true
              defer { state.reader = nil }
              return (true, true, state.reader)
            }
            state.queue.append(altered)
          } else {
            state.queue.append(message)
          }
          state.history.append(message)
          defer { state.reader = nil }
          return (true, false, state.reader)
        }
        reader?.resume()
        if isDone { return !isOver }
        await withCheckedContinuation { continuation in
          let isReady = state.withLock { state in
            if state.isOver || state.queue.count < 8 { return true }
            state.writers.append(continuation)
            return false
          }
          if isReady { continuation.resume() }
        }
      }
    }

    func take() async -> [UInt8]? {
      while true {
        let (message, isOver, writers) = state.withLock {
          state -> ([UInt8]?, Bool, [CheckedContinuation<Void, Never>]) in
          guard !state.queue.isEmpty else { return (nil, state.isOver, []) }
          defer { state.writers = [] }
          return (state.queue.removeFirst(), false, state.writers)
        }
        for writer in writers { writer.resume() }
        if message != nil || isOver { return message }
        await withCheckedContinuation { continuation in
          let isReady = state.withLock { state in
            if state.isOver || !state.queue.isEmpty { return true }
            state.reader = continuation
            return false
          }
          if isReady { continuation.resume() }
        }
      }
    }

    func end() {
      let (reader, writers) = state.withLock { state in
        state.isOver = true
        defer {
          state.reader = nil
          state.writers = []
        }
        return (state.reader, state.writers)
      }
      reader?.resume()
      for writer in writers { writer.resume() }
    }
  }
}
