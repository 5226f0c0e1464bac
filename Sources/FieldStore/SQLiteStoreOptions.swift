import Foundation

extension SQLiteStore {
  /// How a store uses its machine.
  public struct Options: Sendable {
    /// How long a call waits for another process that is writing before it throws `busy`.
    public var busyTimeout: Duration
    /// The file's largest size; a write that needs more throws `cannotWrite` and changes nothing. `nil` for the disk's.
    public var maximumByteCount: Int?
    /// How often other processes' writes are looked for while somebody listens to ``SQLiteStore/changes()``.
    public var pollInterval: Duration
    public var clock: any Clock<Duration>
    /// The time since 1970, the machine's unless another is given, by which partial payloads expire. A wrong one costs
    /// bytes that are sent again.
    public var wallClock: @Sendable () -> Duration

    /// Connections that read at the same time.
    static let readerCount = 4
    /// Pages that a connection keeps in memory. With 4 KiB pages: 4 MiB for the writer, 1 MiB for each reader. Nothing
    /// is mapped into memory, since a mapped file on a failing card ends the process instead of the call.
    static let writerCachePageCount = 1024
    static let readerCachePageCount = 256
    /// What is left of the write-ahead log after it was taken into the file.
    static let logByteLimit = 16 << 20
    static let pageByteCount = 4096

    public init(
      busyTimeout: Duration = .seconds(5), maximumByteCount: Int? = nil, pollInterval: Duration = .milliseconds(250),
      clock: any Clock<Duration> = ContinuousClock(),
      wallClock: (@Sendable () -> Duration)? = nil
    ) {
      self.busyTimeout = busyTimeout
      self.maximumByteCount = maximumByteCount
      self.pollInterval = pollInterval
      self.clock = clock
      self.wallClock = wallClock ?? { .seconds(Date().timeIntervalSince1970) }
    }
  }
}
