/// The committed bounds of a sync over TCP. They are counts, which are the same on every machine.
struct SyncFloor: Decodable {
  var entries: Int
  /// The most that the first sync may cost for each entry, comparing and signatures included.
  var bytesBesidePayload: Double
  /// The most that a sync of two homes in step may take, after the handshake and both ways.
  var secondSyncMessages: Int
  var secondSyncBytes: Int

  func isHeld(by result: SyncBenchmark.Result) -> Bool {
    result.bytesBesidePayload <= bytesBesidePayload && result.secondSync.messages <= secondSyncMessages
      && result.secondSync.bytes <= secondSyncBytes
  }
}
