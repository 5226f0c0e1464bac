import Foundation

/// What a running agent says of its peers. It keeps it in the home's `agent-status.json`, for `fieldsync status`.
public struct AgentStatus: Codable, Hashable, Sendable {
  public struct Peer: Codable, Hashable, Sendable {
    /// Hexadecimal.
    public var device: String
    /// The transport in use; `nil` when not connected.
    public var transport: String?
    public var address: String?
    /// Whether both sides held the same when the two last compared.
    public var inStep: Bool
    /// Entries that may still have to come from the peer, and go to it.
    public var wanted: UInt64
    public var offered: UInt64
    /// Since the agent started.
    public var receivedEntries: Int
    public var receivedBytes: Int
    public var refusedEntries: Int
    public var lastError: String?
  }

  /// A device that connected and was not let in: it holds a key of the workspace and has no role in it.
  public struct Pending: Codable, Hashable, Sendable {
    /// Hexadecimal.
    public var device: String
    public var transport: String
    public var address: String
  }

  public struct Transport: Codable, Hashable, Sendable {
    public var kind: String
    public var address: String?
    public var problem: String?
  }

  public var schema = 1
  public var processID: Int32
  public var transports: [Transport]
  public var peers: [Peer]
  /// The latest, oldest first, at most ``AgentLimits/pendingCount``.
  public var pending: [Pending]

  /// `nil` when there is none that can be read.
  public init?(contentsOf path: String) {
    guard let data = FileManager.default.contents(atPath: path), data.count < 1 << 20,
      let status = try? JSONDecoder().decode(AgentStatus.self, from: data)
    else { return nil }
    self = status
  }

  init(transports: [Transport], peers: [Peer], pending: [Pending]) {
    processID = ProcessInfo.processInfo.processIdentifier
    self.transports = transports
    self.peers = peers
    self.pending = pending
  }

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try encoder.encode(self).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
