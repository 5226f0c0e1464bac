import FieldCore
import FieldWire
import Testing

@testable import FieldDocuments

struct DocumentMergeTests {
  @Test(arguments: 0..<200)
  func anyOrderAndDuplicationComeToTheDefinedState(seed: Int) throws {
    var history = try RandomHistory(seed: UInt64(seed), deviceCount: 2 + seed % 4, entryCount: 10 + seed % 50)
    let expected = mergeByDefinition(history.entries)
    #expect(merge(history.entries) == expected)
    for _ in 0..<3 { #expect(merge(history.shuffledWithDuplicates()) == expected) }
  }

  @Test(arguments: 0..<100)
  func missingEntriesLeaveADefinedState(seed: Int) throws {
    var history = try RandomHistory(seed: UInt64(seed) + 1000, deviceCount: 3, entryCount: 30)
    let part = history.part()
    #expect(merge(part.reversed()) == mergeByDefinition(part))
  }

  @Test(arguments: 0..<6)
  func everyPermutationOfASmallHistoryComesToOneState(seed: Int) throws {
    let history = try RandomHistory(seed: UInt64(seed) + 2000, deviceCount: 3, entryCount: 6)
    let expected = mergeByDefinition(history.entries)
    var permutations = 0
    permute(history.entries, from: 0) { entries in
      permutations += 1
      #expect(merge(entries) == expected)
    }
    #expect(permutations == 720)
  }

  @Test func concurrentValuesStayReadableUntilAWriteHasSeenThem() throws {
    let root = try entry(1, clock: 1, set: ["f": .text("old")])
    let left = try entry(2, after: [root], clock: 2, set: ["f": .text("left")])
    let right = try entry(3, after: [root], clock: 2, set: ["f": .text("right")])
    let merged = merge([left, root, right])
    #expect(merged.fields == ["f": .text("right")])
    #expect(merged.conflicts == ["f": [.text("left")]])
    let resolved = merge([root, left, right, try entry(4, after: [left, right], clock: 3, set: ["f": .text("both")])])
    #expect(resolved.fields == ["f": .text("both")])
    #expect(resolved.conflicts.isEmpty)
  }

  @Test func higherClockWinsWhateverTheIdentifier() throws {
    let high = try entry(1, clock: 9, set: ["f": .integer(1)])
    let low = try entry(2, clock: 8, set: ["f": .integer(2)])
    #expect(merge([high, low]).fields == ["f": .integer(1)])
  }

  @Test func equalConcurrentValuesAreNoConflict() throws {
    let values: [FieldValue] = [.integer(1), .integer(1)]
    let entries = try values.enumerated().map { try entry(UInt64($0 + 1), clock: 1, set: ["f": $1]) }
    #expect(merge(entries).conflicts.isEmpty)
  }

  @Test func removalThatHasSeenAValueEndsIt() throws {
    let root = try entry(1, clock: 1, set: ["f": .bool(true), "g": .null])
    let removal = TestEntry(
      id: id(2), kind: .documentChange, dependencies: [root.id],
      record: try ChangeRecord(name: "d", clock: 2, remove: ["f"]))
    #expect(merge([removal, root]).fields == ["g": .null])
  }

  @Test func deletionWinsOverWhatItHadNotSeen() throws {
    let root = try entry(1, clock: 1, set: ["f": .integer(1)])
    let delete = try entry(2, .delete, after: [root], clock: 2)
    let concurrent = try entry(3, after: [root], clock: 7, set: ["f": .integer(2)])
    let later = try entry(4, after: [concurrent], clock: 8, set: ["g": .integer(3)])
    let merged = merge([later, concurrent, delete, root])
    #expect(merged == MergeResult(fields: [:], conflicts: [:], isDeleted: true))
  }

  @Test func returnShowsWhatFollowsItAlone() throws {
    let root = try entry(1, clock: 1, set: ["f": .integer(1), "g": .integer(1)])
    let delete = try entry(2, .delete, after: [root], clock: 2)
    let unseen = try entry(3, after: [root], clock: 9, set: ["f": .integer(2)])
    let back = try entry(4, .undelete, after: [delete], clock: 3, set: ["f": .integer(3)])
    let merged = merge([root, delete, unseen, back])
    #expect(merged == MergeResult(fields: ["f": .integer(3)], conflicts: [:], isDeleted: false))
    let deletedElsewhere = try entry(5, .delete, after: [root], clock: 2)
    #expect(merge([root, delete, deletedElsewhere, unseen, back]).isDeleted)
  }

  @Test func longHistoriesWithBranchesTakeLinearTime() throws {
    var entries = [try entry(1, clock: 1, set: ["f": .integer(0)])]
    var left = entries[0]
    var right = entries[0]
    for step in 0..<5000 {
      let clock = UInt64(step + 2)
      if step % 100 == 99 {
        left = try entry(
          UInt64(entries.count + 1), after: [left, right], clock: clock, set: ["f": .integer(Int64(step))])
        right = left
        entries.append(left)
      } else {
        left = try entry(UInt64(entries.count + 1), after: [left], clock: clock, set: ["f": .integer(Int64(step))])
        entries.append(left)
        right = try entry(UInt64(entries.count + 1), after: [right], clock: clock, set: ["g": .integer(Int64(step))])
        entries.append(right)
      }
    }
    let graph = ChangeGraph(entries.map { ChangeGraph.Entry(id: $0.id, kind: $0.kind, dependencies: $0.dependencies) })
    #expect(graph.heads == [graph.count - 1])
    #expect((0..<graph.count).allSatisfy { graph.isBehind($0, graph.count - 1) })
    #expect(!graph.isBehind(graph.count - 1, graph.count - 2))
  }

  private func id(_ number: UInt64) -> EntryID { EntryID(words: (number, 0, 0, 0)) }

  private func entry(
    _ number: UInt64, _ kind: EntryKind = .documentChange, after: [TestEntry] = [], clock: UInt64,
    set: [String: FieldValue] = [:]
  ) throws -> TestEntry {
    TestEntry(
      id: id(number), kind: kind, dependencies: after.map(\.id),
      record: try ChangeRecord(name: "d", clock: clock, set: set))
  }

  private func permute(_ entries: [TestEntry], from index: Int, _ body: ([TestEntry]) -> Void) {
    guard index < entries.count else { return body(entries) }
    for other in index..<entries.count {
      var swapped = entries
      swapped.swapAt(index, other)
      permute(swapped, from: index + 1, body)
    }
  }
}
