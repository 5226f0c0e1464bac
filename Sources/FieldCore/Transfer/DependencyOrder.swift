import FieldWire

/// Puts what others depend on before them.
enum DependencyOrder {
  /// The same entries, each behind those of them that it depends on, and else in the order given.
  static func sorted(_ entries: [Entry], in workspace: WorkspaceID) -> [Entry] {
    let ids = entries.map { $0.header.id(in: workspace) }
    let places = Dictionary(zip(ids, ids.indices), uniquingKeysWith: { first, _ in first })
    let isSorted = zip(entries, ids.indices).allSatisfy { entry, index in
      entry.header.dependencies.allSatisfy { places[$0].map { $0 < index } ?? true }
    }
    guard !isSorted else { return entries }
    var sorted: [Entry] = []
    sorted.reserveCapacity(entries.count)
    // Depth first with a stack of its own, since chains are long. No cycles: ids are hashes.
    var visited = [Bool](repeating: false, count: entries.count)
    for start in entries.indices {
      var stack: [(index: Int, isExpanded: Bool)] = [(start, false)]
      while let (index, isExpanded) = stack.popLast() {
        if isExpanded {
          sorted.append(entries[index])
        } else if !visited[index] {
          visited[index] = true
          stack.append((index, true))
          for dependency in entries[index].header.dependencies.reversed() {
            if let place = places[dependency], !visited[place] { stack.append((place, false)) }
          }
        }
      }
    }
    return sorted
  }
}
