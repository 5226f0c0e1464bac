import Testing

@testable import SetReconciliation

@Suite struct PartitionTests {
  /// Both sides as messages would make them; the decoder's end, with how many bytes were sent.
  static func run(
    _ plan: PartitionPlan, _ sets: (first: [KeyedID], second: [KeyedID])
  ) throws -> (decoder: PartitionDecoder, byteCount: Int, extensions: Int) {
    var difference = PartitionedSketch(plan: plan)
    var other = PartitionedSketch(plan: plan)
    difference.add(sets.first)
    other.add(sets.second)
    let received = try #require(PartitionedSketch(plan: plan, bytes: other.bytes))
    let formed = difference.formDifference(with: received)
    #expect(formed && received == other)
    var decoder = try #require(PartitionDecoder(difference: difference))
    decoder.decode()
    var (byteCount, extensions) = (plan.byteCount, 0)
    while let asked = decoder.nextExtension() {
      let heard = try #require(
        PartitionExtension(bucketCount: asked.bucketCount, bitmap: asked.bitmap, syndromes: asked.syndromes))
      #expect(heard == asked)
      var more = PartitionedSketch(extension: asked)
      var otherMore = PartitionedSketch(extension: heard)
      more.add(sets.first)
      otherMore.add(sets.second)
      let answer = try #require(PartitionedSketch(extension: asked, bytes: otherMore.bytes))
      let formed = more.formDifference(with: answer)
      let extended = decoder.extend(with: more)
      #expect(formed && extended)
      decoder.decode()
      byteCount += asked.bitmap.count + asked.byteCount
      extensions += 1
    }
    return (decoder, byteCount, extensions)
  }

  static func expected(_ sets: (first: [KeyedID], second: [KeyedID]), shared: Int, bucketCount: Int) -> [UInt64] {
    (sets.first.dropFirst(shared) + sets.second.dropFirst(shared))
      .map { UInt64($0.bucket(of: bucketCount)) << 32 | UInt64($0.short) }.sorted()
  }

  @Test func differencesAreFound() throws {
    var random = SeededRandom(1)
    for differences in [0, 1, 30, 100, 1_000, 3_000] {
      let sets = random.sets(shared: 500, first: differences / 3, second: differences - differences / 3)
      for plan in [
        PartitionPlan.lean(differences: differences), .balanced(differences: differences),
        .padded(differences: differences),
      ] {
        let end = try Self.run(plan, sets)
        #expect(end.decoder.isComplete)
        #expect(end.decoder.solved == Self.expected(sets, shared: 500, bucketCount: plan.bucketCount))
        #expect(end.extensions <= 3)
        #expect(differences < 1_000 || end.byteCount < 7 * differences, "\(end.byteCount) for \(differences)")
      }
    }
  }

  /// An estimate that is too low by half or more is made good by extensions.
  @Test(arguments: [0.1, 0.5, 0.7]) func estimatesMayBeTooLow(_ share: Double) throws {
    var random = SeededRandom(2)
    let sets = random.sets(shared: 100, first: 1_000, second: 1_000)
    let plan = PartitionPlan.padded(differences: Int(2_000 * share))
    let end = try Self.run(plan, sets)
    #expect(end.decoder.isComplete == (share > 0.4))
    #expect(end.extensions <= PartitionDecoder.extensionLimit)
  }

  @Test(arguments: FieldKernel.available) func allKernelsMakeTheSameBytes(_ kernel: FieldKernel) throws {
    var random = SeededRandom(3)
    let ids = random.ids(300)
    let plan = try #require(PartitionPlan(bucketCount: 7, syndromeCount: 13))
    var sketch = PartitionedSketch(plan: plan)
    var portable = PartitionedSketch(plan: plan)
    sketch.add(Array(ids[..<101]), kernel: kernel)
    sketch.add(Array(ids[101...]), kernel: kernel)
    portable.add(ids, kernel: .portable)
    #expect(sketch == portable)
    // Each bucket is the sketch of its ids.
    for (bucket, part) in sketch.sketches.enumerated() {
      var whole = PinSketch(capacity: 13)
      whole.add(ids.filter { $0.bucket(of: 7) == bucket })
      #expect(part == whole)
    }
    #expect(sketch.bytes == sketch.sketches.flatMap(\.bytes))
  }

  @Test func sizesAreChecked() throws {
    #expect(PartitionPlan(bucketCount: 0, syndromeCount: 1) == nil)
    #expect(PartitionPlan(bucketCount: 16385, syndromeCount: 1) == nil)
    #expect(PartitionPlan(bucketCount: 1, syndromeCount: 129) == nil)
    #expect(PartitionPlan.lean(differences: .min) == PartitionPlan.lean(differences: 1))
    #expect(PartitionPlan.padded(differences: .max).bucketCount == PartitionPlan.bucketLimit)
    let plan = try #require(PartitionPlan(bucketCount: 9, syndromeCount: 4))
    #expect(PartitionedSketch(plan: plan, bytes: [UInt8](repeating: 0, count: 143)) == nil)
    #expect(PartitionExtension(bucketCount: 9, bitmap: [0, 0], syndromes: 4..<8) == nil, "no bucket")
    #expect(PartitionExtension(bucketCount: 9, bitmap: [0, 2], syndromes: 4..<8) == nil, "bucket 9 of 9")
    #expect(PartitionExtension(bucketCount: 9, bitmap: [1], syndromes: 4..<8) == nil)
    #expect(PartitionExtension(bucketCount: 9, bitmap: [0, 1], syndromes: 120..<129) == nil)
    #expect(PartitionExtension(bucketCount: .max, bitmap: [1], syndromes: 4..<8) == nil)
    #expect(PartitionExtension(bucketCount: -1, bitmap: [], syndromes: 4..<8) == nil)
    let asked = try #require(PartitionExtension(bucketCount: 9, bitmap: [0, 1], syndromes: 4..<8))
    #expect(asked.buckets == [8])
    #expect(PartitionedSketch(extension: asked, bytes: [UInt8](repeating: 0, count: 17)) == nil)
    #expect(PartitionDecoder(difference: PartitionedSketch(extension: asked)) == nil)
  }

  /// A peer that answers with random bytes has the decoder give up after few rounds.
  @Test func garbageComesToAnEnd() throws {
    var random = SeededRandom(4)
    let plan = PartitionPlan.lean(differences: 200)
    let garbage = try #require(PartitionedSketch(plan: plan, bytes: random.bytes(plan.byteCount)))
    var decoder = try #require(PartitionDecoder(difference: garbage))
    decoder.decode()
    var rounds = 0
    while let asked = decoder.nextExtension() {
      let more = try #require(PartitionedSketch(extension: asked, bytes: random.bytes(asked.byteCount)))
      let extended = decoder.extend(with: more)
      let again = decoder.extend(with: more)
      #expect(extended && !again)
      decoder.decode()
      rounds += 1
    }
    #expect(!decoder.isComplete && decoder.solved.isEmpty && rounds <= PartitionDecoder.extensionLimit)
    let wrong = decoder.extend(with: PartitionedSketch(plan: plan))
    #expect(!wrong)
  }
}
