import Foundation
import Noise
import Sodium
import Testing

/// Published vectors, byte for byte and in both roles. The committed ones were derived by `Python/derive_vectors.py`
/// with the PyPI package `noiseprotocol` 0.3.1, which shares no code with this module. `FIELD_NOISE_VECTORS` names a
/// further file, in the format of github.com/haskell-cryptography/cacophony, `vectors/cacophony.txt`.
@Suite struct VectorTests {
  @Test func vectors() throws {
    let committed = try #require(
      Bundle.module.url(forResource: "noiseprotocol", withExtension: "json", subdirectory: "Vectors"))
    let (checkedCount, skippedCount) = try check(committed)
    #expect(checkedCount == 38 && skippedCount == 0)
    guard let path = ProcessInfo.processInfo.environment["FIELD_NOISE_VECTORS"] else {
      print("FIELD_NOISE_VECTORS is not set: only the committed vectors are checked")
      return
    }
    #expect(try check(URL(filePath: path)).checkedCount > 0)
  }

  /// - Returns: how many vectors were checked, and how many name a protocol that is not supported.
  private func check(_ file: URL) throws -> (checkedCount: Int, skippedCount: Int) {
    let vectors = try JSONDecoder().decode(NoiseVectors.self, from: Data(contentsOf: file)).vectors
    var skippedCount = 0
    for vector in vectors {
      guard let name = try? NoiseProtocolName(vector.protocolName) else {
        let parts = vector.protocolName.split(separator: "_")
        let isExpected =
          parts.count == 5 && parts[2] == "25519" && parts[3] == "ChaChaPoly"
          && ["SHA256", "BLAKE2b"].contains(parts[4])
        #expect(!isExpected, "\(vector.protocolName) should be supported")
        skippedCount += 1
        continue
      }
      try check(vector, name)
    }
    let checkedCount = vectors.count - skippedCount
    print(
      "Noise vectors in \(file.lastPathComponent): \(checkedCount) checked, \(skippedCount) skipped (other algorithms)")
    return (checkedCount, skippedCount)
  }

  private func check(_ vector: NoiseVector, _ name: NoiseProtocolName) throws {
    var initiator = try vector.initiator.state(name, .initiator)
    var responder = try vector.responder.state(name, .responder)
    let isOneWay = vector.responder.ephemeral == nil
    var index = 0
    func initiatorWrites() -> Bool { isOneWay || index.isMultiple(of: 2) }
    while !initiator.isComplete {
      let message = try #require(vector.messages.dropFirst(index).first)
      if initiatorWrites() {
        #expect(try initiator.writeMessage(payload: message.payload.bytes) == message.ciphertext.bytes, "\(name)")
        #expect(try responder.readMessage(message.ciphertext.bytes).payload == message.payload.bytes, "\(name)")
      } else {
        #expect(try responder.writeMessage(payload: message.payload.bytes) == message.ciphertext.bytes, "\(name)")
        #expect(try initiator.readMessage(message.ciphertext.bytes).payload == message.payload.bytes, "\(name)")
      }
      index += 1
    }
    #expect(responder.isComplete)
    #expect(initiator.handshakeHash == vector.handshakeHash.bytes, "\(name)")
    #expect(responder.handshakeHash == vector.handshakeHash.bytes, "\(name)")
    var initiatorChannel = try initiator.split()
    var responderChannel = try responder.split()
    #expect(index < vector.messages.count, "no transport message in the vector of \(name)")
    for message in vector.messages.dropFirst(index) {
      if initiatorWrites() {
        #expect(try initiatorChannel.send.encrypt(message.payload.bytes) == message.ciphertext.bytes, "\(name)")
        #expect(try responderChannel.receive.decrypt(message.ciphertext.bytes) == message.payload.bytes, "\(name)")
      } else {
        #expect(try responderChannel.send.encrypt(message.payload.bytes) == message.ciphertext.bytes, "\(name)")
        #expect(try initiatorChannel.receive.decrypt(message.ciphertext.bytes) == message.payload.bytes, "\(name)")
      }
      index += 1
    }
  }
}
