/// Arithmetic in GF(2^32), the field of BIP 330's short ids: polynomials over GF(2) modulo x^32 + x^7 + x^3 + x^2 + 1.
/// Bit i of an element is the coefficient of x^i; addition is `^`. Here is what works everywhere; loops over many
/// elements are a ``FieldKernel``'s.
enum BinaryField {
  /// The remainder of a product of up to 63 bits.
  static func reduce(_ product: UInt64) -> UInt32 {
    func fold(_ value: UInt64) -> UInt64 {
      let high = value >> 32
      return value & 0xffff_ffff ^ high ^ high << 2 ^ high << 3 ^ high << 7
    }
    return UInt32(truncatingIfNeeded: fold(fold(product)))
  }

  /// Multiplies without carries by integer products of every fourth bit, whose carries fall into the holes between
  /// (Pornin's BearSSL, `ghash_ctmul`). In 32 bits every fourth is 8 bits, which sum up to 8: that fits 4 bits.
  static func multiply(_ left: UInt32, _ right: UInt32) -> UInt32 {
    let mask: UInt64 = 0x1111_1111_1111_1111
    let (a, b) = (UInt64(left), UInt64(right))
    let (a0, a1, a2, a3) = (a & mask, a & mask << 1, a & mask << 2, a & mask << 3)
    let (b0, b1, b2, b3) = (b & mask, b & mask << 1, b & mask << 2, b & mask << 3)
    let c0 = a0 &* b0 ^ a1 &* b3 ^ a2 &* b2 ^ a3 &* b1
    let c1 = a0 &* b1 ^ a1 &* b0 ^ a2 &* b3 ^ a3 &* b2
    let c2 = a0 &* b2 ^ a1 &* b1 ^ a2 &* b0 ^ a3 &* b3
    let c3 = a0 &* b3 ^ a1 &* b2 ^ a2 &* b1 ^ a3 &* b0
    return reduce(c0 & mask | c1 & mask << 1 | c2 & mask << 2 | c3 & mask << 3)
  }

  /// Squaring spreads the bits apart.
  static func square(_ element: UInt32) -> UInt32 {
    var value = UInt64(element)
    value = (value | value << 16) & 0x0000_ffff_0000_ffff
    value = (value | value << 8) & 0x00ff_00ff_00ff_00ff
    value = (value | value << 4) & 0x0f0f_0f0f_0f0f_0f0f
    value = (value | value << 2) & 0x3333_3333_3333_3333
    value = (value | value << 1) & 0x5555_5555_5555_5555
    return reduce(value)
  }

  /// The element's inverse, x^(2^32 - 2); 0 for 0. Chain of Itoh and Tsujii (1988): x^(2^k - 1) for k = 1, 2, 3, 6, …
  static func inverse(_ element: UInt32) -> UInt32 {
    func squared(_ value: UInt32, times: Int) -> UInt32 {
      (0..<times).reduce(value) { value, _ in square(value) }
    }
    let ones2 = multiply(squared(element, times: 1), element)
    let ones3 = multiply(squared(ones2, times: 1), element)
    let ones6 = multiply(squared(ones3, times: 3), ones3)
    let ones12 = multiply(squared(ones6, times: 6), ones6)
    let ones24 = multiply(squared(ones12, times: 12), ones12)
    let ones30 = multiply(squared(ones24, times: 6), ones6)
    let ones31 = multiply(squared(ones30, times: 1), element)
    return square(ones31)
  }
}
