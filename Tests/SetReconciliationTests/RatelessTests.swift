import Testing

@testable import SetReconciliation

@Suite struct RatelessTests {
  static func difference(
    _ sets: (first: [KeyedID], second: [KeyedID]), _ indexes: Range<Int>
  ) throws -> RatelessCells {
    var cells = try #require(RatelessCells(indexes: indexes))
    var other = try #require(RatelessCells(indexes: indexes))
    cells.add(sets.first)
    for id in sets.second { other.add([id]) }
    let received = try #require(RatelessCells(bytes: other.bytes, indexes: indexes))
    let formed = cells.formDifference(with: received)
    #expect(received == other && formed)
    return cells
  }

  @Test func differencesAreFoundHoweverTheCellsCome() throws {
    var random = SeededRandom(1)
    for (first, second) in [(0, 0), (1, 0), (0, 2), (20, 30), (0, 400), (1_000, 1_000)] {
      let sets = random.sets(shared: 300, first: first, second: second)
      let expected = (sets.first.dropFirst(300) + sets.second.dropFirst(300)).map(\.value).sorted()
      for piece in [1, 7, 500, 5_000] where piece > 1 || expected.count < 100 {
        var decoder = RatelessDecoder()
        while !decoder.isComplete, decoder.cellCount < 10_000 {
          let cells = try Self.difference(sets, decoder.cellCount..<decoder.cellCount + piece)
          let followed = decoder.append(cells)
          #expect(followed)
        }
        #expect(decoder.symbols.sorted() == expected)
        #expect(decoder.cellCount < 3 * expected.count + 20 + piece)
      }
    }
  }

  /// The overhead of the paper: 1.35 to 1.72 cells a difference; one burst is enough in most cases.
  @Test func cellsNeededAreThoseOfThePaper() throws {
    var random = SeededRandom(2)
    var (oneBurst, cells) = (0, 0)
    for _ in 0..<20 {
      let sets = (random.ids(300), random.ids(0))
      var decoder = RatelessDecoder()
      while !decoder.isComplete {
        let count = decoder.cellCount
        let end = count == 0 ? 400 : count + 10
        let followed = decoder.append(try Self.difference(sets, count..<end))
        #expect(followed)
      }
      cells += decoder.cellCount
      oneBurst += decoder.cellCount <= RatelessCells.cellCount(differences: 300) + 9 ? 1 : 0
    }
    #expect(Double(cells) / 20 < 300 * 1.5)
    #expect(oneBurst >= 17)
  }

  @Test func cellsAreSharedAsTheMappingHasIt() throws {
    var random = SeededRandom(3)
    var counts = [Int](repeating: 0, count: 64)
    for id in random.ids(20_000) {
      var mapping = RatelessMapping(symbol: id.value)
      while mapping.index < 64 {
        counts[mapping.index] += 1
        mapping.advance()
      }
    }
    for (index, count) in counts.enumerated() {
      let share = 1 / (1 + Double(index) / 2)
      #expect(abs(Double(count) / 20_000 - share) < 0.035, "cell \(index)")
    }
  }

  /// Several ids go through the cells at once: no number of them, and no stretch, leaves one out.
  @Test func cellsAreTheDefinition() throws {
    var random = SeededRandom(6)
    for count in 0..<9 {
      let ids = random.ids(count)
      for range in [0..<1, 0..<50, 3..<4, 7..<90, 1_000..<1_003] {
        var expected = [RatelessCells.Cell](repeating: RatelessCells.Cell(), count: range.count)
        for id in ids {
          var mapping = RatelessMapping(symbol: id.value)
          while mapping.index < range.upperBound {
            if range.contains(mapping.index) {
              expected[mapping.index - range.lowerBound].add(id.value, RatelessMapping.check(id.value))
            }
            mapping.advance()
          }
        }
        var cells = try #require(RatelessCells(indexes: range))
        cells.add(ids)
        #expect(cells.cells == expected, "\(count) ids in \(range)")
      }
    }
  }

  @Test func sizesAreChecked() throws {
    #expect(RatelessCells(indexes: 3..<3) == nil && RatelessCells(indexes: -1..<2) == nil)
    #expect(RatelessCells(indexes: 0..<RatelessCells.cellLimit + 1) == nil)
    #expect(RatelessCells(bytes: [UInt8](repeating: 0, count: 23), indexes: 0..<2) == nil)
    #expect(RatelessCells(bytes: [], indexes: 0..<0) == nil)
    #expect(RatelessCells.cellCount(differences: .max) == RatelessCells.cellLimit)
    #expect(RatelessCells.cellCount(differences: .min) == 2)
    var decoder = RatelessDecoder()
    let late = decoder.append(try #require(RatelessCells(indexes: 1..<5)))
    #expect(!late)
    #expect(!decoder.isComplete)
  }

  /// Cells that all look as if they held one symbol, the same or another in each.
  @Test func fakeSinglesAreBounded() throws {
    var random = SeededRandom(4)
    for same in [true, false] {
      let symbol = random.next()
      var bytes: [UInt8] = []
      for _ in 0..<10_000 {
        let symbol = same ? symbol : random.next()
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: symbol >> UInt64(8 * shift))) }
        let check = RatelessMapping.check(symbol)
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: check >> UInt32(8 * shift))) }
      }
      var decoder = RatelessDecoder()
      let accepted = decoder.append(try #require(RatelessCells(bytes: bytes, indexes: 0..<10_000)))
      #expect(!accepted || !decoder.isComplete)
      #expect(decoder.symbols.count <= 10_000)
      let again = decoder.append(try #require(RatelessCells(indexes: 10_000..<10_001)))
      #expect(!decoder.isComplete && (accepted || !again))
    }
  }

  @Test func garbageAndFlippedBitsNeverComplete() throws {
    var random = SeededRandom(5)
    let honest = try Self.difference((random.ids(50), random.ids(50)), 0..<300).bytes
    for round in 0..<200 {
      var bytes = round < 20 ? random.bytes(3_600) : honest
      bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      var decoder = RatelessDecoder()
      _ = decoder.append(try #require(RatelessCells(bytes: bytes, indexes: 0..<300)))
      #expect(!decoder.isComplete)
      #expect(decoder.symbols.count <= 300)
    }
  }
}
