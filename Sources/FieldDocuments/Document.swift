/// A document as merged from its entries on this device.
public struct Document: Hashable, Sendable {
  public let name: String
  public let fields: [String: FieldValue]
  /// Values that were set at the same time as the one in ``fields``, by somebody who had not seen it; newest first. The
  /// field's next write resolves them.
  public let conflicts: [String: [FieldValue]]
  public let isDeleted: Bool
  /// The document's entries that do not decrypt or decode here, and so do not show.
  public let unreadableEntryCount: Int

  public var attachments: [Attachment] {
    fields.values.compactMap { if case .attachment(let attachment) = $0 { attachment } else { nil } }
  }
}
