import Testing

@testable import SetReconciliation

@Suite struct PinSketchTests {
  static func shorts(_ ids: some Sequence<KeyedID>) -> [UInt32] { ids.map(\.short).sorted() }

  @Test(arguments: FieldKernel.available) func everyDifferenceUpToTheCapacityIsFound(_ kernel: FieldKernel) throws {
    var random = SeededRandom(6)
    for capacity in [1, 2, 3, 8, 24, 40] {
      for count in 0...capacity {
        let sets = random.sets(shared: 50, first: count / 2, second: count - count / 2)
        var sketch = PinSketch(capacity: capacity)
        var other = PinSketch(capacity: capacity)
        sketch.add(sets.first, kernel: kernel)
        other.add(sets.second, kernel: kernel)
        let received = try #require(PinSketch(bytes: other.bytes, syndromes: 0..<capacity))
        #expect(received == other)
        let formed = sketch.formDifference(with: received)
        #expect(formed)
        let expected = Self.shorts(sets.first.dropFirst(50) + sets.second.dropFirst(50))
        #expect(sketch.decode(kernel: kernel) == expected, "\(count) of \(capacity)")
      }
    }
  }

  @Test(arguments: FieldKernel.available) func allKernelsMakeTheSameBytes(_ kernel: FieldKernel) {
    var random = SeededRandom(7)
    let ids = random.ids(100)
    var sketch = PinSketch(capacity: 21)
    var portable = PinSketch(capacity: 21)
    for batch in [ids[..<1], ids[1..<9], ids[9...]] { sketch.add(Array(batch), kernel: kernel) }
    portable.add(ids, kernel: .portable)
    #expect(sketch == portable)
    #expect(sketch.bytes.count == 84)
  }

  @Test func moreThanTheCapacityIsRefused() {
    var random = SeededRandom(8)
    for capacity in [8, 24, 64] {
      for excess in [1, 2, 10, 1000] {
        var sketch = PinSketch(capacity: capacity)
        sketch.add(random.ids(capacity + excess))
        #expect(sketch.decode() == nil)
      }
    }
  }

  @Test func extensionsNeedNothingSentAgain() throws {
    var random = SeededRandom(9)
    let ids = random.ids(30)
    var sketch = PinSketch(capacity: 20)
    sketch.add(ids)
    #expect(sketch.decode() == nil)
    var more = try #require(PinSketch(syndromes: 20..<33))
    more.add(ids)
    #expect(more.decode() == nil, "does not begin at 0")
    let received = try #require(PinSketch(bytes: more.bytes, syndromes: 20..<33))
    let extended = sketch.extend(by: received)
    #expect(extended)
    #expect(sketch.syndromes == 0..<33)
    #expect(sketch.decode() == Self.shorts(ids))
    var whole = PinSketch(capacity: 33)
    whole.add(ids)
    #expect(sketch == whole)
    let before = sketch
    let wrong = [sketch.extend(by: received), sketch.formDifference(with: more)]
    #expect(wrong == [false, false])
    #expect(sketch == before)
  }

  @Test func sizesAreChecked() {
    #expect(PinSketch(syndromes: 0..<129) == nil)
    #expect(PinSketch(syndromes: -1..<2) == nil)
    #expect(PinSketch(syndromes: 5..<5) == nil)
    #expect(PinSketch(bytes: [UInt8](repeating: 0, count: 95), syndromes: 0..<24) == nil)
    #expect(PinSketch(bytes: [UInt8](repeating: 0, count: 100), syndromes: 0..<24) == nil)
    #expect(PinSketch(bytes: [UInt8](repeating: 0, count: 96), syndromes: 0..<24)?.decode() == [])
    #expect(PinSketch(capacity: 0).syndromes == 0..<1 && PinSketch(capacity: .max).syndromes == 0..<128)
  }

  /// What an honest peer cannot send: random bytes, all ones, the last syndrome only, a flipped bit.
  @Test(arguments: FieldKernel.available) func garbageIsRefused(_ kernel: FieldKernel) throws {
    var random = SeededRandom(10)
    for capacity in [6, 24, 64, 128] {
      var garbage = (0..<10).map { _ in random.bytes(4 * capacity) }
      garbage.append([UInt8](repeating: 0xff, count: 4 * capacity))
      garbage.append([UInt8](repeating: 0, count: 4 * capacity - 1) + [1])
      var honest = PinSketch(capacity: capacity)
      honest.add(random.ids(capacity - 1))
      var flipped = honest.bytes
      flipped[4 * capacity / 2] ^= 4
      garbage.append(flipped)
      for bytes in garbage {
        let sketch = try #require(PinSketch(bytes: bytes, syndromes: 0..<capacity))
        #expect(sketch.decode(kernel: kernel) == nil)
      }
    }
  }

  /// Whatever comes out reproduces the sketch, also for small sketches that garbage satisfies now and then.
  @Test func whatIsDecodedHasTheseSums() throws {
    var random = SeededRandom(11)
    var found = 0
    for _ in 0..<500 {
      let sketch = try #require(PinSketch(bytes: random.bytes(8), syndromes: 0..<2))
      guard let shorts = sketch.decode() else { continue }
      found += 1
      var again = PinSketch(capacity: 2)
      again.add(shorts.map { KeyedID(UInt64($0)) })
      #expect(again == sketch)
      #expect(Set(shorts).count == shorts.count)
    }
    #expect((150...350).contains(found), "half of all quadratic polynomials split")
  }

  /// Elements of a subfield, runs of neighbours, and elements whose traces are alike.
  @Test func specialSetsAreFound() {
    let sets: [[UInt32]] = [
      Array(1...60), (0..<32).map { 1 << $0 }, [1, 0xffff_ffff], (1...64).map { $0 << 20 }, (1...63).map { $0 << 26 },
    ]
    for shorts in sets {
      var sketch = PinSketch(capacity: shorts.count)
      sketch.add(shorts.map { KeyedID(UInt64($0)) })
      #expect(sketch.decode() == shorts.sorted())
    }
  }
}
