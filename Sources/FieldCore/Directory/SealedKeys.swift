import FieldWire
import Sodium

/// Keys that an operation has for one device.
struct SealedKeys {
  /// What is believed before what.
  enum Rank: Comparable {
    /// The grant that the device's role comes from, or the founding.
    case standing, epoch, grant, void
  }

  let id: EntryID
  let rank: Rank
  let number: UInt32
  let sealed: [UInt8]
  let holder: SigningKeyPair

  func open() -> WorkspaceKeys? { try? WorkspaceKeys(opening: sealed, with: holder) }

  /// The newest epochs first.
  func precedes(_ other: SealedKeys) -> Bool {
    (rank, other.number, id) < (other.rank, number, other.id)
  }
}
