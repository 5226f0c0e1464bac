import FieldCore

extension DocumentDatabase {
  /// The bytes of an attachment in `range`, which is cut to what there is. Holds the range in memory: read a large
  /// attachment in pieces, ideally of ``PayloadCipher/blobChunkByteCount`` at multiples of it.
  ///
  /// - Throws: ``DocumentError`` with `missingContent` or `unreadableContent`.
  public func read(_ attachment: Attachment, in range: Range<Int>) async throws -> [UInt8] {
    let range = range.clamped(to: 0..<attachment.byteCount)
    guard !range.isEmpty else { return [] }
    let size = PayloadCipher.blobChunkByteCount
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    for index in range.lowerBound / size...(range.upperBound - 1) / size {
      let chunk = try await chunk(index, of: attachment)
      let wanted = range.clamped(to: index * size..<index * size + chunk.count)
      bytes += chunk[wanted.lowerBound - index * size..<wanted.upperBound - index * size]
    }
    return bytes
  }

  /// Whether all of it is on this device.
  public func contains(_ attachment: Attachment) async throws -> Bool {
    for chunk in attachment.chunks {
      if try await store.entry(withContent: chunk, in: id) == nil { return false }
    }
    return true
  }

  private func chunk(_ index: Int, of attachment: Attachment) async throws -> [UInt8] {
    guard let id = try await store.entry(withContent: attachment.chunks[index], in: self.id),
      let entry = try await store.entries([id]).first
    else {
      throw DocumentError(.missingContent, "chunk \(index) of \(attachment.chunks.count) is not on this device yet")
    }
    var content = chunkContent(of: entry)
    if content == nil, try await refreshKeys() { content = chunkContent(of: entry) }
    guard let content, content.count == attachment.byteCount(ofChunk: index) else {
      throw DocumentError(.unreadableContent, "chunk \(index) of \(attachment.chunks.count) does not decrypt")
    }
    return content
  }

  func chunkContent(of entry: Entry) -> [UInt8]? {
    guard entry.header.kind == .blobChunk, let content = try? cipher.open(entry.payload, of: entry.header),
      content.count <= PayloadCipher.blobChunkByteCount
    else { return nil }
    return content
  }
}
