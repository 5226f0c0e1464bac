/// Discovery's word that a peer may be reachable, or no longer is. It proves nothing: who it is comes out of the
/// session.
public struct PeerSighting: Hashable, Sendable {
  public enum Change: Sendable { case appeared, vanished }

  public var address: PeerAddress
  public var change: Change
  /// What the peer announces to those who can read it, at most ``announcementByteLimit`` bytes.
  public var announcement: [UInt8]

  public static let announcementByteLimit = 32

  public init(address: PeerAddress, change: Change, announcement: [UInt8] = []) {
    self.address = address
    self.change = change
    self.announcement = announcement
  }
}
