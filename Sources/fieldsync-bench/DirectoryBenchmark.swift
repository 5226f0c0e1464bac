import ArgumentParser
import FieldCore
import FieldTesting
import FieldWire
import Sodium

/// What a directory of many devices costs to evaluate, which is done anew whenever an entry is added to it.
struct DirectoryBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "directory",
    abstract: "Seconds to evaluate a workspace's directory, beside those that its signatures take to check.",
    discussion: """
      One device in fifty is an admin, one in ten is revoked, and keys were changed four times for all that are left.
      The directory is evaluated at each change of it; its signatures are checked once, when an entry comes.
      """)

  @Option(help: "How many devices were let in.") var devices = 1000

  @Option(help: "Evaluations, whose mean is given.") var rounds = 10

  @Flag(help: "Print JSON.") var json = false

  private static let epochCount: UInt32 = 4

  func validate() throws {
    guard (1...DirectoryOperation.deviceLimit).contains(devices) else {
      throw ValidationError("Between 1 and \(DirectoryOperation.deviceLimit) devices.")
    }
    guard (1...10_000).contains(rounds) else { throw ValidationError("Between 1 and 10,000 rounds.") }
  }

  func run() throws {
    let entries = try signedEntries()
    let workspace = try workspace(of: entries)
    var verified: [VerifiedEntry] = []
    let verifying = try ContinuousClock().measure {
      verified = try entries.map { try VerifiedEntry(verifying: $0, in: workspace) }
    }
    var directory = Directory(workspace: workspace)
    for entry in verified { try directory.insert(entry) }
    let unevaluated = directory
    let evaluating = ContinuousClock().measure {
      for _ in 0..<rounds {
        directory = unevaluated
        directory.evaluate()
      }
    }
    let seconds = evaluating / .seconds(rounds)
    let ratio = seconds / (verifying / .seconds(1))
    let last = directory.currentEpoch
    if json {
      print(
        #"{"devices":\#(directory.devices.count),"entries":\#(entries.count),"epoch":\#(last),"#
          + #""evaluate_seconds":\#(seconds),"verify_seconds":\#(verifying / .seconds(1)),"ratio":\#(ratio)}"#)
    } else {
      print("\(entries.count) entries, \(directory.devices.count) devices that belong, epoch \(last)")
      print("evaluated in \(seconds) s, \(ratio) of what their signatures take")
    }
  }

  private func workspace(of entries: [Entry]) throws -> WorkspaceID {
    guard let workspace = Directory.workspace(foundedBy: entries) else { throw ExitCode.failure }
    return workspace
  }

  private func signedEntries() throws -> [Entry] {
    var random = SeededRandom(seed: 1)
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
    let founder = SigningKeyPair()
    guard let founderKey = DeviceKey(founder.publicKey) else { throw ExitCode.failure }
    let nonce = bytes(DirectoryOperation.foundingNonceByteCount)
    let workspace = Directory.workspaceID(founder: founderKey, nonce: nonce)
    let keys = (0..<devices).compactMap { _ in DeviceKey(bytes(32)) }
    /// As large as real ones.
    let (sealedKeys, sealedName) = (bytes(157), bytes(50))

    var operations = [DirectoryOperation.found(nonce: nonce, sealedKeys: sealedKeys, sealedName: sealedName)]
    for (index, key) in keys.enumerated() {
      operations.append(
        .grant(
          device: key, role: index.isMultiple(of: 50) ? .admin : .member, epoch: 1, sealedKeys: sealedKeys,
          sealedName: sealedName))
    }
    var left = keys
    for index in stride(from: 0, to: keys.count, by: 10).reversed() {
      operations.append(.revoke(device: left.remove(at: index), lastEntry: .zero, lastSequences: [:]))
    }
    let boxes = Dictionary(left.map { ($0, sealedKeys) }, uniquingKeysWith: { one, _ in one })
    for number in 2...(1 + Self.epochCount) { operations.append(.epoch(number: number, history: [], boxes: boxes)) }

    var link: ChainLink?
    return try operations.map { operation in
      let draft = EntryDraft(
        kind: .directory, database: Directory.database, keyEpoch: 0, payload: operation.encoded)
      let signed = try draft.sign(with: founder, following: link, in: workspace)
      link = ChainLink(sequence: signed.header.sequence, id: signed.id)
      return signed.entry
    }
  }
}
