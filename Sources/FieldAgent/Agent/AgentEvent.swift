import FieldCore
import FieldWire
public import Foundation

/// Something that happened in an agent. Ids go up by one, across restarts too.
public struct AgentEvent: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case agentStarted
    case peerAppeared, peerVanished
    case connected, disconnected, moved, stalled, quiet
    case dialFailed
    case transportProblem, transportWell
    /// A rung was chosen: which is its `code`, why its `reason`.
    case reconciling
    case inStep
    /// The peer did not take entries: which refusal is the `code`.
    case notTaken
  }

  public var id: UInt64
  public var time: Date
  public var type: Kind
  /// Hexadecimal; `nil` where nobody, or nobody known, is concerned.
  public var peer: String?
  public var transport: String?
  /// Of `moved`: the transport used before.
  public var from: String?
  public var address: String?
  /// Why, or what went wrong.
  public var reason: String?
  /// What to do about it.
  public var remedy: String?
  public var code: String?
  public var retryInSeconds: Double?

  init(_ type: Kind) {
    id = 0
    time = Date()
    self.type = type
  }

  init(_ event: TransportEvent) {
    switch event {
    case .appeared(let device, let address):
      self.init(.peerAppeared)
      set(device, address.kind, address)
    case .vanished(let device, let address):
      self.init(.peerVanished)
      set(device, address.kind, address)
    case .connected(let device, let kind, let why):
      self.init(.connected)
      set(device, kind)
      reason = why
    case .disconnected(let device, let kind, let why):
      self.init(.disconnected)
      set(device, kind)
      reason = why
    case .moved(let device, let before, let kind, let why):
      self.init(.moved)
      set(device, kind)
      from = before.rawValue
      reason = why
    case .dialFailed(let device, let address, let why, let retryIn):
      self.init(.dialFailed)
      set(device, address.kind, address)
      reason = why
      retryInSeconds = ((retryIn / .seconds(1)) * 10).rounded() / 10
    case .stalled(let device, let kind, let silence):
      self.init(.stalled)
      set(device, kind)
      reason = "nothing was heard for \((silence / .seconds(1) * 10).rounded() / 10) s"
    case .quiet(let device, let kind):
      self.init(.quiet)
      set(device, kind)
      reason = "both sides hold the same"
    case .condition(let kind, let condition):
      self.init(condition == nil ? .transportWell : .transportProblem)
      transport = kind.rawValue
      reason = condition?.reason
      remedy = condition?.remedy
      code = condition?.code
    }
  }

  private mutating func set(_ device: DeviceKey?, _ kind: TransportKind, _ address: PeerAddress? = nil) {
    peer = device?.description
    transport = kind.rawValue
    self.address = address?.description
  }
}
