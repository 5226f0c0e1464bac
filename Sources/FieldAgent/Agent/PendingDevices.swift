/// The devices that connected and were not let in, the latest last. Whoever has a key of the workspace can make up as
/// many as it likes, so there are never more than ``AgentLimits/pendingCount``, each once.
struct PendingDevices {
  private(set) var list: [AgentStatus.Pending] = []

  mutating func note(_ device: AgentStatus.Pending) {
    list.removeAll { $0.device == device.device }
    list.append(device)
    if list.count > AgentLimits.pendingCount { list.removeFirst() }
  }
}
