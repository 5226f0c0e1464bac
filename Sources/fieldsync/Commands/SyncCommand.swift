import ArgumentParser
import FieldAgent
import FieldCore
import Foundation

struct SyncCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Sync with one device until both hold the same.",
    discussion: """
      Both directions run at once. What has come is kept, so after a cut the same command goes \
      on where it stopped (and exits with 2 until then).

      Example:
        fieldsync sync --connect tcp://192.168.1.7:7747
      """)

  @Option(help: ArgumentHelp("The device's address: tcp://HOST:PORT or ble://ADDRESS.", valueName: "address"))
  var connect: String

  @Option(help: ArgumentHelp("The Bluetooth adapter to use (default: the first that is on).", valueName: "hci"))
  var adapter: String?

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let address = try PeerAddress(argument: connect)
    let open = try await home.open()
    let meter = SyncMeter(console: console)
    let start = ContinuousClock.now
    let result: SyncOutcome
    do {
      result = try await ClientTransports(reaching: address, adapter: adapter, logger: .ofCommand)
        .run(reaching: address) { client in
          try await client.sync(open, with: address) { await meter.note($0) }
        }
    } catch {
      await meter.finish()
      throw error
    }
    await meter.finish()
    let databases = try await open.databaseSummaries()
    let traffic = result.traffic
    let seconds = start.duration(to: .now) / .seconds(1)
    let notTaken = result.refusedByPeer.map { item in
      JSON.object([("code", .string(item.code.rawValue)), ("entries", .unsigned(item.entryCount))])
    }
    try console.result(
      [
        ("equal", .bool(result.isInStep)), ("receivedEntries", .count(result.progress.receivedCount)),
        ("receivedBytes", .count(result.progress.receivedByteCount)),
        ("refusedEntries", .count(result.progress.refusedCount)), ("missingEntries", .count(result.missingCount)),
        (
          "traffic",
          .object([
            ("sentMessages", .integer(Int64(traffic.sentMessageCount))),
            ("sentBytes", .integer(Int64(traffic.sentByteCount))),
            ("receivedMessages", .integer(Int64(traffic.receivedMessageCount))),
            ("receivedBytes", .integer(Int64(traffic.receivedByteCount))),
          ])
        ),
        ("notTaken", .array(notTaken)), ("databases", .array(databases.map(\.json))),
      ],
      lines: [
        "\(result.progress.receivedCount) entries came (\(ByteText.short(result.progress.receivedByteCount))), "
          + "\(ByteText.short(Int(traffic.sentByteCount))) went, \((seconds * 10).rounded() / 10) s."
      ] + databases.map { "Database   \($0.shownName), \($0.entryCount) entries, digest \($0.digest.prefix(16))" })
    guard result.isInStep else {
      if let item = result.refusedByPeer.first(where: \.code.isForLackOfRoom) {
        throw AgentError(
          .peerFull, item.reason.prefix(1).uppercased() + item.reason.dropFirst() + ".", hint: item.remedy)
      }
      let reasons = result.refusals.map { "\($0.value) \($0.key.rawValue)" }.sorted().joined(separator: ", ")
      throw AgentError(
        .incomplete,
        reasons.isEmpty
          ? result.missingCount > 0
            ? "\(result.missingCount) entries are not at the peer any more, or were damaged there."
            : "The peer refuses entries that are here."
          : "\(result.progress.refusedCount) entries of the peer are refused here (\(reasons)).",
        hint: "Everything else is in step. 'fieldsync verify' on both devices tells whether a store is damaged.")
    }
  }
}

/// The progress line of a sync, which learns on the way how much there is.
actor SyncMeter {
  private let console: Console
  private var line: ProgressLine?

  init(console: Console) {
    self.console = console
  }

  func note(_ event: SyncEvent) {
    switch event {
    case .connected: console.note("Connected; comparing.")
    case .chose(let choice): console.note("Comparing: \(choice.reason).")
    case .pulling(let plan): console.note("Fetching: \(plan.reason).")
    case .progress(let progress):
      let total = progress.receivedCount + Int(clamping: progress.wantedCount)
      if line == nil { line = ProgressLine("sync", itemCount: total, byteCount: 0, console: console) }
      line?.itemCount = total
      line?.update(items: progress.receivedCount, bytes: progress.receivedByteCount)
    case .reconciled, .pulled, .inStep, .settledApart, .refusedByPeer, .addresses: break
    }
  }

  func finish() { line?.finish() }
}
