import Foundation
import Noise
import Sodium

/// The files' outermost object.
struct NoiseVectors: Decodable {
  let vectors: [NoiseVector]
}

/// One handshake and some messages after it, all bytes in hexadecimal.
struct NoiseVector: Decodable {
  struct Message: Decodable {
    let payload: HexBytes
    let ciphertext: HexBytes
  }

  struct Side {
    let prologue: HexBytes
    let staticSecret: HexBytes?
    let ephemeral: HexBytes?
    let remoteStatic: HexBytes?
    let presharedKeys: [HexBytes]?

    func state(_ name: NoiseProtocolName, _ role: HandshakeRole) throws -> HandshakeState {
      try HandshakeState(
        name: name, role: role, prologue: prologue.bytes,
        localStatic: staticSecret.map { try AgreementKeyPair(secret: SecretBytes(copying: $0.bytes)) },
        remoteStatic: remoteStatic?.bytes, presharedKeys: (presharedKeys ?? []).map { SecretBytes(copying: $0.bytes) },
        localEphemeral: ephemeral.map { try AgreementKeyPair(secret: SecretBytes(copying: $0.bytes)) })
    }
  }

  let protocolName: String
  let initiator: Side
  let responder: Side
  let handshakeHash: HexBytes
  let messages: [Message]

  private enum CodingKeys: String, CodingKey {
    case protocolName = "protocol_name"
    case handshakeHash = "handshake_hash"
    case messages
    case initPrologue = "init_prologue"
    case initStatic = "init_static"
    case initEphemeral = "init_ephemeral"
    case initRemoteStatic = "init_remote_static"
    case initPsks = "init_psks"
    case respPrologue = "resp_prologue"
    case respStatic = "resp_static"
    case respEphemeral = "resp_ephemeral"
    case respRemoteStatic = "resp_remote_static"
    case respPsks = "resp_psks"
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    protocolName = try container.decode(String.self, forKey: .protocolName)
    handshakeHash = try container.decode(HexBytes.self, forKey: .handshakeHash)
    messages = try container.decode([Message].self, forKey: .messages)
    initiator = Side(
      prologue: try container.decode(HexBytes.self, forKey: .initPrologue),
      staticSecret: try container.decodeIfPresent(HexBytes.self, forKey: .initStatic),
      ephemeral: try container.decodeIfPresent(HexBytes.self, forKey: .initEphemeral),
      remoteStatic: try container.decodeIfPresent(HexBytes.self, forKey: .initRemoteStatic),
      presharedKeys: try container.decodeIfPresent([HexBytes].self, forKey: .initPsks))
    responder = Side(
      prologue: try container.decode(HexBytes.self, forKey: .respPrologue),
      staticSecret: try container.decodeIfPresent(HexBytes.self, forKey: .respStatic),
      ephemeral: try container.decodeIfPresent(HexBytes.self, forKey: .respEphemeral),
      remoteStatic: try container.decodeIfPresent(HexBytes.self, forKey: .respRemoteStatic),
      presharedKeys: try container.decodeIfPresent([HexBytes].self, forKey: .respPsks))
  }
}

struct HexBytes: Decodable {
  let bytes: [UInt8]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let bytes = hex(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not hexadecimal")
    }
    self.bytes = bytes
  }
}
