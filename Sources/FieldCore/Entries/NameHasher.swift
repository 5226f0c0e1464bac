public import FieldWire
public import Sodium

/// Turns names into identifiers under the workspace's naming key: members of the workspace compute the same ones, and a
/// relay, which lacks the key, learns nothing of the names.
public struct NameHasher: Sendable {
  private let key: SecretBytes

  public init(key: SecretBytes) {
    self.key = key
  }

  public func database(named name: String) -> DatabaseID {
    DatabaseID(hash(kind: 1, scope: [], name: name)) ?? .zero
  }

  public func document(named name: String, in database: DatabaseID) -> DocumentID {
    DocumentID(hash(kind: 2, scope: database.bytes, name: name)) ?? .zero
  }

  private func hash(kind: UInt8, scope: [UInt8], name: String) -> [UInt8] {
    Blake2b.hash(Domain.name + [kind] + scope + Array(name.utf8), byteCount: DatabaseID.byteCount, key: key)
  }
}
