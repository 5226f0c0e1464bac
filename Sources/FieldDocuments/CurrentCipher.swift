import FieldCore
import Sodium
import Synchronization

/// A database's cipher, under the keys that this device was given up to now: an epoch may begin while a program runs,
/// and what is written under the keys before it is readable for whoever was revoked.
final class CurrentCipher: Sendable {
  private struct State {
    var cipher: PayloadCipher
    /// Of the directory that the keys are from.
    var operationCount: Int?
  }

  private let store: any LocalStore
  private let holder: SigningKeyPair
  private let former: [SigningKeyPair]
  private let state: Mutex<State>

  /// - Parameters:
  ///   - keys: Those that are used where the directory has none for the holder.
  ///   - former: Key pairs that the holder had before.
  init(_ store: any LocalStore, keys: WorkspaceKeys, holder: SigningKeyPair, former: [SigningKeyPair]) {
    self.store = store
    self.holder = holder
    self.former = former
    state = Mutex(State(cipher: PayloadCipher(workspace: store.workspace, keyring: keys.keyring)))
  }

  var value: PayloadCipher { state.withLock(\.cipher) }

  /// Looks whether the directory has changed; opens the keys anew only then.
  ///
  /// - Returns: Whether they may be others than before.
  func refresh() async throws(StoreError) -> Bool {
    let directory = try await store.directory()
    guard state.withLock(\.operationCount) != directory.operationCount else { return false }
    let keys = directory.keys(for: holder, former: former)
    state.withLock { state in
      if let keys { state.cipher = PayloadCipher(workspace: store.workspace, keyring: keys.keyring) }
      state.operationCount = directory.operationCount
    }
    return true
  }
}
