import CDBus
import Glibc

/// All libdbus work of one connection. Everything here runs on the one thread that ``start(_:_:_:)`` makes; other
/// threads reach it through the mailbox.
///
/// Replies are matched by serial number here, so libdbus needs no timers and no callbacks but those for watches.
final class BusLoop {
  /// Received messages handled before commands and deadlines get their turn.
  private static let messagesPerTurn = 64
  /// How long closing waits for what is still to be written.
  private static let closingTime = Duration.milliseconds(500)

  let connection: OpaquePointer
  let mailbox: Mailbox
  let limits: ConnectionLimits
  private var watches: [OpaquePointer] = []
  private var closingDeadline: ContinuousClock.Instant?
  var calls = PendingCalls()
  var subscriptions = Subscriptions()
  var objects = ObjectTree()
  var handlers: [UInt64: Task<Void, Never>] = [:]
  var handlersStarted: UInt64 = 0

  private init(_ connection: OpaquePointer, _ mailbox: Mailbox, _ limits: ConnectionLimits) {
    self.connection = connection
    self.mailbox = mailbox
    self.limits = limits
  }

  /// Connects to `address` on a new thread, and serves `mailbox` there until the bus or this side closes.
  static func start(_ address: String, _ mailbox: Mailbox, _ limits: ConnectionLimits) throws(DBusError) {
    guard detachThread({ serve(address, mailbox, limits) }) else {
      throw DBusError(.limitExceeded, "no thread for the bus connection")
    }
  }

  private static func serve(_ address: String, _ mailbox: Mailbox, _ limits: ConnectionLimits) {
    var error = CDBus.DBusError()
    dbus_error_init(&error)
    guard let connection = dbus_connection_open_private(address, &error) else {
      let reason = error.message.map { String(cString: $0) } ?? "no reason given"
      dbus_error_free(&error)
      return mailbox.shutDown(DBusError(.cannotConnect, reason))
    }
    dbus_connection_set_exit_on_disconnect(connection, 0)
    dbus_connection_set_max_message_size(connection, limits.receivedMessageByteCount)
    dbus_connection_set_max_received_size(connection, limits.messageByteCount)
    dbus_connection_set_max_message_unix_fds(connection, limits.fileDescriptorsPerMessage)
    dbus_connection_set_max_received_unix_fds(connection, limits.fileDescriptorsPerMessage)
    let loop = BusLoop(connection, mailbox, limits)
    let isWatching = loop.watch()
    if isWatching { loop.run() }
    loop.shutDown(isWatching ? DBusError(.disconnected, "the bus connection is closed") : Message.outOfMemory)
  }

  private func watch() -> Bool {
    dbus_connection_set_watch_functions(
      connection,
      { watch, context in
        BusLoop.from(context)?.watches.append(contentsOf: [watch].compactMap { $0 })
        return 1
      },
      { watch, context in BusLoop.from(context)?.watches.removeAll { $0 == watch } },
      { _, _ in },
      Unmanaged.passUnretained(self).toOpaque(), nil) != 0
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> BusLoop? {
    context.map { Unmanaged<BusLoop>.fromOpaque($0).takeUnretainedValue() }
  }

  private func run() {
    while true {
      for command in mailbox.drain() { command.run(self) }
      let isMoreReceived = receive()
      expireCalls()
      guard dbus_connection_get_is_connected(connection) != 0 || isMoreReceived, !isClosed else { return }
      wait(isMoreReceived)
    }
  }

  /// Ends the thread once what was sent is written, or soon.
  func close() {
    if closingDeadline == nil { closingDeadline = .now + Self.closingTime }
  }

  private var isClosed: Bool {
    guard let closingDeadline else { return false }
    return dbus_connection_has_messages_to_send(connection) == 0 || closingDeadline <= .now
  }

  private func shutDown(_ failure: DBusError) {
    mailbox.shutDown(failure)
    for task in handlers.values { task.cancel() }
    failAllCalls(failure)
    endAllSubscriptions(failure)
    objects = ObjectTree()
    dbus_connection_set_watch_functions(connection, nil, nil, nil, nil, nil)
    dbus_connection_close(connection)
    dbus_connection_unref(connection)
  }

  /// Handles received messages; true when there are more.
  private func receive() -> Bool {
    for _ in 0..<Self.messagesPerTurn {
      switch dbus_connection_get_dispatch_status(connection) {
      case DBUS_DISPATCH_DATA_REMAINS:
        guard let pointer = dbus_connection_pop_message(connection) else { return false }
        handle(Message(owning: pointer))
      case DBUS_DISPATCH_NEED_MEMORY: return false
      default: return false
      }
    }
    return dbus_connection_get_dispatch_status(connection) == DBUS_DISPATCH_DATA_REMAINS
  }

  private func handle(_ message: consuming Message) {
    switch message.kind {
    case .methodReturn, .error: finishCall(message)
    case .signal: deliver(message)
    case .call: answer(message)
    case nil: return
    }
  }

  /// Queues a message for the bus and returns its serial number.
  @discardableResult
  func send(_ message: borrowing Message) throws(DBusError) -> UInt32 {
    guard dbus_connection_get_outgoing_size(connection) < limits.outgoingByteCount else {
      throw DBusError(.limitExceeded, "the bus does not read what is sent")
    }
    guard
      dbus_message_contains_unix_fds(message.pointer) == 0
        || dbus_connection_can_send_type(connection, Int32(UInt8(ascii: "h"))) != 0
    else { throw DBusError(.invalidMessage, "this bus does not pass file descriptors") }
    var serial: UInt32 = 0
    guard dbus_connection_send(connection, message.pointer, &serial) != 0 else { throw Message.outOfMemory }
    return serial
  }

  // MARK: Waiting

  private func wait(_ isMoreReceived: Bool) {
    var polled: [pollfd] = [pollfd(fd: mailbox.pollDescriptor, events: Int16(POLLIN), revents: 0)]
    let enabled = watches.filter { dbus_watch_get_enabled($0) != 0 }
    for watch in enabled {
      let flags = dbus_watch_get_flags(watch)
      let events =
        (flags & DBUS_WATCH_READABLE.rawValue != 0 ? POLLIN : 0)
        | (flags & DBUS_WATCH_WRITABLE.rawValue != 0 ? POLLOUT : 0)
      polled.append(pollfd(fd: dbus_watch_get_unix_fd(watch), events: Int16(events), revents: 0))
    }
    guard poll(&polled, nfds_t(polled.count), isMoreReceived ? 0 : millisecondsToDeadline) > 0 else { return }
    if polled[0].revents != 0 { mailbox.clearWakeup() }
    // Handling one watch may remove or disable the others.
    for (watch, result) in zip(enabled, polled.dropFirst())
    where result.revents != 0 && watches.contains(watch) && dbus_watch_get_enabled(watch) != 0 {
      dbus_watch_handle(watch, Self.watchFlags(Int32(result.revents)))
    }
  }

  /// Until the next call times out; -1 for ever.
  private var millisecondsToDeadline: Int32 {
    guard let deadline = [calls.nextDeadline, closingDeadline].compactMap({ $0 }).min() else { return -1 }
    let (seconds, attoseconds) = max(.zero, ContinuousClock.now.duration(to: deadline)).components
    guard seconds < 3600 else { return 3_600_000 }
    return Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }

  private static func watchFlags(_ revents: Int32) -> UInt32 {
    (revents & POLLIN != 0 ? DBUS_WATCH_READABLE.rawValue : 0)
      | (revents & POLLOUT != 0 ? DBUS_WATCH_WRITABLE.rawValue : 0)
      | (revents & POLLERR != 0 ? DBUS_WATCH_ERROR.rawValue : 0)
      | (revents & POLLHUP != 0 ? DBUS_WATCH_HANGUP.rawValue : 0)
  }
}

/// Runs `body` on a thread of its own, on which no signal is delivered. False when there is none to be had.
private func detachThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var all = sigset_t()
  var previous = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_SETMASK, &all, &previous)
  defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
  let box = Unmanaged.passRetained(Box(body))
  var thread = pthread_t()
  let result = pthread_create(
    &thread, nil,
    { context in
      if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
      return nil
    },
    box.toOpaque())
  guard result == 0 else {
    box.release()
    return false
  }
  pthread_detach(thread)
  return true
}
