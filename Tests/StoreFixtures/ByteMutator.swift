public import FieldTesting

/// Turns valid bytes into ones that are nearly valid: what a decoder has to withstand.
public struct ByteMutator {
  public var random: SeededRandom

  public init(seed: UInt64) {
    random = SeededRandom(seed: seed)
  }

  /// Values that lengths, counts and versions break at.
  private static let edges: [UInt8] = [0, 1, 2, 3, 6, 7, 63, 64, 65, 127, 128, 191, 192, 254, 255]

  /// One to three changes: a bit, an edge value, a piece cut out, put in or written again, an end cut off or put on.
  public mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0..<3, using: &random) {
      guard !bytes.isEmpty else { return random.bytes(4) }
      let place = Int.random(in: 0..<bytes.count, using: &random)
      let length = min(Int.random(in: 1...9, using: &random), bytes.count - place)
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2, 3: bytes[place] = Self.edges.randomElement(using: &random) ?? 0
      case 4: bytes.removeSubrange(place..<place + length)
      case 5: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
      case 6: bytes.removeLast(length)
      default: bytes += random.bytes(length)
      }
    }
    return bytes
  }
}
