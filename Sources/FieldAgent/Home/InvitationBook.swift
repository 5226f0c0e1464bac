public import FieldCore
public import FieldWire
import Sodium

/// The invitations that this device gave out, in the home's `invitations` file. Several processes may use it at once.
public struct InvitationBook: Sendable {
  /// Invitations that are neither used nor expired, at most.
  public static let openLimit = 64
  private static let fileByteLimit = 1 << 20
  private static let version: UInt8 = 1

  private let path: String
  private let lockPath: String

  init(path: String, lockPath: String) {
    self.path = path
    self.lockPath = lockPath
  }

  /// Those that a device may still use, or that were used by one, which may ask again with it after a cut.
  public func pending(at now: ClockReading = .now()) throws(AgentError) -> [PendingInvitation] {
    try read().filter { !$0.isExpired(at: now) }
  }

  /// - Throws: ``AgentError`` with `cannotWrite`, or `busy` when too many are open.
  public func add(
    role: DeviceRole, lifetime: Duration, at now: ClockReading = .now()
  ) throws(AgentError)
    -> PendingInvitation
  {
    let invitation = PendingInvitation(
      secret: SystemRandom.bytes(Invitation.secretByteCount), role: role, madeAt: now,
      lifetimeSeconds: lifetime.components.seconds)
    try change(at: now) { invitations throws(AgentError) in
      guard invitations.count(where: { $0.usedBy == nil }) < Self.openLimit else {
        throw AgentError(
          .busy, "\(Self.openLimit) invitations are open already.", hint: "Wait until some of them expire.")
      }
      invitations.append(invitation)
    }
    return invitation
  }

  /// Uses an invitation up for `device`, on disk when this returns. The device that used it may use it again while it
  /// lasts, since the answer may not have reached it.
  ///
  /// - Returns: The role to grant.
  /// - Throws: ``AgentError`` with `peerRefused` when there is no such invitation, or it is expired or used by another.
  public func claim(
    secret: [UInt8], for device: DeviceKey, at now: ClockReading = .now()
  ) throws(AgentError) -> DeviceRole {
    var role: DeviceRole?
    try change(at: now) { invitations throws(AgentError) in
      guard let index = invitations.firstIndex(where: { ConstantTime.equal($0.secret, secret) }),
        invitations[index].usedBy ?? device == device
      else { throw AgentError(.peerRefused, "The invitation is used up or expired.") }
      invitations[index].usedBy = device
      role = invitations[index].role
    }
    guard let role else { throw AgentError(.peerRefused, "The invitation is used up or expired.") }
    return role
  }

  /// Expired ones go with every change.
  private func change(
    at now: ClockReading, _ body: (inout [PendingInvitation]) throws(AgentError) -> Void
  ) throws(AgentError) {
    let lock = try HomeLock.take(lockPath, whatFor: "the list of invitations")
    defer { withExtendedLifetime(lock) {} }
    var invitations = try read().filter { !$0.isExpired(at: now) }
    try body(&invitations)
    var writer = WireWriter()
    writer.u8(Self.version)
    writer.count(invitations.count)
    for invitation in invitations { invitation.encode(into: &writer) }
    var bytes = writer.bytes
    defer { bytes.wipe() }
    try HomeFiles.replace(path, with: bytes)
  }

  private func read() throws(AgentError) -> [PendingInvitation] {
    guard var bytes = try HomeFiles.read(path, byteLimit: Self.fileByteLimit) else { return [] }
    defer { bytes.wipe() }
    var reader = WireReader(bytes)
    do {
      guard try reader.u8() == Self.version else {
        throw AgentError(.configuration, "The list of invitations was written by a newer version of fieldsync.")
      }
      var invitations: [PendingInvitation] = []
      for _ in 0..<(try reader.count(limit: 4096, itemByteCount: 40)) {
        invitations.append(try PendingInvitation(from: &reader))
      }
      try reader.expectEnd()
      return invitations
    } catch let error as AgentError {
      throw error
    } catch {
      throw AgentError(.damaged, "The list of invitations is damaged.", hint: "Remove '\(path)' and invite again.")
    }
  }
}
