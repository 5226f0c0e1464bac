import FieldWire
import Synchronization

/// What one side of a session did not take of the other's entries, as far as the other is told of it.
final class RefusalRecord: Sendable {
  private struct Key: Hashable {
    var code: EntryError.Code
    var author: DeviceKey?
  }

  private let counts = Mutex<[Key: UInt64]>([:])

  /// - Returns: Whether the other side should be told: something new is refused, of which more may be on its way.
  func add(_ report: PullReport) -> Bool {
    counts.withLock { counts in
      let before = counts.count
      for (code, count) in report.refusals where code != .authorQuota {
        counts[Key(code: code, author: nil), default: 0] += UInt64(clamping: count)
      }
      for (author, count) in report.authorsWithoutRoom {
        counts[Key(code: .authorQuota, author: author), default: 0] += UInt64(clamping: count)
      }
      return counts.count > before
    }
  }

  var items: [RefusalsNotice.Item] {
    counts.withLock { counts in
      counts.map { RefusalsNotice.Item(code: $0.key.code, entryCount: $0.value, author: $0.key.author) }
        .sorted { ($0.code.rawValue, $0.author ?? .zero) < ($1.code.rawValue, $1.author ?? .zero) }
    }
  }

  func replace(by notice: RefusalsNotice) {
    let pairs = notice.items.map { (Key(code: $0.code, author: $0.author), $0.entryCount) }
    counts.withLock { $0 = Dictionary(pairs, uniquingKeysWith: { first, _ in first }) }
  }

  /// Whether there is no use in sending an entry of `author`.
  func refuses(_ author: DeviceKey) -> Bool {
    counts.withLock { counts in
      counts.keys.contains { $0.code.isForLackOfRoom && ($0.author == nil || $0.author == author) }
    }
  }
}
