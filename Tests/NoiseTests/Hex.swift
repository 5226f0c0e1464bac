/// The bytes that hexadecimal digits stand for, `nil` for anything else.
func hex(_ digits: String) -> [UInt8]? {
  let nibbles = digits.compactMap { $0.hexDigitValue.map(UInt8.init) }
  guard nibbles.count == digits.count, nibbles.count.isMultiple(of: 2) else { return nil }
  return stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
}

func hex(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
