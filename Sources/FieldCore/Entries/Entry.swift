public import FieldWire
public import Sodium

/// A header, its author's signature and the payload as stored: what stores hold and peers exchange.
///
/// Encoded: the header, the 64-byte Ed25519 signature, and the payload, whose length the header states.
public struct Entry: Hashable, Sendable {
  public var header: EntryHeader
  public var signature: [UInt8]
  public var payload: [UInt8]

  public init(header: EntryHeader, signature: [UInt8], payload: [UInt8]) {
    self.header = header
    self.signature = signature
    self.payload = payload
  }

  /// Signs a header that holds to its rules.
  public init(signing header: EntryHeader, payload: [UInt8], with keyPair: SigningKeyPair, in workspace: WorkspaceID) {
    self.init(
      header: header, signature: keyPair.sign(Self.signedBytes(of: header.id(in: workspace))), payload: payload)
  }

  public var encodedByteCount: Int { header.encodedByteCount + EntryLimits.signatureByteCount + payload.count }

  public func encode(into writer: inout WireWriter) {
    header.encode(into: &writer)
    writer.raw(signature)
    writer.raw(payload)
  }

  public var encoded: [UInt8] {
    var writer = WireWriter(capacity: encodedByteCount)
    encode(into: &writer)
    return writer.bytes
  }

  public init(from reader: inout WireReader) throws(WireError) {
    header = try EntryHeader(from: &reader)
    signature = try reader.raw(EntryLimits.signatureByteCount)
    payload = try reader.raw(Int(header.payloadByteCount))
  }

  static func signedBytes(of id: EntryID) -> [UInt8] { Domain.entrySignature + id.bytes }
}
