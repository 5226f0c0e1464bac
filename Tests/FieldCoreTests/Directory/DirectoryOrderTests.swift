@testable import FieldCore
import FieldTesting
import FieldWire
import Sodium
import StoreFixtures
import Testing

/// Whatever the order of arrival, one state.
@Suite struct DirectoryOrderTests {
  let workspace: TestWorkspace
  var founder: TestAuthor
  var second: TestAuthor
  var third: TestAuthor
  let member: SigningKeyPair
  let other: SigningKeyPair

  init() throws {
    workspace = try TestWorkspace()
    founder = try TestAuthor(workspace.founder, in: workspace)
    second = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    third = try TestAuthor(try TestWorkspace.device(3), in: workspace)
    member = try TestWorkspace.device(4)
    other = try TestWorkspace.device(5)
  }

  private func node(taking entries: some Sequence<VerifiedEntry>) -> DirectoryNode {
    var node = DirectoryNode(workspace: workspace.id)
    for entry in entries { node.take(entry) }
    return node
  }

  /// Goes through every order in which `rest` may come to a node; orders that begin alike share their beginning.
  ///
  /// - Returns: How many orders there were, and how many ended in another state than `expected`.
  private func arrivals(
    of rest: [VerifiedEntry], at node: DirectoryNode, _ expected: DirectoryNode.State
  ) -> (count: Int, wrong: Int) {
    guard !rest.isEmpty else { return (1, node.state == expected ? 0 : 1) }
    var result = (count: 0, wrong: 0)
    for index in rest.indices {
      var (next, others) = (node, rest)
      next.take(others.remove(at: index))
      let (count, wrong) = arrivals(of: others, at: next, expected)
      result = (result.count + count, result.wrong + wrong)
    }
    return result
  }

  private func checkEveryOrder(_ operations: [VerifiedEntry]) -> DirectoryNode {
    let node = node(taking: operations)
    let result = arrivals(of: operations, at: DirectoryNode(workspace: workspace.id), node.state)
    #expect(result == (40_320, 0))
    return node
  }

  @Test mutating func allOrdersOfEightOperationsOfThreeAdminsEndInOneState() throws {
    let epoch = EntryDraft(directory: .epoch(number: 2, history: [], boxes: [try member.key: [1], third.key: [2]]))
    let operations = [
      workspace.founding, try founder.grant(second.keyPair, .admin), try founder.grant(third.keyPair, .admin),
      try second.grant(member, .member),
      // Each revokes the other without having seen that; the second is the higher one.
      try third.revoke(second.keyPair), try second.revoke(third.keyPair), try second.sign(epoch),
      try third.grant(other, .member),
    ]
    let result = checkEveryOrder(operations).directory
    #expect(result.admins == [founder.key, second.key].sorted())
    #expect(result.isRevoked(third.key) && !result.isRevoked(second.key))
    #expect(try result.role(of: member.key) == .member && result.role(of: other.key) == nil)
    #expect(result.currentEpoch == 2 && result.needsNewEpoch, "the epoch's keys went to the revoked one")
  }

  @Test mutating func aRevokedAdminsOperationsAndEntriesEndInOneStateInEveryOrder() throws {
    var author = try TestAuthor(member, in: workspace)
    let operations = [
      workspace.founding, try founder.grant(second.keyPair, .admin), try second.grant(member, .member),
      try second.grant(third.keyPair, .admin), try author.write("kept"), try author.write("cut off"),
      try founder.revoke(second.keyPair, upTo: second.directoryEntries[0]),
      try third.revoke(member, keeping: [.number(1): 1]),
    ]
    // The third is no admin: its grant came behind the cut. So the member stays, with both entries.
    let result = node(taking: operations)
    var random = SeededRandom(seed: 2)
    for _ in 0..<1000 { #expect(node(taking: operations.shuffled(using: &random)).state == result.state) }
    #expect(try result.directory.role(of: third.key) == nil && result.directory.role(of: member.key) == .member)
    #expect(result.visible == Set(operations.map(\.id)))
  }

  @Test mutating func aRevocationThatAHigherOneUndoesIsUndoneInEveryOrder() throws {
    var author = try TestAuthor(member, in: workspace)
    let operations = [
      workspace.founding, try founder.grant(second.keyPair, .admin), try founder.grant(member, .member),
      try author.write("before"), try author.write("between"),
      try second.revoke(member, keeping: [.number(1): 1]), try founder.revoke(second.keyPair),
      try author.write("after"),
    ]
    let expected = node(taking: operations)
    #expect(try expected.directory.role(of: member.key) == .member && expected.visible.count == 8)
    var random = SeededRandom(seed: 1)
    for _ in 0..<1000 { #expect(node(taking: operations.shuffled(using: &random)).state == expected.state) }
  }

  @Test func randomWorkspacesEndInOneStateInEveryOrder() throws {
    for seed in 0..<60 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let devices = try (1...6).map { try TestWorkspace.device($0) }
      var authors = try devices.map { try TestAuthor($0, in: workspace) }
      var entries = [workspace.founding]
      for _ in 0..<24 {
        let author = Int.random(in: 0..<6, using: &random)
        let device = devices[Int.random(in: 0..<6, using: &random)]
        switch Int.random(in: 0..<8, using: &random) {
        case 0...2:
          let role = DeviceRole.allCases.randomElement(using: &random) ?? .member
          entries.append(try authors[author].grant(device, role))
        case 3, 4:
          let cut = UInt64.random(in: 0...4, using: &random)
          let last = try authors.first { try $0.key == device.key }?.directoryEntries.prefix(Int(cut)).last
          entries.append(try authors[author].revoke(device, upTo: last, keeping: [.number(1): cut]))
        case 5:
          let number = UInt32.random(in: 2...4, using: &random)
          entries.append(
            try authors[author].sign(
              EntryDraft(directory: .epoch(number: number, history: [], boxes: [try device.key: []]))))
        default: entries.append(try authors[author].write("\(entries.count)"))
        }
      }
      let expected = node(taking: entries).state
      for _ in 0..<20 {
        #expect(node(taking: entries.shuffled(using: &random)).state == expected, "seed \(seed)")
      }
    }
  }

  @Test mutating func aWorkspaceOfAThousandDevicesIsEvaluated() throws {
    var directory = Directory(workspace: workspace.id)
    try directory.insert(workspace.founding)
    var random = SeededRandom(seed: 1)
    var devices: [DeviceKey] = []
    for index in 0..<1000 {
      let device = try DeviceKey(random.bytes(32)).orThrow
      devices.append(device)
      let role: DeviceRole = index.isMultiple(of: 50) ? .admin : .member
      let operation = DirectoryOperation.grant(
        device: device, role: role, epoch: 1, sealedKeys: random.bytes(157), sealedName: random.bytes(50))
      try directory.insert(try founder.sign(EntryDraft(directory: operation)))
    }
    for index in stride(from: 0, to: 1000, by: 10) {
      let revocation = DirectoryOperation.revoke(
        device: devices[index], lastEntry: .zero, lastSequences: [.number(1): 5])
      try directory.insert(try founder.sign(EntryDraft(directory: revocation)))
    }
    let boxes = Dictionary(uniqueKeysWithValues: devices.map { ($0, random.bytes(157)) })
    for number in 2...5 as ClosedRange<UInt32> {
      try directory.insert(
        try founder.sign(EntryDraft(directory: .epoch(number: number, history: [], boxes: boxes))))
    }
    directory.evaluate()
    #expect(directory.devices.count == 901 && directory.currentEpoch == 5)
  }
}
