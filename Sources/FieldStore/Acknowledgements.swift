import FieldCore
import FieldWire
import GRDB

/// Up to which arrival each member has everything that is here. What a relay says it holds may be headers alone.
struct Acknowledgements {
  private var arrivals: [DeviceKey: UInt64] = [:]

  init(_ directory: Directory, in database: Database) throws {
    let newest = try BaseTable(database: database).newestArrivals()
    for device in directory.devices where directory.role(of: device).map({ $0 >= .member }) ?? false {
      arrivals[device] = newest[device] ?? 0
    }
  }

  /// Every member has it, who wrote it and who brought it among them.
  func isNeededByNobody(arrival: UInt64, author: DeviceKey, source: DeviceKey?) -> Bool {
    arrivals.allSatisfy { $0.key == author || $0.key == source || $0.value >= arrival }
  }

  /// It has reached some member by this store.
  func isElsewhere(arrival: UInt64, author: DeviceKey, source: DeviceKey?) -> Bool {
    arrivals.contains { $0.key != author && $0.key != source && $0.value >= arrival }
  }

  /// Up to which arrival nothing may be dropped that might not have been by `old`.
  func agreement(with old: Acknowledgements) -> UInt64 {
    guard arrivals.count == old.arrivals.count else { return 0 }
    var end = UInt64.max
    for (device, arrival) in arrivals {
      guard let before = old.arrivals[device] else { return 0 }
      if arrival > before { end = min(end, before) }
    }
    return end
  }
}
