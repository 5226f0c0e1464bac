import FieldCore
import FieldTesting
import FieldWire

/// Messages of every size up to the limit, each beginning with its place so that a double or a gap shows.
func numberedMessages(_ count: Int, seed: UInt64, largestByteCount: Int = 4096) -> [[UInt8]] {
  var random = SeededRandom(seed: seed)
  return (0..<count).map { place in
    let size = random.chance(0.2) ? largestByteCount : Int(random.next() % UInt64(largestByteCount / 8 + 1))
    var writer = WireWriter()
    writer.u32(UInt32(place))
    return Array((writer.bytes + random.bytes(max(0, size - 4))).prefix(max(0, size)))
  }
}

extension FrameLinkSimulation {
  var isAllDelivered: Bool { endpoints.allSatisfy { $0.unsent.isEmpty } }
}
