/// Why something is no QR code. Equality is on the code alone; texts and image bytes are never in the reason.
public struct QRCodeError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Sendable {
    case tooLarge
    case invalidText
    /// The file is no PNG image, or cannot be read.
    case unreadableImage
    case noCodeFound
  }

  public let code: Code
  public let reason: String

  init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public static func == (left: QRCodeError, right: QRCodeError) -> Bool { left.code == right.code }

  public var description: String { "\(code): \(reason)" }
}
