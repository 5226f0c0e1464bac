import Noise
import Testing

@Suite struct ProtocolNameTests {
  @Test(arguments: allProtocolNames + ["Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2b"])
  func everyNameOfTheTableIsTaken(name: String) throws {
    #expect(try NoiseProtocolName(name).description == name)
  }

  @Test(arguments: [
    "", "Noise", "Noise_XX_25519_ChaChaPoly", "Noise_XX_25519_ChaChaPoly_SHA256_", "noise_XX_25519_ChaChaPoly_SHA256",
    "Noise__25519_ChaChaPoly_SHA256", "Noise_XY_25519_ChaChaPoly_SHA256", "Noise_xx_25519_ChaChaPoly_SHA256",
    "Noise_XX_448_ChaChaPoly_SHA256", "Noise_XX_25519_AESGCM_SHA256", "Noise_XX_25519_ChaChaPoly_SHA512",
    "Noise_XX_25519_ChaChaPoly_BLAKE2B", "Noise_XXfallback_25519_ChaChaPoly_SHA256",
    "Noise_XXpsk_25519_ChaChaPoly_SHA256", "Noise_XXpsk4_25519_ChaChaPoly_SHA256",
    "Noise_XXpsk-1_25519_ChaChaPoly_SHA256", "Noise_XXpsk+1_25519_ChaChaPoly_SHA256",
    "Noise_XXpsk00_25519_ChaChaPoly_SHA256", "Noise_XXpsk0+_25519_ChaChaPoly_SHA256",
    "Noise_XXpsk0psk1_25519_ChaChaPoly_SHA256", "Noise_XXpsk3+psk0_25519_ChaChaPoly_SHA256",
    "Noise_XXpsk0+psk0_25519_ChaChaPoly_SHA256", "Noise_XX+psk0_25519_ChaChaPoly_SHA256",
    "Noise_XXpsk99999999999999999999_25519_ChaChaPoly_SHA256", "Noise_Npsk2_25519_ChaChaPoly_SHA256",
  ])
  func anythingElseIsRefused(name: String) {
    let error = #expect(throws: NoiseError.self) { try NoiseProtocolName(name) }
    #expect(error?.code == .unsupportedProtocol)
  }

  @Test func namesAreEqualByTheirText() throws {
    let first = try NoiseProtocolName("Noise_XX_25519_ChaChaPoly_SHA256")
    #expect(try first == NoiseProtocolName("Noise_XX_25519_ChaChaPoly_SHA256"))
    #expect(try first != NoiseProtocolName("Noise_XX_25519_ChaChaPoly_BLAKE2b"))
  }
}
