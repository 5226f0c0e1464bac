import Synchronization

/// Says that nobody waits for a call's answer any more. Set from any thread.
final class CallTicket: Sendable {
  private let flag = Atomic(false)

  var isCancelled: Bool { flag.load(ordering: .acquiring) }

  func cancel() { flag.store(true, ordering: .releasing) }
}

/// Calls that wait for their answers, by serial number.
struct PendingCalls {
  typealias Completion = (Result<[DBusValue], DBusError>) -> Void

  struct Entry {
    let ticket: CallTicket
    /// Who alone may answer, when that is known.
    let responder: String?
    let deadline: ContinuousClock.Instant
    let completion: Completion
  }

  private var entries: [UInt32: Entry] = [:]

  mutating func insert(_ serial: UInt32, _ entry: Entry) {
    entries[serial] = entry
  }

  /// The call that a reply answers.
  mutating func take(_ serial: UInt32, from sender: String?) -> Entry? {
    guard let entry = entries[serial], entry.responder == nil || entry.responder == sender else { return nil }
    entries[serial] = nil
    return entry
  }

  /// All entries for which `predicate` holds.
  mutating func takeAll(where predicate: (Entry) -> Bool) -> [Entry] {
    let taken = entries.filter { predicate($0.value) }
    for serial in taken.keys { entries[serial] = nil }
    return taken.sorted { $0.key < $1.key }.map(\.value)
  }

  var nextDeadline: ContinuousClock.Instant? { entries.values.map(\.deadline).min() }
}
