import CPNG

/// An image in shades of gray, row by row from the top, 0 black.
public struct GrayImage: Sendable {
  public static let pixelLimit = 64 << 20

  public let width: Int
  public let height: Int
  public let pixels: [UInt8]

  /// - Throws: ``QRCodeError`` with `tooLarge`, or `unreadableImage` when there are not width times height pixels.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(QRCodeError) {
    guard width > 0, height > 0, width <= Self.pixelLimit, height <= Self.pixelLimit / width else {
      throw QRCodeError(.tooLarge, "an image of \(width) by \(height) pixels")
    }
    guard pixels.count == width * height else { throw QRCodeError(.unreadableImage, "pixels are missing") }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Reads a PNG file, by libpng; what is transparent is white.
  ///
  /// - Throws: ``QRCodeError`` with `unreadableImage` or `tooLarge`.
  public init(png path: String) throws(QRCodeError) {
    var image = png_image()
    CPNG_image_init(&image)
    guard png_image_begin_read_from_file(&image, path) != 0 else {
      throw QRCodeError(.unreadableImage, "no PNG image that can be read")
    }
    defer { png_image_free(&image) }
    let (width, height) = (Int(image.width), Int(image.height))
    guard width > 0, height > 0, height <= Self.pixelLimit / width else {
      throw QRCodeError(.tooLarge, "an image of \(width) by \(height) pixels")
    }
    image.format = CPNG_FORMAT_GRAY
    var pixels = [UInt8](repeating: 0, count: width * height)
    var white = png_color(red: 255, green: 255, blue: 255)
    guard png_image_finish_read(&image, &white, &pixels, 0, nil) != 0 else {
      throw QRCodeError(.unreadableImage, "a PNG image that ends early")
    }
    try self.init(width: width, height: height, pixels: pixels)
  }

  /// Dark and light changed round.
  public var inverted: GrayImage {
    get throws(QRCodeError) { try GrayImage(width: width, height: height, pixels: pixels.map { 255 - $0 }) }
  }
}
