/// Padmé (Nikitin et al., PoPETs 2019, "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
/// section 4): sizes are rounded up so that they leak O(log log n) bits, at a cost of at most 12 %.
///
/// Padded: the content, one byte 0x80, then zeros. One content has one padded form of one size.
enum Padding {
  static func paddedByteCount(of byteCount: Int) -> Int {
    guard byteCount > 1 else { return byteCount }
    let exponent = Int.bitWidth - 1 - byteCount.leadingZeroBitCount
    let exponentBits = Int.bitWidth - exponent.leadingZeroBitCount
    let mask = (1 << max(0, exponent - exponentBits)) - 1
    return (byteCount + mask) & ~mask
  }

  static func pad(_ content: [UInt8]) -> [UInt8] {
    var padded = content
    padded.append(0x80)
    padded.append(contentsOf: repeatElement(0, count: paddedByteCount(of: padded.count) - padded.count))
    return padded
  }

  /// `nil` when the padding is not that of the content.
  static func unpad(_ padded: [UInt8]) -> [UInt8]? {
    guard let marker = padded.lastIndex(where: { $0 != 0 }), padded[marker] == 0x80,
      paddedByteCount(of: marker + 1) == padded.count
    else { return nil }
    return Array(padded[..<marker])
  }
}
