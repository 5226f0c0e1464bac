import Foundation
import Testing

@testable import QRCode

/// A capture of a terminal is drawn, and read by the module's own scanner and by `zbarimg`.
struct QRCodeTests {
  private static let text = "fieldsync:join/1/" + String(repeating: "AFEXJT5MTUC6ZSR4", count: 8) + "RLFCKE77"

  /// What a terminal shows of the lines: light characters on a dark ground, each half of a half block a square.
  private static func capture(_ lines: [String], isASCII: Bool) throws -> GrayImage {
    let scale = 4
    let cell = isASCII ? (width: scale / 2, height: scale) : (width: scale, height: 2 * scale)
    let width = (lines.map(\.count).max() ?? 0) * cell.width
    var pixels: [UInt8] = []
    for line in lines {
      for y in 0..<cell.height {
        for character in line {
          let isLight =
            switch character {
            case "█", "#": true
            case "▀": y < cell.height / 2
            case "▄": y >= cell.height / 2
            default: false
            }
          pixels += [UInt8](repeating: isLight ? 230 : 20, count: cell.width)
        }
      }
    }
    return try GrayImage(width: width, height: pixels.count / width, pixels: pixels)
  }

  private static func zbarimg(_ image: GrayImage) throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).pgm")
    defer { try? FileManager.default.removeItem(at: file) }
    try (Data("P5\n\(image.width) \(image.height)\n255\n".utf8) + Data(image.pixels)).write(to: file)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/zbarimg")
    process.arguments = ["--nodbus", "--quiet", "--raw", file.path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
  }

  @Test(arguments: [false, true])
  func whatATerminalShowsIsReadByZbarimgAndByUs(isASCII: Bool) throws {
    let code = try QRCode(Self.text)
    let image = try Self.capture(isASCII ? code.ascii : code.halfBlocks, isASCII: isASCII)
    #expect(try Self.zbarimg(image) == Self.text)
    #expect(try QRCodeScanner.texts(in: image) == [Self.text])
    // A terminal with dark characters on a light ground.
    #expect(try QRCodeScanner.texts(in: image.inverted) == [Self.text])
  }

  @Test func linesAreAsWideAsTheyAreSaidToBe() throws {
    let code = try QRCode("x")
    #expect(code.size == 21)
    #expect(code.halfBlocks.count == 15 && code.halfBlocks.allSatisfy { $0.count == 29 })
    #expect(code.ascii.count == 29 && code.ascii.allSatisfy { $0.utf8.count == 58 })
  }

  @Test func whatIsNoCodeIsRefused() throws {
    #expect(throws: QRCodeError(.tooLarge, "")) { try QRCode("") }
    #expect(throws: QRCodeError(.tooLarge, "")) { try QRCode(String(repeating: "x", count: 1025)) }
    #expect(throws: QRCodeError(.invalidText, "")) { try QRCode("a\u{0}b") }
    #expect(throws: QRCodeError(.unreadableImage, "")) { try GrayImage(png: "/dev/null") }
    #expect(throws: QRCodeError(.unreadableImage, "")) { try GrayImage(width: 2, height: 2, pixels: []) }
    #expect(throws: QRCodeError(.tooLarge, "")) { try GrayImage(width: .max, height: 2, pixels: []) }
    let blank = try GrayImage(width: 64, height: 64, pixels: [UInt8](repeating: 255, count: 4096))
    #expect(throws: QRCodeError(.noCodeFound, "")) { try QRCodeScanner.texts(in: blank) }
  }
}
