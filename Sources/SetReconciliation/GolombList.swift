/// An ascending list of numbers below a bound, coded by their gaps (Golomb 1966, "Run-length encodings", with Rice's
/// powers of two): about `log2(universe / count) + 1.6` bits a number.
///
/// Bytes: the parameter p (u8, 0 to 56), then for each number its distance from the one before, the first from 0: the
/// distance divided by 2^p as that many ones and a zero, and its low p bits. Bits run from the most significant, the
/// last byte is filled with zeros. How many numbers there are is said elsewhere.
public enum GolombList {
  static let parameterLimit = 56

  /// The parameter that is best for numbers at random: Kiely's floor(log2(g ln(phi))) + 1 for gaps of g on the average
  /// ("Selecting the Golomb Parameter in Rice Coding", 2004), in whole numbers.
  static func parameter(count: Int, universe: UInt64) -> Int {
    guard count > 0 else { return 0 }
    let gap = universe / UInt64(count)
    let scaled = gap - gap / 26
    return min(scaled == 0 ? 0 : UInt64.bitWidth - 1 - scaled.leadingZeroBitCount, parameterLimit)
  }

  /// - Parameter ascending: Below `universe`; the same number may stand there more than once.
  public static func encode(_ ascending: [UInt64], universe: UInt64) -> [UInt8] {
    let parameter = parameter(count: ascending.count, universe: universe)
    var bytes: [UInt8] = [UInt8(parameter)]
    bytes.reserveCapacity(2 + ascending.count * (parameter + 2) / 8)
    var (pending, pendingCount) = (UInt64(0), 0)
    func flush() {
      while pendingCount >= 8 {
        pendingCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: pending >> UInt64(pendingCount)))
      }
      pending &= 1 << UInt64(pendingCount) - 1
    }
    var last: UInt64 = 0
    for number in ascending {
      let gap = number - last
      last = number
      for _ in 0..<gap >> UInt64(parameter) {
        pending = pending << 1 | 1
        pendingCount += 1
        if pendingCount >= 32 { flush() }
      }
      pending <<= 1
      pendingCount += 1
      flush()
      pending = pending << UInt64(parameter) | gap & (1 << UInt64(parameter) - 1)
      pendingCount += parameter
      flush()
    }
    if pendingCount > 0 { bytes.append(UInt8(truncatingIfNeeded: pending << UInt64(8 - pendingCount))) }
    return bytes
  }

  /// The numbers; `nil` unless `bytes` are exactly `count` numbers below `universe`, by the best parameter.
  public static func decode(_ bytes: [UInt8], count: Int, universe: UInt64) -> [UInt64]? {
    var decoder = GolombDecoder(count: count, universe: universe)
    guard let numbers = decoder.append(bytes), decoder.isComplete else { return nil }
    return numbers
  }
}
