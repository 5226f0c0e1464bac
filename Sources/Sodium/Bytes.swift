import CSodium

extension Collection where Element == UInt8 {
  /// Calls `body` with the collection's own memory, or with a copy when it is not contiguous.
  func withPointer<Result>(_ body: (_ start: UnsafePointer<UInt8>?, _ count: Int) -> Result) -> Result {
    withContiguousStorageIfAvailable { body($0.baseAddress, $0.count) }
      ?? Array(self).withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
  }
}

extension Array where Element == UInt8 {
  /// Overwrites the elements with zeros in a way that the compiler may not leave out. Other arrays that share this
  /// one's storage keep theirs: wipe each array that held a secret, and wipe it before it is copied.
  public mutating func wipe() {
    withUnsafeMutableBytes { bytes in
      if let start = bytes.baseAddress { sodium_memzero(start, bytes.count) }
    }
  }
}
