import CPace
import FieldWire
import Sodium

/// How a spoken code becomes a key, before a handshake: one run of CPace, the joining device first.
///
/// ```
/// -> domain string, session (16), Ya (32)      65 bytes, which no handshake begins with
/// <- Yb (32)
/// ```
///
/// The answer goes to anybody who asks while a code is open; each run uses the code up, so it tells one guess.
enum CodeExchange {
  static let sessionByteCount = 16
  static let requestByteCount = Domain.code.count + sessionByteCount + CPace.elementByteCount

  /// The asking side of a run.
  struct Request {
    let message: [UInt8]
    private let run: CPace

    init(code: [UInt8]) throws(SessionError) {
      let session = SystemRandom.bytes(CodeExchange.sessionByteCount)
      run = try CodeExchange.run(.initiator, code, session)
      message = Domain.code + session + run.message
    }

    func key(answer: [UInt8]) throws(SessionError) -> SessionKey { try CodeExchange.key(run, answer) }
  }

  static func isRequest(_ message: [UInt8]) -> Bool {
    message.count == requestByteCount && message.starts(with: Domain.code)
  }

  /// The answering side, in one step.
  static func answer(_ request: [UInt8], code: [UInt8]) throws(SessionError) -> (answer: [UInt8], key: SessionKey) {
    guard isRequest(request) else { throw SessionError(.handshakeFailed, "no request of a code's") }
    let session = Array(request[Domain.code.count..<Domain.code.count + sessionByteCount])
    let run = try run(.responder, code, session)
    return (run.message, try key(run, Array(request.suffix(CPace.elementByteCount))))
  }

  private static func run(_ role: CPace.Role, _ code: [UInt8], _ session: [UInt8]) throws(SessionError) -> CPace {
    do {
      return try CPace(role: role, password: code, channel: Domain.code, session: session)
    } catch {
      throw SessionError(.handshakeFailed, "\(error)")
    }
  }

  static func secret(of key: SecretBytes) -> SecretBytes {
    SecretBytes(copying: Blake2b.hash(Domain.codeKey, byteCount: 32, key: key))
  }

  private static func key(_ run: CPace, _ peerMessage: [UInt8]) throws(SessionError) -> SessionKey {
    do {
      return SessionKey(
        purpose: .code, workspace: .zero, secret: secret(of: try run.key(peerMessage: peerMessage)))
    } catch {
      throw SessionError(.handshakeFailed, "\(error)")
    }
  }
}
