public import FieldWire

/// The two sides of letting a device in, over a session that an invitation's key began.
public enum Joining {
  static let entryLimit = 64
  static let payloadByteLimit = 8 << 10

  /// Asks to be let in. Run ``Session/run()`` beside it.
  ///
  /// - Returns: The directory entries from the founding one down to this device's own grant, not yet verified.
  /// - Throws: ``SessionError``: `refused` when the invitation is used up or expired, or the admin says no.
  public static func ask(as name: String, in session: Session) async throws(SessionError) -> [Entry] {
    let stream = try await session.open(Message(JoinRequest(name: name)), isLast: true)
    do {
      guard let first = try await stream.receive() else {
        throw SessionError(.refused, "the invitation was not accepted")
      }
      _ = try first.decode(Welcome.self)
      var entries: [Entry] = []
      var decoder = EntryDecoder(workspace: session.secrets.workspace)
      while let message = try await stream.receive() {
        let entry = try decoder.decodeWhole(message)
        guard entries.count < entryLimit, entry.payload.count <= payloadByteLimit else {
          throw SessionError(.protocolViolation, "a welcome without an end")
        }
        entries.append(entry)
      }
      return entries
    } catch let error as SessionError {
      throw error.code == .streamReset ? SessionError(.refused, "the invitation was not accepted") : error
    } catch {
      throw SessionError(.protocolViolation, "\(error)")
    }
  }

  /// Answers the one request of an invitation's session. Run ``Session/run()`` beside it.
  ///
  /// - Parameter admit: Decides, writes the grant, and returns the entries that ``ask(as:in:)`` describes; it throws to
  ///   refuse, and the peer is told no more than that.
  public static func answer(
    in session: Session, admit: @Sendable (_ device: DeviceKey, _ name: String) async throws -> [Entry]
  ) async throws {
    for await stream in session.incoming {
      do {
        guard let first = try await stream.receive() else { continue }
        let name = try first.decode(JoinRequest.self).name
        let entries = try await admit(session.peer, name)
        try await stream.send(Message(Welcome()))
        var encoder = EntryEncoder(workspace: session.secrets.workspace)
        for entry in entries { try await stream.send(encoder.message(entry)) }
        await stream.end()
      } catch {
        await stream.reset(.refused)
        await session.close(.refused)
        throw error
      }
    }
  }
}
