/// Reads a ``GolombList`` in pieces, as they come. It holds one unfinished number, and makes no more of them than there
/// are bits.
public struct GolombDecoder: Sendable {
  private let count: Int
  private let universe: UInt64
  private let parameter: Int
  private var readCount = 0
  private var hasParameter = false
  private var isRefused = false
  private var last: UInt64 = 0
  private var quotient: UInt64 = 0
  /// The number of bits of the remainder that are still to come; `nil` in the ones before it.
  private var missingBits: Int?
  private var remainder: UInt64 = 0

  /// - Parameters:
  ///   - count: How many numbers there are.
  ///   - universe: What all numbers are below.
  public init(count: Int, universe: UInt64) {
    self.count = count
    self.universe = universe
    parameter = count < 0 ? 0 : GolombList.parameter(count: count, universe: universe)
    isRefused = count < 0
  }

  /// All numbers were read, and nothing else came.
  public var isComplete: Bool { hasParameter && !isRefused && readCount == count }

  /// The numbers that `bytes` complete; `nil` once something does not belong to such a list. The parameter has to be
  /// the one that count and universe give, so that there is one way only to write a list.
  public mutating func append(_ bytes: [UInt8]) -> [UInt64]? {
    var numbers: [UInt64] = []
    for byte in bytes {
      guard !isRefused else { return nil }
      if !hasParameter {
        hasParameter = true
        isRefused = Int(byte) != parameter
      } else if readCount == count {
        isRefused = true  // a byte more than there should be
      } else {
        read(byte, &numbers)
      }
    }
    return isRefused ? nil : numbers
  }

  private mutating func read(_ byte: UInt8, _ numbers: inout [UInt64]) {
    var left = 8
    while left > 0 {
      guard readCount < count else {
        isRefused = isRefused || byte << UInt8(8 - left) != 0
        return
      }
      let rest = byte << UInt8(8 - left)
      if let missing = missingBits {
        let taken = min(missing, left)
        remainder = remainder << UInt64(taken) | UInt64(rest) >> UInt64(8 - taken)
        left -= taken
        missingBits = missing - taken
      } else {
        let ones = min((~rest).leadingZeroBitCount, left)
        quotient += UInt64(ones)
        left -= ones
        guard quotient <= universe >> UInt64(parameter) else {
          isRefused = true
          return
        }
        guard left > 0 else { return }
        left -= 1
        missingBits = parameter
      }
      if missingBits == 0 { finishNumber(&numbers) }
      if isRefused { return }
    }
  }

  private mutating func finishNumber(_ numbers: inout [UInt64]) {
    // The quotient is at most universe >> parameter: this does not overflow.
    let (number, overflow) = last.addingReportingOverflow(quotient << UInt64(parameter) | remainder)
    guard !overflow, number < universe else {
      isRefused = true
      return
    }
    numbers.append(number)
    last = number
    readCount += 1
    (quotient, remainder, missingBits) = (0, 0, nil)
  }
}
