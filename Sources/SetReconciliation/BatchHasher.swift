internal import CSketchKernels

/// Hashes ids batch by batch, several at once where the processor can. Batches of 512 to 4,096 ids serve it best.
public struct BatchHasher: Sendable {
  private let hash: SipHash
  private let lanes: Int32

  public init(key: SummaryKey) {
    self.init(key: key, lanes: CSketchKernels_hash_lanes())
  }

  init(key: SummaryKey, lanes: Int32) {
    hash = key.sipHash
    self.lanes = lanes
  }

  /// How many lanes this processor has; 1 is portable Swift.
  static var availableLanes: [Int32] { [1, 4, 8].filter { $0 <= CSketchKernels_hash_lanes() } }

  /// The keyed ids in the order of `ids`.
  ///
  /// - Parameter ids: Values whose memory is four words of 64 bits, those of the id.
  public func hash<ID: BitwiseCopyable>(_ ids: [ID]) -> [KeyedID] { hash(ids[...]) }

  public func hash<ID: BitwiseCopyable>(_ ids: ArraySlice<ID>) -> [KeyedID] {
    precondition(MemoryLayout<ID>.size == 32 && MemoryLayout<ID>.stride == 32, "an id is four words")
    return Array(unsafeUninitializedCapacity: ids.count) { buffer, count in
      ids.withUnsafeBytes { bytes in bytes.withMemoryRebound(to: UInt64.self) { hash($0, into: buffer) } }
      count = ids.count
    }
  }

  private func hash(_ words: UnsafeBufferPointer<UInt64>, into buffer: UnsafeMutableBufferPointer<KeyedID>) {
    let count = words.count / 4
    var done = 0
    if lanes > 1, count >= 8, let input = words.baseAddress, let output = buffer.baseAddress {
      done = count / 8 * 8
      let (first, second) = hash.key
      output.withMemoryRebound(to: UInt64.self, capacity: done) {
        CSketchKernels_siphash(lanes, input, done, first, second, $0)
      }
    }
    for index in done..<count {
      let word = 4 * index
      buffer.initializeElement(
        at: index, to: KeyedID(hash.hash((words[word], words[word + 1], words[word + 2], words[word + 3]))))
    }
  }
}
