/// The signals that match a set of rules, in the order of the bus. Ends with `disconnected` when the bus goes, and with
/// `limitExceeded` when its reader is too slow. Dropping it, or cancelling its reader, takes the rules back.
public struct DBusSignals: AsyncSequence, Sendable {
  public typealias Element = DBusSignal
  public typealias Failure = DBusError

  let stream: AsyncThrowingStream<DBusSignal, any Error>

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(base: stream.makeAsyncIterator())
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    var base: AsyncThrowingStream<DBusSignal, any Error>.Iterator

    public mutating func next() async throws(DBusError) -> DBusSignal? {
      try await next(isolation: nil)
    }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws(DBusError) -> DBusSignal? {
      do {
        return try await base.next(isolation: actor)
      } catch {
        throw error as? DBusError ?? DBusError(.disconnected, "the stream of signals ended")
      }
    }
  }
}
