import CQREncode

/// A QR code (ISO/IEC 18004), made by libqrencode: a square of dark and light modules.
public struct QRCode: Hashable, Sendable {
  /// Light modules that have to be around the code, on each side.
  public static let quietZone = 4
  /// The longest text that is encoded.
  public static let textByteLimit = 1024

  /// Modules on a side.
  public let size: Int
  private let modules: [Bool]

  /// In the smallest version that takes the text, with error correction of level M (15 %).
  ///
  /// - Throws: ``QRCodeError`` with `tooLarge` or `invalidText`.
  public init(_ text: String) throws(QRCodeError) {
    guard (1...Self.textByteLimit).contains(text.utf8.count) else {
      throw QRCodeError(.tooLarge, "\(text.utf8.count) bytes, and 1 to \(Self.textByteLimit) are encoded")
    }
    guard !text.utf8.contains(0) else { throw QRCodeError(.invalidText, "a zero byte in the text") }
    guard let code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1) else {
      throw QRCodeError(.tooLarge, "no version takes the text")
    }
    defer { QRcode_free(code) }
    size = Int(code.pointee.width)
    modules = (0..<size * size).map { code.pointee.data[$0] & 1 != 0 }
  }

  /// Light outside of the code.
  public func isDark(column: Int, row: Int) -> Bool {
    (0..<size).contains(column) && (0..<size).contains(row) && modules[row * size + column]
  }

  /// For a terminal: two modules in each character, by half blocks. Light modules are drawn and dark ones left blank,
  /// as on a dark background; on a light one it is an inverted code, which most readers take too.
  public var halfBlocks: [String] {
    rows(step: 2).map { row in
      columns.map { column in
        switch (isDark(column: column, row: row), isDark(column: column, row: row + 1)) {
        case (false, false): "█"
        case (false, true): "▀"
        case (true, false): "▄"
        case (true, true): " "
        }
      }.joined()
    }
  }

  /// With nothing but ASCII: two characters for each module.
  public var ascii: [String] {
    rows(step: 1).map { row in columns.map { isDark(column: $0, row: row) ? "  " : "##" }.joined() }
  }

  private var columns: Range<Int> { -Self.quietZone..<size + Self.quietZone }

  private func rows(step: Int) -> StrideTo<Int> {
    stride(from: -Self.quietZone, to: size + Self.quietZone, by: step)
  }
}
