import FieldCore
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
    /// What the peer did not take of what was brought to it last.
    public var notTaken: [NotTaken] = []
    /// `connected`, `connecting`, `quiet` (in reach, and holds the same) or `away`.
    public var state = "away"
    /// Why this transport is in use, or why none is.
    public var why = ""
    /// The one in use first.
    public var links: [Link] = []
    public var ways: [Way] = []
  }

  public struct NotTaken: Codable, Hashable, Sendable {
    public var code: String
    public var entries: UInt64
    /// Why, and what to do.
    public var reason: String
    public var remedy: String
  }

  public struct Link: Codable, Hashable, Sendable {
    public var kind: String
    public var bytesPerSecond: Double?
    public var roundTripSeconds: Double?
    public var isStalled: Bool
  }

  /// An address of a peer, and what is known of it.
  public struct Way: Codable, Hashable, Sendable {
    public var address: String
    /// Discovery says that the peer is there.
    public var isSeen: Bool
    public var failures: Int
    public var lastError: String?
    public var retryInSeconds: Double?
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
    /// What keeps it from working, what that is called, and what to do; `nil` when it is well.
    public var problem: String?
    public var code: String?
    public var remedy: String?
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

extension AgentStatus.Peer {
  mutating func set(_ view: PeerView) {
    state = view.state.rawValue
    why = view.why
    links = view.links.map {
      AgentStatus.Link(
        kind: $0.kind.rawValue, bytesPerSecond: $0.bytesPerSecond?.rounded(),
        roundTripSeconds: $0.roundTrip.map { $0 / .seconds(1) }, isStalled: $0.isStalled)
    }
    ways = view.ways.map {
      AgentStatus.Way(
        address: $0.address.description, isSeen: $0.isSeen, failures: $0.failureCount, lastError: $0.lastError,
        retryInSeconds: $0.retryIn.map { ($0 / .seconds(1)).rounded() })
    }
  }
}
