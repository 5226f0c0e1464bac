/// A clock as ``FrameLink`` wants it: time since a fixed origin.
package struct FrameLinkClock: Sendable {
  package let now: @Sendable () -> Duration
  /// Suspends until a time. Throws when the task is cancelled.
  package let sleepUntil: @Sendable (Duration) async throws -> Void

  package init(_ clock: any Clock<Duration>) {
    self = Self.erasing(clock)
  }

  private init(now: @escaping @Sendable () -> Duration, sleepUntil: @escaping @Sendable (Duration) async throws -> Void)
  {
    self.now = now
    self.sleepUntil = sleepUntil
  }

  private static func erasing<C: Clock>(_ clock: C) -> FrameLinkClock where C.Duration == Duration {
    let origin = clock.now
    return FrameLinkClock(
      now: { origin.duration(to: clock.now) },
      sleepUntil: { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) })
  }
}
