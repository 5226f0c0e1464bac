/// The bytes that hexadecimal digits stand for; stops the test on anything else.
func hex(_ digits: String) -> [UInt8] {
  let nibbles = digits.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }.map { digit -> UInt8 in
    guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { preconditionFailure("not hexadecimal") }
    return UInt8(value)
  }
  precondition(nibbles.count.isMultiple(of: 2), "half a byte")
  return stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
}

/// The consecutive bytes from `first` to `last`.
func sequence(_ first: UInt8, through last: UInt8) -> [UInt8] { Array(first...last) }
