import FieldCore
import FieldWire

@testable import FieldDocuments

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

/// An entry of one document without the encryption around it.
struct TestEntry: Equatable {
  var id: EntryID
  var kind: EntryKind
  var dependencies: [EntryID]
  var record: ChangeRecord
}

struct MergeResult: Equatable {
  var fields: [String: FieldValue]
  var conflicts: [String: [FieldValue]]
  var isDeleted: Bool
}

func merge(_ entries: [TestEntry]) -> MergeResult {
  let graph = ChangeGraph(
    entries.map { ChangeGraph.Entry(id: $0.id, kind: $0.kind, dependencies: $0.dependencies) })
  var merge = DocumentMerge(graph)
  for (position, id) in graph.ids.enumerated() {
    guard let entry = entries.first(where: { $0.id == id }) else { continue }
    merge.apply(entry.record, at: position)
  }
  return MergeResult(fields: merge.result.fields, conflicts: merge.result.conflicts, isDeleted: merge.isDeleted)
}

/// The rules of ``DocumentMerge`` once more, by sets of ancestors: slow, and short enough to be seen to be right.
func mergeByDefinition(_ entries: [TestEntry]) -> MergeResult {
  let byID = Dictionary(entries.map { ($0.id, $0) }) { first, _ in first }
  var seen: [EntryID: Set<EntryID>] = [:]
  func ancestors(_ id: EntryID) -> Set<EntryID> {
    if let known = seen[id] { return known }
    var all: Set<EntryID> = []
    for dependency in byID[id]?.dependencies ?? [] where byID[dependency] != nil {
      all.formUnion(ancestors(dependency))
      all.insert(dependency)
    }
    seen[id] = all
    return all
  }
  let deletions = byID.values.filter { $0.kind == .delete }
  let returns = byID.values.filter { $0.kind == .undelete }
  func isShown(_ id: EntryID) -> Bool {
    deletions.allSatisfy { deletion in
      returns.contains { ancestors($0.id).contains(deletion.id) && ($0.id == id || ancestors(id).contains($0.id)) }
    }
  }
  var result = MergeResult(fields: [:], conflicts: [:], isDeleted: false)
  result.isDeleted = !deletions.allSatisfy { deletion in
    returns.contains { ancestors($0.id).contains(deletion.id) }
  }
  var assignments: [String: [(entry: TestEntry, value: FieldValue?)]] = [:]
  for entry in byID.values {
    for (field, value) in entry.record.operations { assignments[field, default: []].append((entry, value)) }
  }
  for (field, all) in assignments {
    let counting = all.filter { one in
      isShown(one.entry.id) && !all.contains { ancestors($0.entry.id).contains(one.entry.id) }
    }.sorted { ($0.entry.record.clock, $0.entry.id) > ($1.entry.record.clock, $1.entry.id) }
    guard let winner = counting.first else { continue }
    result.fields[field] = winner.value
    var losers: [FieldValue] = []
    for case let value? in counting.dropFirst().map(\.value) where value != winner.value && !losers.contains(value) {
      losers.append(value)
    }
    if !losers.isEmpty { result.conflicts[field] = losers }
  }
  return result
}

/// Several devices that edit one document, and now and then hear of each other's entries.
struct RandomHistory {
  private(set) var entries: [TestEntry] = []
  private var known: [Set<EntryID>]
  private var generator: SeededGenerator

  init(seed: UInt64, deviceCount: Int, entryCount: Int) throws {
    generator = SeededGenerator(seed: seed)
    known = Array(repeating: [], count: deviceCount)
    while entries.count < entryCount {
      let device = Int.random(in: 0..<deviceCount, using: &generator)
      if Int.random(in: 0..<3, using: &generator) == 0 {
        hear(device, Int.random(in: 0..<deviceCount, using: &generator))
      } else {
        try write(device)
      }
    }
  }

  /// Everything that the other device knows, or a random part of it, as when a connection is cut.
  private mutating func hear(_ device: Int, _ other: Int) {
    let all = known[other].sorted()
    let part = Bool.random(using: &generator) ? all : all.filter { _ in Bool.random(using: &generator) }
    known[device].formUnion(part)
  }

  private mutating func write(_ device: Int) throws {
    let mine = entries.filter { known[device].contains($0.id) }
    let named = Set(mine.flatMap(\.dependencies))
    let heads = mine.filter { !named.contains($0.id) }
    let clock = (heads.map(\.record.clock).max() ?? 0) + 1
    let state = merge(mine)
    var fields: [String: FieldValue] = [:]
    var removed: Set<String> = []
    for field in ["a", "b", "c"] where Bool.random(using: &generator) {
      if Int.random(in: 0..<4, using: &generator) == 0 {
        removed.insert(field)
      } else {
        fields[field] = .integer(Int64.random(in: 0..<5, using: &generator))
      }
    }
    let isDelete = !state.isDeleted && !mine.isEmpty && Int.random(in: 0..<6, using: &generator) == 0
    let words = (generator.next(), generator.next(), generator.next(), UInt64(entries.count))
    let entry = TestEntry(
      id: EntryID(words: words), kind: isDelete ? .delete : state.isDeleted ? .undelete : .documentChange,
      dependencies: heads.map(\.id),
      record: try ChangeRecord(name: "d", clock: clock, set: isDelete ? [:] : fields, remove: isDelete ? [] : removed))
    entries.append(entry)
    known[device].insert(entry.id)
  }

  mutating func shuffledWithDuplicates() -> [TestEntry] {
    (entries + entries.filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }).shuffled(using: &generator)
  }

  /// A part of the history, as on a device that has not heard everything.
  mutating func part() -> [TestEntry] { entries.filter { _ in Bool.random(using: &generator) } }
}
