public import FieldCore

/// What the agent asks of any transport, in Bluetooth's terms.
extension BluetoothTransport {
  /// bluetoothd forgets a device that it has not heard for 30 seconds, so looking pauses for less.
  private static let normal = DiscoverySchedule.periodic(on: .seconds(10), every: .seconds(30))
  private static let sparse = DiscoverySchedule.periodic(on: .seconds(5), every: .seconds(30))

  /// The beacon's short form is what an advertisement has room for.
  public func announce(_ beacon: PresenceBeacon) async { await announce(beacon.short) }

  public func discover(_ effort: DiscoveryEffort) async {
    switch effort {
    case .high: await discover(DiscoverySchedule.continuous)
    case .normal: await discover(Self.normal)
    case .low: await discover(Self.sparse)
    }
  }

  public func conditions() -> AsyncStream<TransportCondition?> {
    let changes = statusChanges()
    let (stream, continuation) = AsyncStream.makeStream(
      of: TransportCondition?.self, bufferingPolicy: .bufferingNewest(1))
    let follower = Task {
      for await status in changes { continuation.yield(TransportCondition(status)) }
      continuation.finish()
    }
    continuation.onTermination = { _ in follower.cancel() }
    return stream
  }
}

extension TransportCondition {
  /// Nil when all is well.
  init?(_ status: BluetoothStatus) {
    if let problem = status.problem {
      self.init(problem)
    } else if let reason = status.channelProblem {
      self.init(
        code: "noChannel", reason: reason, remedy: "nothing has to be done: links go over GATT, which is slower",
        isUsable: true)
    } else {
      return nil
    }
  }

  init(_ problem: BluetoothProblem) {
    let isUsable =
      switch problem.code {
      case .busUnavailable, .serviceNotRunning, .serviceNotAnswering, .adapterMissing, .adapterBlocked,
        .adapterOff:
        false
      case .serviceRefused, .advertisementRefused, .discoveryRefused, .cannotDial: true
      }
    self.init(code: problem.code.rawValue, reason: problem.reason, remedy: problem.remedy, isUsable: isUsable)
  }
}
