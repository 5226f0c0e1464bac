import FieldCore

/// A slot of this device's service while a central uses it. What comes in on the slot's characteristic is handed to it.
final class SlotLink: DatagramLink {
  /// More than any window; what does not fit is lost, as on the air.
  private static let queueFrameCount = 256

  let id: UInt64
  let slot: Int
  let maximumFrameByteCount: Int
  private let slots: PeripheralSlots
  private let frames: AsyncStream<[UInt8]>
  private let queue: AsyncStream<[UInt8]>.Continuation

  init(id: UInt64, slot: Int, maximumFrameByteCount: Int, slots: PeripheralSlots) {
    self.id = id
    self.slot = slot
    self.maximumFrameByteCount = maximumFrameByteCount
    self.slots = slots
    (frames, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.queueFrameCount))
  }

  func deliver(_ frame: [UInt8]) { queue.yield(frame) }

  func send(_ frame: [UInt8]) async throws(TransportError) { try await slots.transmit(frame, for: self) }

  func receive() async throws(TransportError) -> [UInt8]? {
    var frames = frames.makeAsyncIterator()
    return await frames.next()
  }

  func close() async { slots.end(self) }

  /// No more frames will come.
  func finish() { queue.finish() }
}
