import Glibc

/// Numbers for descriptors that are out of the way of Foundation's `Process`, which watches its children by sockets in
/// sets of bits that grow with their numbers: with hundreds of others below them such a set was once read beyond its
/// end.
enum HighDescriptor {
  /// Below the usual limit of 1,024 by more than any test here opens.
  private static let first: CInt = 600

  /// Moves `descriptor`, or leaves it where it is when there is no room.
  static func moved(_ descriptor: CInt) -> CInt {
    let high = fcntl(descriptor, F_DUPFD_CLOEXEC, first)
    guard high >= 0 else { return descriptor }
    close(descriptor)
    return high
  }
}
