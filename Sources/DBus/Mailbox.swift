import CDBus
import Glibc
import Synchronization

/// The way from any thread to the bus thread: commands in order, and the descriptor that wakes the thread for them.
final class Mailbox: Sendable {
  struct Command: Sendable {
    /// Runs on the bus thread.
    let run: @Sendable (BusLoop) -> Void
    /// Runs instead, on any thread, when the connection is gone.
    let fail: @Sendable (DBusError) -> Void
  }

  private struct State {
    var commands: [Command] = []
    var failure: DBusError?
    var callsInFlight = 0
  }

  private let state = Mutex(State())
  private let wakeup: FileDescriptor

  init() throws(DBusError) {
    let raw = CDBus_wakeup_descriptor()
    guard raw >= 0 else { throw DBusError(.limitExceeded, "no file descriptor for the bus thread") }
    wakeup = FileDescriptor(owning: raw)
  }

  func post(
    orFail fail: @escaping @Sendable (DBusError) -> Void = { _ in },
    _ run: @escaping @Sendable (BusLoop) -> Void
  ) {
    let failure = state.withLock { state in
      if state.failure == nil { state.commands.append(Command(run: run, fail: fail)) }
      return state.failure
    }
    if let failure {
      fail(failure)
    } else {
      var one: UInt64 = 1
      _ = wakeup.withRawValue { raw in write(raw, &one, MemoryLayout<UInt64>.size) }
    }
  }

  /// What was posted since the last time.
  func drain() -> [Command] {
    state.withLock { state in
      defer { state.commands = [] }
      return state.commands
    }
  }

  /// The descriptor to poll; it stays open as long as the mailbox.
  var pollDescriptor: Int32 { wakeup.withRawValue { $0 } ?? -1 }

  func clearWakeup() {
    var count: UInt64 = 0
    _ = wakeup.withRawValue { raw in read(raw, &count, MemoryLayout<UInt64>.size) }
  }

  /// Fails everything that was not run and everything that comes later.
  func shutDown(_ failure: DBusError) {
    let commands = state.withLock { state in
      state.failure = failure
      defer { state.commands = [] }
      return state.commands
    }
    for command in commands { command.fail(failure) }
  }

  /// Takes one of the places for calls in flight.
  func reserveCall(limit: Int) -> Bool {
    state.withLock { state in
      guard state.callsInFlight < limit else { return false }
      state.callsInFlight += 1
      return true
    }
  }

  func releaseCall() {
    state.withLock { $0.callsInFlight -= 1 }
  }
}
