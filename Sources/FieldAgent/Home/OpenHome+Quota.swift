public import FieldCore
import FieldStore

/// What a relay's device keeps at most.
extension OpenHome {
  /// Keeps to `quota` from now on.
  ///
  /// - Throws: ``AgentError`` with `notAllowed` unless this device is a relay: others keep all that they can read.
  public func setQuota(_ quota: StoreQuota) async throws {
    guard try await store.directory().role(of: identity.device) == .relay else {
      throw AgentError(
        .notAllowed, "This device is not a relay, and keeps everything.", hint: "Leave out the options '--relay-…'.")
    }
    try await store.setQuota(quota)
  }

  /// A relay that was told nothing keeps to ``FieldCore/StoreQuota/usual``.
  ///
  /// - Returns: What this device keeps to; `nil` where it is no relay.
  @discardableResult
  public func settleQuota() async throws -> StoreQuota? {
    guard try await store.directory().role(of: identity.device) == .relay else {
      // Who became more than a relay since drops nothing any more.
      if try await store.quota() != nil { try await store.setQuota(nil) }
      return nil
    }
    if let quota = try await store.quota() { return quota }
    try await store.setQuota(.usual)
    return .usual
  }
}
