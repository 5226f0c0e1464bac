import FieldCore

/// What a document's entries come to. It depends on the set of entries alone: not on the order in which they arrived,
/// and not on any clock but the one that says which of two concurrent values is shown.
///
/// - A value counts until somebody who had seen it sets or removes the field again. Of the values that count, the one
///   with
///   the highest Lamport clock is shown (then the one of the highest entry id), and the others are its conflicts.
/// - A deletion wins over everything that it had not seen, and over everything that had not seen it: only a return
///   (``EntryKind/undelete``) whose author had seen the deletion, and what follows that return, is shown again.
struct DocumentMerge {
  private struct Assignment {
    let position: Int
    let clock: UInt64
    let id: EntryID
    let value: FieldValue?
  }

  /// A deletion that no later one includes, and the returns whose authors had seen it.
  private struct Deletion {
    let position: Int
    var returns: [Int]
  }

  let graph: ChangeGraph
  /// By the bytes of the field's name: Swift's strings are equal where their bytes differ.
  private var counting: [[UInt8]: [Assignment]] = [:]
  private var deletions: [Deletion] = []

  init(_ graph: ChangeGraph) {
    self.graph = graph
    for position in graph.positions(of: .delete) {
      deletions.removeAll { graph.isBehind($0.position, position) }
      deletions.append(Deletion(position: position, returns: []))
    }
    for position in graph.positions(of: .undelete) {
      for index in deletions.indices where graph.isBehind(deletions[index].position, position) {
        deletions[index].returns.append(position)
      }
    }
  }

  var isDeleted: Bool { deletions.contains { $0.returns.isEmpty } }

  /// Takes in what the entry at `position` says. Entries have to come in the graph's order; any may be left out.
  mutating func apply(_ record: ChangeRecord, at position: Int) {
    for (field, value) in record.operations {
      let assignment = Assignment(position: position, clock: record.clock, id: graph.id(at: position), value: value)
      var others = counting[Array(field.utf8)] ?? []
      others.removeAll { graph.isBehind($0.position, position) }
      counting[Array(field.utf8)] = others + [assignment]
    }
  }

  /// The fields as shown and the conflicts, newest first.
  var result: (fields: [String: FieldValue], conflicts: [String: [FieldValue]]) {
    var fields: [String: FieldValue] = [:]
    var conflicts: [String: [FieldValue]] = [:]
    for (bytes, assignments) in counting.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let live = assignments.filter { isShown($0.position) }.sorted { ($0.clock, $0.id) > ($1.clock, $1.id) }
      guard let winner = live.first else { continue }
      let name = String(decoding: bytes, as: UTF8.self)
      fields[name] = winner.value
      var losers: [FieldValue] = []
      for case let value? in live.dropFirst().map(\.value) where value != winner.value && !losers.contains(value) {
        losers.append(value)
      }
      conflicts[name] = losers.isEmpty ? nil : losers
    }
    return (fields, conflicts)
  }

  private func isShown(_ position: Int) -> Bool {
    deletions.allSatisfy { deletion in deletion.returns.contains { graph.isBehind($0, position) } }
  }
}
