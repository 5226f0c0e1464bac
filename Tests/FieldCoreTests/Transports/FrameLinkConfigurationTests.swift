import FieldCore
import Testing

@Suite struct FrameLinkConfigurationTests {
  @Test(arguments: [(8192, 1974, 7856), (4096, 495, 3880), (4096, 20, 4090), (4096, 244, 3978), (100, 495, 485)])
  func messagesFillFrames(_ limit: Int, _ frameByteCount: Int, _ messageByteCount: Int) {
    #expect(FrameLinkConfiguration.messageByteCount(within: limit, frameByteCount: frameByteCount) == messageByteCount)
  }
}
