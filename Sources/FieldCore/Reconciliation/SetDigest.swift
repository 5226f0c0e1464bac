public import FieldWire
import Sodium

/// A digest of a set of entry ids that is kept up to date one id at a time: LtHash (Bellare and Micciancio 1997; Lewi
/// et al. 2019, "Securing Update Propagation with Homomorphic Hashing") with 1,024 lanes of 16 bits. Each id, itself a
/// hash, is expanded by ChaCha20 to 2,048 bytes, which are added lane by lane. Finding another set with the same sums
/// is as hard as a lattice problem of about 200 bits, so the digest holds against members who craft entries.
public struct SetDigest: Hashable, Sendable {
  public static let stateByteCount = 2048
  private static let laneCount = stateByteCount / 2

  private var lanes: [UInt16]

  /// The digest of the empty set.
  public init() {
    lanes = Array(repeating: 0, count: Self.laneCount)
  }

  /// From a kept state, little-endian lanes; `nil` for another size.
  public init?(state: [UInt8]) {
    guard state.count == Self.stateByteCount else { return nil }
    lanes = (0..<Self.laneCount).map { UInt16(state[2 * $0]) | UInt16(state[2 * $0 + 1]) << 8 }
  }

  public var state: [UInt8] {
    lanes.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  }

  /// BLAKE2b-256 of the state.
  public var value: [UInt8] { Blake2b.hash(state) }

  public mutating func insert(_ id: EntryID) { combine(id, &+) }

  /// Takes out an id that was inserted.
  public mutating func remove(_ id: EntryID) { combine(id, &-) }

  /// Adds what `change` holds: the ids that were inserted into it come in, those that were removed from it go out.
  /// So a batch is summed up once and then added to every set that it belongs to.
  public mutating func add(_ change: SetDigest) {
    for lane in lanes.indices { lanes[lane] &+= change.lanes[lane] }
  }

  private mutating func combine(_ id: EntryID, _ operation: (UInt16, UInt16) -> UInt16) {
    let key = id.bytes
    withUnsafeTemporaryAllocation(byteCount: Self.stateByteCount, alignment: 16) { expanded in
      ChaCha20.keystream(key: key, into: expanded)
      for lane in lanes.indices {
        let value = UInt16(littleEndian: expanded.load(fromByteOffset: 2 * lane, as: UInt16.self))
        lanes[lane] = operation(lanes[lane], value)
      }
    }
  }
}
