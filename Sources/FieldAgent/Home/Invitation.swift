public import FieldCore
public import FieldWire
import Sodium

/// What lets one device into a workspace, once: `fieldsync:join/1/` and, in upper-case base 32, version 1 (u8),
/// workspace (32), the inviting admin's key (32), a secret (16), and 4 check bytes of the BLAKE2b hash of all that.
///
/// The secret never travels: a key that is made of it opens the session in which the device asks to be let in.
public struct Invitation: Sendable {
  public static let secretByteCount = 16
  public static let scheme = "fieldsync:"
  static let prefix = scheme + "join/1/"
  private static let version: UInt8 = 1
  private static let checkByteCount = 4
  private static let byteCount = 1 + 32 + 32 + secretByteCount + checkByteCount

  public let workspace: WorkspaceID
  public let admin: DeviceKey
  public let secret: [UInt8]

  public init(workspace: WorkspaceID, admin: DeviceKey, secret: [UInt8]) {
    self.workspace = workspace
    self.admin = admin
    self.secret = secret
  }

  public var uri: String {
    var writer = WireWriter(capacity: Self.byteCount)
    writer.u8(Self.version)
    writer.identifier(workspace)
    writer.identifier(admin)
    writer.raw(secret)
    writer.raw(Blake2b.hash(writer.bytes)[..<Self.checkByteCount])
    return Self.prefix + Base32.encode(writer.bytes)
  }

  /// Reads exactly what ``uri`` writes; white space around it is not part of it.
  ///
  /// - Throws: ``AgentError`` with `invalidInput`. Its message does not repeat the text, which may be nearly a secret.
  public init(uri text: String) throws(AgentError) {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let uri = words.first, uri.hasPrefix(Self.prefix) else {
      throw Self.refused("That is not an invitation: it does not begin with '\(Self.prefix)', or has spaces in it.")
    }
    let characters = uri.dropFirst(Self.prefix.count)
    let characterCount = (Self.byteCount * 8 + 4) / 5
    guard characters.utf8.count == characterCount else {
      let expected = Self.prefix.utf8.count + characterCount
      throw Self.refused("The invitation has \(uri.utf8.count) characters and should have \(expected).")
    }
    guard let bytes = Base32.decode(String(characters)), bytes.count == Self.byteCount,
      Base32.encode(bytes) == String(characters),
      Array(Blake2b.hash(Array(bytes.dropLast(Self.checkByteCount)))[..<Self.checkByteCount])
        == Array(bytes.suffix(Self.checkByteCount))
    else { throw Self.refused("A character of the invitation is wrong.") }
    var reader = WireReader(bytes)
    do {
      guard try reader.u8() == Self.version else {
        throw AgentError(.configuration, "The invitation was made by a newer version of fieldsync.")
      }
      workspace = try reader.identifier()
      admin = try reader.identifier()
      secret = try reader.raw(Self.secretByteCount)
    } catch let error as AgentError {
      throw error
    } catch {
      throw Self.refused("The invitation is cut off.")
    }
  }

  private static func refused(_ message: String) -> AgentError {
    AgentError(.invalidInput, message, hint: "Copy the whole line that 'fieldsync invite' printed.")
  }
}
