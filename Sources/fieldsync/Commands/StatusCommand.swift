import ArgumentParser
import FieldAgent
import FieldCore
import FieldStore
import FieldWire

struct StatusCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show this device, its databases and the devices it syncs with.",
    discussion: """
      A database's digest is the same on two devices exactly when they hold the same entries. \
      What is said of connections comes from the agent that runs in this home.

      Example:
        fieldsync status --json
      """)

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let open = try await home.open()
    let device = DeviceText.encode(open.identity.device)
    let databases = try await open.databaseSummaries()
    let isAgentRunning = home.isAgentRunning
    let agent = isAgentRunning ? AgentStatus(contentsOf: home.statusPath) : nil
    let transports = agent?.transports ?? []
    var quota = JSON.null
    var quotaLines: [String] = []
    if open.role == .relay, let limits = try await open.store.quota() {
      let usage = try await open.store.usage()
      quota = usage.json(of: limits)
      quotaLines = usage.lines(of: limits, calling: open.petname(of:))
    }
    let peers = open.members.filter { $0.device != open.identity.device }.map { member in
      ShownPeer(member: member, state: agent?.peers.first { $0.device == member.device.description })
    }
    try console.result(
      [
        ("device", .string(device)), ("name", .string(open.identity.name)),
        ("role", .string(open.role.map { "\($0)" })), ("workspace", .string(open.identity.workspace.description)),
        ("agentRunning", .bool(isAgentRunning)), ("transports", .array(transports.map(\.json))),
        ("quota", quota), ("databases", .array(databases.map(\.json))),
        ("peers", .array(peers.map(\.json))),
      ],
      lines: [
        "Device     \(device)",
        "Name       \(TerminalText.escape(open.identity.name)), \(open.role.map { "\($0)" } ?? "no role")",
        "Workspace  \(open.identity.workspace)",
        "Agent      \(isAgentRunning ? "running" : "not running")",
      ] + transports.map { "Transport  \($0.line)" }
        + quotaLines
        + databases.map { "Database   \($0.shownName), \($0.entryCount) entries, digest \($0.digest.prefix(16))" }
        + peers.map { "Peer       \($0.line)" })
  }
}

extension StoreUsage {
  fileprivate func json(of quota: StoreQuota) -> JSON {
    func used(_ amount: Amount, _ limit: UInt64?, _ device: DeviceKey?) -> JSON {
      var members: [(String, JSON)] = []
      if let device { members.append(("device", .string(DeviceText.encode(device)))) }
      members.append(("entries", .unsigned(amount.entryCount)))
      members.append(("usedBytes", .unsigned(amount.byteCount)))
      members.append(("limitBytes", limit.map { JSON.unsigned($0) } ?? JSON.null))
      return .object(members)
    }
    func list(_ amounts: [DeviceKey: Amount], _ limit: UInt64?) -> JSON {
      .array(amounts.sorted { $0.key < $1.key }.map { used($0.value, limit, $0.key) })
    }
    return .object([
      ("total", used(total, quota.totalByteCount, nil)), ("authors", list(authors, quota.authorByteCount)),
      ("clients", list(clients, quota.clientByteCount)), ("droppedEntries", .unsigned(droppedCount)),
      ("dropsUnacknowledged", .bool(quota.dropsUnacknowledged)),
    ])
  }

  fileprivate func lines(of quota: StoreQuota, calling name: (DeviceKey) -> String) -> [String] {
    func text(_ amount: Amount, _ limit: UInt64?) -> String {
      let used = ByteText.short(Int(clamping: amount.byteCount))
      return limit.map { "\(used) of \(ByteText.short(Int(clamping: $0)))" } ?? "\(used), no bound"
    }
    let dropped = droppedCount == 0 ? "" : ", \(droppedCount) payloads dropped"
    var lines = ["Quota      \(text(total, quota.totalByteCount))\(dropped)"]
    for (device, amount) in authors.sorted(by: { $0.key < $1.key }) {
      lines.append("           written by \(name(device)): \(text(amount, quota.authorByteCount))")
    }
    for (device, amount) in clients.sorted(by: { $0.key < $1.key }) {
      lines.append("           brought by \(name(device)): \(text(amount, quota.clientByteCount))")
    }
    return lines
  }
}

extension OpenHome {
  fileprivate func petname(of device: DeviceKey) -> String {
    members.first { $0.device == device }?.shownName ?? String(DeviceText.encode(device).prefix(8))
  }
}

/// Another device of the workspace, and what the agent says of it.
private struct ShownPeer {
  let member: Member
  /// `nil` without an agent, or when it has not met the device since it started.
  let state: AgentStatus.Peer?

  var json: JSON {
    .object([
      ("device", .string(DeviceText.encode(member.device))), ("petname", .string(member.petname)),
      ("name", .string(member.name)), ("role", .string(member.role.map { "\($0)" })),
      ("transport", .string(state?.transport)),
      ("address", .string(state?.address)), ("inStep", state.map { .bool($0.inStep) } ?? .null),
      (
        "remaining",
        state.map { .object([("toReceive", .unsigned($0.wanted)), ("toSend", .unsigned($0.offered))]) } ?? .null
      ),
      ("receivedEntries", state.map { .count($0.receivedEntries) } ?? .null),
      ("receivedBytes", state.map { .count($0.receivedBytes) } ?? .null), ("lastError", .string(state?.lastError)),
      (
        "notTaken",
        .array(
          (state?.notTaken ?? []).map {
            .object([
              ("code", .string($0.code)), ("entries", .unsigned($0.entries)), ("reason", .string($0.reason)),
              ("remedy", .string($0.remedy)),
            ])
          })
      ), ("state", .string(state?.state)), ("why", .string(state?.why)),
      ("links", .array((state?.links ?? []).map(\.json))), ("ways", .array((state?.ways ?? []).map(\.json))),
    ])
  }

  var line: String {
    var words = [member.shownName, member.role.map { "\($0)" } ?? "revoked"]
    if let transport = state?.transport {
      words.append("connected by \(TerminalText.escape(transport)) (\(TerminalText.escape(state?.why ?? "")))")
    } else if let state {
      words.append("\(TerminalText.escape(state.state)) (\(TerminalText.escape(state.why)))")
    }
    if let rate = state?.links.first?.bytesPerSecond, state?.wanted ?? 0 > 0 {
      words.append("\(ByteText.short(Int(exactly: rate.rounded()) ?? 0))/s")
    }
    if let state, state.inStep { words.append("in step") }
    if let state, state.wanted > 0 { words.append("\(state.wanted) entries to come") }
    if let state, state.offered > 0 { words.append("\(state.offered) to go") }
    for item in state?.notTaken ?? [] { words.append(TerminalText.escape("\(item.reason). \(item.remedy)")) }
    if let error = state?.lastError { words.append("last trouble: \(TerminalText.escape(error))") }
    let ways = (state?.ways ?? []).compactMap(\.trouble).map { "\n           \($0)" }.joined()
    return words.joined(separator: ", ") + "\n           \(DeviceText.encode(member.device))" + ways
  }
}

extension AgentStatus.Transport {
  fileprivate var json: JSON {
    .object([
      ("kind", .string(kind)), ("address", .string(address)), ("problem", .string(problem)), ("code", .string(code)),
      ("remedy", .string(remedy)),
    ])
  }

  fileprivate var line: String {
    ([kind] + [address, problem].compactMap { $0 }).map(TerminalText.escape).joined(separator: ", ")
      + (remedy.map { "\n           \(TerminalText.escape($0))" } ?? "")
  }
}

extension AgentStatus.Link {
  fileprivate var json: JSON {
    .object([
      ("kind", .string(kind)), ("bytesPerSecond", bytesPerSecond.map { .double($0) } ?? .null),
      ("roundTripSeconds", roundTripSeconds.map { .double($0) } ?? .null),
      ("isStalled", .bool(isStalled)),
    ])
  }
}

extension AgentStatus.Way {
  fileprivate var json: JSON {
    .object([
      ("address", .string(address)), ("isSeen", .bool(isSeen)), ("failures", .count(failures)),
      ("lastError", .string(lastError)),
      ("retryInSeconds", retryInSeconds.map { .double($0) } ?? .null),
    ])
  }

  /// What went wrong there last, if anything did.
  fileprivate var trouble: String? {
    lastError.map { error in
      TerminalText.escape("\(address): \(error)")
        + (retryInSeconds.map { ", again in \($0) s" } ?? "")
    }
  }
}
