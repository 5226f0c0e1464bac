import Glibc

/// Now, by two clocks: the wall's, which people set, and the one since this boot, which only goes on.
public struct ClockReading: Hashable, Sendable {
  /// Since 1970, in seconds.
  public var wallSeconds: Int64
  /// Since the boot, sleep included, in seconds.
  public var bootSeconds: Int64
  /// Differs from boot to boot; at most 64 bytes.
  public var boot: String

  public init(wallSeconds: Int64, bootSeconds: Int64, boot: String) {
    self.wallSeconds = wallSeconds
    self.bootSeconds = bootSeconds
    self.boot = boot
  }

  public static func now() -> ClockReading {
    var wall = timespec()
    var boot = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    clock_gettime(CLOCK_BOOTTIME, &boot)
    return ClockReading(
      wallSeconds: Int64(wall.tv_sec), bootSeconds: Int64(boot.tv_sec), boot: bootIdentifier)
  }

  private static let bootIdentifier: String = {
    let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 36)
    let count = read(file, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
  }()
}
