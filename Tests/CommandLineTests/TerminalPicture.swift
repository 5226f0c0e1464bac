/// A picture of what a terminal shows: light characters on a dark ground, as a PNG file without compression.
enum TerminalPicture {
  private static let scale = 4

  static func png(of lines: [String]) -> [UInt8] {
    let isASCII = lines.allSatisfy { $0.utf8.count == $0.count }
    let cell = (width: isASCII ? scale / 2 : scale, height: isASCII ? scale : 2 * scale)
    let width = (lines.map(\.count).max() ?? 0) * cell.width
    var rows: [UInt8] = []
    for line in lines {
      for y in 0..<cell.height {
        rows.append(0)  // no filter
        for character in line {
          let isLight = "█#".contains(character) || character == (y < cell.height / 2 ? "▀" : "▄")
          rows += [UInt8](repeating: isLight ? 230 : 20, count: cell.width)
        }
      }
    }
    let header = bigEndian(UInt32(width)) + bigEndian(UInt32(lines.count * cell.height)) + [8, 0, 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header) + chunk("IDAT", zlib(rows))
      + chunk("IEND", [])
  }

  /// RFC 1950 and 1951, stored blocks alone.
  private static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    for start in stride(from: 0, to: bytes.count, by: 65_535) {
      let block = bytes[start..<min(start + 65_535, bytes.count)]
      let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
      stream += [start + block.count == bytes.count ? 1 : 0, low, high, ~low, ~high] + block
    }
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return stream + bigEndian(b << 16 | a)
  }

  private static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + content
    var crc = UInt32.max
    for byte in body {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
    }
    return bigEndian(UInt32(content.count)) + body + bigEndian(~crc)
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
