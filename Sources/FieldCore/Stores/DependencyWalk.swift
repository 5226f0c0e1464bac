/// The walk behind ``ContentAddressedStore/dependencies(of:stoppingAt:maximumDepth:)``, the same for every store.
public enum DependencyWalk {
  /// - Parameter node: Kind and dependencies of an entry; `nil` for one that is not there.
  /// - Returns: Each entry once, its dependencies before it.
  /// - Throws: What `node` throws, and ``StoreError`` with `tooLarge` for more than
  ///   ``StoreLimits/dependencyDepth`` entries.
  public static func ids(
    from start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int,
    node: (EntryID) throws -> (kind: EntryKind, dependencies: [EntryID])?
  ) throws -> [EntryID] {
    let reached = try reach(from: start, stoppingAt: stop, maximumDepth: maximumDepth, node: node)
    var ids: [EntryID] = []
    ids.reserveCapacity(reached.count)
    // Depth first, each entry behind what it depends on; an explicit stack, since chains are long.
    var visited: Set<EntryID> = []
    var stack: [(id: EntryID, isExpanded: Bool)] = [(start, false)]
    while let (id, isExpanded) = stack.popLast() {
      guard let dependencies = reached[id] else { continue }
      if isExpanded {
        ids.append(id)
      } else if visited.insert(id).inserted {
        stack.append((id, true))
        for dependency in dependencies.reversed() where !visited.contains(dependency) {
          stack.append((dependency, false))
        }
      }
    }
    return ids
  }

  /// Breadth first, so that each entry counts with its smallest depth.
  private static func reach(
    from start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int,
    node: (EntryID) throws -> (kind: EntryKind, dependencies: [EntryID])?
  ) throws -> [EntryID: [EntryID]] {
    var reached: [EntryID: [EntryID]] = [:]
    var level = [start]
    var depth = 0
    while !level.isEmpty, depth <= maximumDepth {
      var next: Set<EntryID> = []
      for id in level {
        guard let (kind, dependencies) = try node(id) else { continue }
        guard reached.count < StoreLimits.dependencyDepth else {
          throw StoreError(.tooLarge, "more than \(StoreLimits.dependencyDepth) dependencies")
        }
        reached[id] = kind == stop ? [] : dependencies
        if kind != stop { next.formUnion(dependencies) }
      }
      level = next.filter { reached[$0] == nil }
      depth += 1
    }
    return reached
  }
}
