import FieldWire

/// Fetches the payloads of entries whose heads have come, each from where an earlier session, on whatever transport,
/// left off. Nothing is asked for that is here already, or that would be refused.
public struct ContentFetch: Sendable {
  /// Payloads that are asked for at once.
  static let requestByteCount = 512 << 10

  private let source: any ContentAddressedStore
  private let sink: any LocalStore
  private let origin: EntrySource?

  public init(from source: any ContentAddressedStore, into sink: any LocalStore, origin: EntrySource?) {
    self.source = source
    self.sink = sink
    self.origin = origin
  }

  /// A head, its id, and what is here of its payload.
  private struct Wanted {
    var id: EntryID
    var head: EntryHead
    var prefix: [UInt8] = []

    func entry(_ payload: [UInt8]) -> Entry { Entry(header: head.header, signature: head.signature, payload: payload) }
  }

  /// Brings the entries of `heads` into the store, in that order.
  public func run(_ heads: [EntryHead], into receiver: EntryReceiver) async throws(StoreError) {
    do throws(StoreError) {
      try await fetch(heads, into: receiver)
    } catch {
      try await receiver.finish()
      throw error
    }
    try await receiver.finish()
  }

  private func fetch(_ heads: [EntryHead], into receiver: EntryReceiver) async throws(StoreError) {
    var rest = heads[...]
    while !rest.isEmpty {
      var group: [Wanted] = []
      var byteCount = 0
      let directory = try await sink.directory()
      while let head = rest.first, group.count < ContentRequest.itemLimit,
        group.isEmpty || byteCount + Int(head.header.payloadByteCount) <= Self.requestByteCount
      {
        rest.removeFirst()
        guard let wanted = try await wanted(head, directory, receiver) else { continue }
        group.append(wanted)
        byteCount += Int(head.header.payloadByteCount)
      }
      guard !group.isEmpty else { continue }
      // What was kept of a payload may be wrong. It is gone now, so asking once more gets the whole.
      let wrong = try await fetch(group, receiver)
      if !wrong.isEmpty { _ = try await fetch(wrong, receiver) }
    }
  }

  /// - Returns: `nil` when nothing has to be fetched for the entry.
  private func wanted(
    _ head: EntryHead, _ directory: Directory, _ receiver: EntryReceiver
  ) async throws(StoreError) -> Wanted? {
    let id: EntryID
    do throws(EntryError) {
      id = try head.verified(in: sink.workspace)
      if head.header.kind != .directory { try directory.admit(head.header) }
    } catch {
      await receiver.note(refused: error.code, head.header)
      return nil
    }
    // It came by another session meanwhile; nothing but its name came twice.
    guard try await !sink.contained([id]).contains(id) else { return nil }
    if let code = try await sink.makeRoom(for: head.header, from: origin) {
      await receiver.note(refused: code, head.header)
      return nil
    }
    var wanted = Wanted(id: id, head: head)
    if let payload = try await sink.payload(of: head.header.contentHash) {
      try await receiver.receive(wanted.entry(payload))
      return nil
    }
    wanted.prefix = try await sink.partialPayload(of: head.header.contentHash)
    // One byte at least is asked for, so that the source has the last word.
    let byteCount = Int(head.header.payloadByteCount)
    if wanted.prefix.count >= byteCount { wanted.prefix.removeLast(wanted.prefix.count - max(0, byteCount - 1)) }
    return wanted
  }

  /// - Returns: Those whose payload, continued from what was kept, is not the right one.
  private func fetch(_ group: [Wanted], _ receiver: EntryReceiver) async throws(StoreError) -> [Wanted] {
    var assembly = ContentAssembly(source: origin?.device ?? .zero)
    var wrong: [Wanted] = []
    var next = 0
    do throws(StoreError) {
      try await source.contents(group.map { ContentRequest.Item(id: $0.id, having: $0.prefix) }) {
        event throws(StoreError) in
        switch event {
        case .start(let index, let offset, let byteCount):
          guard !assembly.isOpen, group.indices.contains(index), index >= next,
            byteCount == Int(group[index].head.header.payloadByteCount),
            offset == 0 || offset == group[index].prefix.count
          else { throw StoreError(.protocolViolation, "a payload that was not asked for") }
          await receiver.note(missing: index - next)
          next = index + 1
          assembly.start(
            group[index].head.header, index: index, prefix: offset == 0 ? [] : group[index].prefix)
        case .bytes(let bytes):
          try assembly.append(bytes)
          if let piece = assembly.pieceToKeep(atLeast: EntryReceiver.groupByteCount) { try await receiver.keep(piece) }
        }
        if let (index, payload) = assembly.takeComplete() {
          if ContentHash(hash: payload) == group[index].head.header.contentHash {
            try await receiver.receive(group[index].entry(payload))
          } else {
            try await sink.dropPartial(of: group[index].head.header.contentHash)
            if group[index].prefix.isEmpty {
              await receiver.note(refused: .contentMismatch, group[index].head.header)
            } else {
              wrong.append(Wanted(id: group[index].id, head: group[index].head))
            }
          }
        }
      }
    } catch {
      // The session is gone; what came of the payload is not.
      if let piece = assembly.pieceToKeep(atLeast: 1) { try await receiver.keep(piece) }
      throw error
    }
    if let piece = assembly.pieceToKeep(atLeast: 1) { try await receiver.keep(piece) }
    await receiver.note(missing: group.count - next + (assembly.isOpen ? 1 : 0))
    return wrong
  }
}
