import FieldCore

/// One document's entries, each after the ones that it depends on, and the one question that a merge asks of them: had
/// the author of this entry seen that one? Dependencies that are not there, or not the document's, are left out.
///
/// Answers take constant time. An entry after which all branches have met is a cut: everything before it is behind it.
/// Between cuts the entries are dealt out to chains, in which each is behind the next, so that what is behind an entry
/// is one position per chain (Jagadish 1990, "A Compression Technique to Materialize Transitive Closure").
struct ChangeGraph {
  struct Entry {
    var id: EntryID
    var kind: EntryKind
    var dependencies: [EntryID]
  }

  private struct Node {
    let id: EntryID
    let kind: EntryKind
    let chain: Int
    /// Every entry up to this position is behind this one; -1 for none.
    let floor: Int
    /// By chain, the last position in it that is behind this entry, where above the floor.
    let reach: [Int: Int]
  }

  private var nodes: [Node] = []
  private var chainEnds: [Int] = []
  /// Positions of the entries that no other one depends on.
  private(set) var heads: Set<Int> = []

  init(_ entries: [Entry]) {
    nodes.reserveCapacity(entries.count)
    var indices: [EntryID: Int] = [:]
    for (index, entry) in entries.enumerated() where indices[entry.id] == nil { indices[entry.id] = index }
    var waitingFor = Array(repeating: 0, count: entries.count)
    var dependants: [Int: [Int]] = [:]
    let unique = entries.indices.filter { indices[entries[$0].id] == $0 }
    for index in unique {
      for dependency in Set(entries[index].dependencies) {
        guard let other = indices[dependency] else { continue }
        waitingFor[index] += 1
        dependants[other, default: []].append(index)
      }
    }
    var ready = unique.filter { waitingFor[$0] == 0 }
    var positions: [EntryID: Int] = [:]
    var next = 0
    while next < ready.count {
      let entry = entries[ready[next]]
      positions[entry.id] = nodes.count
      append(entry, parents: Set(entry.dependencies.compactMap { positions[$0] }))
      for dependant in dependants[ready[next]] ?? [] {
        waitingFor[dependant] -= 1
        if waitingFor[dependant] == 0 { ready.append(dependant) }
      }
      next += 1
    }
  }

  var count: Int { nodes.count }
  var ids: [EntryID] { nodes.map(\.id) }

  func id(at position: Int) -> EntryID { nodes[position].id }

  func positions(of kind: EntryKind) -> [Int] { nodes.indices.filter { nodes[$0].kind == kind } }

  /// Whether the entry at `earlier` is the one at `later`, or its author had seen it.
  func isBehind(_ earlier: Int, _ later: Int) -> Bool {
    let node = nodes[later]
    return earlier <= node.floor || node.reach[nodes[earlier].chain] ?? -1 >= earlier
  }

  private mutating func append(_ entry: Entry, parents: Set<Int>) {
    let position = nodes.count
    heads.subtract(parents)
    heads.insert(position)
    var chain = chainEnds.count
    if let extended = parents.first(where: { chainEnds[nodes[$0].chain] == $0 }) {
      chain = nodes[extended].chain
      chainEnds[chain] = position
    } else {
      chainEnds.append(position)
    }
    var floor = position
    var reach: [Int: Int] = [:]
    if heads.count > 1 {
      floor = parents.map { nodes[$0].floor }.max() ?? -1
      for parent in parents { reach.merge(nodes[parent].reach, uniquingKeysWith: max) }
      reach = reach.filter { $0.value > floor }
      reach[chain] = position
    }
    nodes.append(Node(id: entry.id, kind: entry.kind, chain: chain, floor: floor, reach: reach))
  }
}
