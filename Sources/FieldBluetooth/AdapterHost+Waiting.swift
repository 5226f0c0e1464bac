import BlueZ
import DBus
import FieldCore

/// Waiting for what bluetoothd or another task does.
extension AdapterHost {
  /// What a task can wait for. Looked at again after every event.
  enum Wait {
    case dialTurn
    case found(BluetoothAddress)
    case discoveryStopped
    /// An earlier connection to the device is not just being ended.
    case left(ObjectPath)
    case connected(ObjectPath)
    /// Or not connected any more.
    case servicesResolved(ObjectPath)
    case characteristicsPresent(ObjectPath)
    case nothingUnderWay
  }

  struct Waiter {
    let wait: Wait
    let continuation: CheckedContinuation<Void, Never>
  }

  func isOver(_ wait: Wait) -> Bool {
    switch wait {
    case .dialTurn: !isDialing
    case .found(let address): path(of: address) != nil
    case .discoveryStopped: machine.isStopped(.discovery)
    case .left(let device): !leaving.contains(device)
    case .connected(let device): client.device(device)?.isConnected == true
    case .servicesResolved(let device):
      client.device(device).map { !$0.isConnected || $0.areServicesResolved } ?? true
    case .characteristicsPresent(let device):
      client.device(device)?.isConnected != true || characteristics(of: device) != nil
    case .nothingUnderWay: actionsUnderWay == 0
    }
  }

  /// Returns when what is waited for is there, after `limit`, when the task is cancelled, and when the host ends.
  func wait(for wait: Wait, limit: Duration) async {
    guard !isOver(wait), !Task.isCancelled else { return }
    lastID += 1
    let id = lastID
    let deadline = clock.now() + limit
    let timer = Task { [clock] in
      guard (try? await clock.sleepUntil(deadline)) != nil else { return }
      stopWaiting(id)
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard !isOver(wait), !Task.isCancelled else { return continuation.resume() }
        waiters[id] = Waiter(wait: wait, continuation: continuation)
      }
    } onCancel: {
      Task { await self.stopWaiting(id) }
    }
    timer.cancel()
  }

  private func stopWaiting(_ id: UInt64) {
    waiters.removeValue(forKey: id)?.continuation.resume()
  }

  func resumeWaiters() {
    for (id, waiter) in waiters where isOver(waiter.wait) { stopWaiting(id) }
  }
}
