/// A descriptor with an owner that is to be called whenever there is something to do, see
/// ``ReadinessPoller/watch(_:)``.
public protocol ReadinessSource: AnyObject, Sendable {
  /// What to wait for; nil when there is nothing. Asked before every wait, on the poller's thread.
  var interest: (descriptor: Int32, readiness: Readiness)? { get }

  /// Called on the poller's thread, and so must not block. A descriptor that was closed meanwhile, and its number used
  /// again, costs one call in vain.
  func handle(_ readiness: Readiness)
}
