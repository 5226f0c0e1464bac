import FieldCore
import FieldTesting
import FieldWire
import Sodium
import Testing

@Suite struct SetDigestTests {
  private func ids(_ count: Int, seed: UInt64) -> [EntryID] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in EntryID(words: (random.next(), random.next(), random.next(), random.next())) }
  }

  @Test func theOrderDoesNotMatter() {
    let ids = ids(50, seed: 1)
    var (forward, backward) = (SetDigest(), SetDigest())
    for id in ids { forward.insert(id) }
    for id in ids.reversed() { backward.insert(id) }
    #expect(forward == backward && forward.value == backward.value)
    for id in ids.shuffled() { forward.remove(id) }
    #expect(forward == SetDigest())
  }

  @Test func everyIDCounts() {
    var digest = SetDigest()
    var values: Set<[UInt8]> = [digest.value]
    for id in ids(200, seed: 2) {
      digest.insert(id)
      values.insert(digest.value)
    }
    #expect(values.count == 201)
  }

  @Test func batchesAddUp() {
    let ids = ids(30, seed: 3)
    var (whole, sum, batch) = (SetDigest(), SetDigest(), SetDigest())
    for id in ids { whole.insert(id) }
    for id in ids[..<20] { sum.insert(id) }
    for id in ids[20...] { batch.insert(id) }
    sum.add(batch)
    #expect(sum == whole)
    var gone = SetDigest()
    for id in ids { gone.remove(id) }
    sum.add(gone)
    #expect(sum == SetDigest())
  }

  @Test func theStateComesBack() {
    var digest = SetDigest()
    for id in ids(5, seed: 4) { digest.insert(id) }
    #expect(digest.state.count == SetDigest.stateByteCount)
    #expect(SetDigest(state: digest.state) == digest)
    #expect(SetDigest(state: Array(digest.state.dropLast())) == nil)
    #expect(SetDigest(state: digest.state + [0]) == nil)
  }

  /// Each lane is the little-endian word of ChaCha20's key stream under the id.
  @Test func oneIDIsItsKeyStream() {
    let id = ids(1, seed: 5)[0]
    var stream = [UInt8](repeating: 0, count: SetDigest.stateByteCount)
    stream.withUnsafeMutableBytes { ChaCha20.keystream(key: id.bytes, into: $0) }
    var digest = SetDigest()
    digest.insert(id)
    #expect(digest.state == stream)
    #expect(digest.value == Blake2b.hash(stream))
  }
}
