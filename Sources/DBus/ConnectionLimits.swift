/// What one connection holds at most, whatever its peers do.
public struct ConnectionLimits: Sendable {
  /// Calls of ours that wait for an answer; more fail with `limitExceeded`. A system bus allows 128.
  public var callsInFlight = 100
  /// Calls to our exported objects that are being handled; more are answered with `LimitsExceeded`.
  public var handlersInFlight = 256
  /// The largest message that is sent.
  public var messageByteCount = 16 << 20
  /// The largest message that is received. A larger one ends the connection: libdbus offers nothing milder. Anybody on
  /// the bus may send one, so this is the largest that the D-Bus specification allows, and the bus's own limit counts.
  public var receivedMessageByteCount = 128 << 20
  /// Values (of any depth) in one received message; a byte array is one.
  public var valuesPerMessage = 1 << 20
  /// File descriptors in one received message.
  public var fileDescriptorsPerMessage = 16
  /// Bytes waiting to be written to the bus; sending more fails with `limitExceeded`.
  public var outgoingByteCount = 32 << 20
  /// Signals that wait in one stream; the stream then ends with `limitExceeded`.
  public var signalsPerStream = 4096

  public init() {}
}
