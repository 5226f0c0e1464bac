import CZBar

/// Finds QR codes in images, by libzbar.
public enum QRCodeScanner {
  /// "Y800": 8 bits of gray.
  private static let format = UInt("Y800".utf8.reversed().reduce(0) { UInt32($0) << 8 | UInt32($1) })

  /// The texts of the QR codes in the image, dark on light or light on dark.
  ///
  /// - Throws: ``QRCodeError`` with `noCodeFound`.
  public static func texts(in image: GrayImage) throws(QRCodeError) -> [String] {
    let found = scan(image)
    if !found.isEmpty { return found }
    let inverted = scan(try image.inverted)
    guard !inverted.isEmpty else { throw QRCodeError(.noCodeFound, "no QR code in the image") }
    return inverted
  }

  private static func scan(_ image: GrayImage) -> [String] {
    guard let scanner = zbar_image_scanner_create(), let picture = zbar_image_create() else { return [] }
    defer {
      zbar_image_destroy(picture)
      zbar_image_scanner_destroy(scanner)
    }
    zbar_image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0)
    zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1)
    zbar_image_set_format(picture, format)
    zbar_image_set_size(picture, UInt32(image.width), UInt32(image.height))
    return image.pixels.withUnsafeBytes { pixels in
      zbar_image_set_data(picture, pixels.baseAddress, UInt(pixels.count), nil)
      guard zbar_scan_image(scanner, picture) > 0 else { return [] }
      var texts: [String] = []
      var symbol = zbar_image_first_symbol(picture)
      while let current = symbol {
        if zbar_symbol_get_type(current) == ZBAR_QRCODE, let data = zbar_symbol_get_data(current) {
          let bytes = UnsafeRawBufferPointer(start: data, count: Int(zbar_symbol_get_data_length(current)))
          texts.append(String(decoding: bytes, as: UTF8.self))
        }
        symbol = zbar_symbol_next(current)
      }
      // The image must not point to pixels that are gone.
      zbar_image_set_data(picture, nil, 0, nil)
      return texts
    }
  }
}
