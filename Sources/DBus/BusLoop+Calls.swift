extension BusLoop {
  /// Sends a call. `completion` runs on this thread, exactly once.
  func call(
    _ call: MethodCall, deadline: ContinuousClock.Instant, ticket: CallTicket = CallTicket(),
    _ completion: @escaping PendingCalls.Completion
  ) {
    guard !ticket.isCancelled else {
      return completion(.failure(DBusError(.cancelled, "cancelled before it was sent")))
    }
    do throws(DBusError) {
      let serial = try send(Message.call(call, limits))
      let responder = call.destination.hasPrefix(":") || call.destination == BusName.bus ? call.destination : nil
      calls.insert(
        serial,
        PendingCalls.Entry(ticket: ticket, responder: responder, deadline: deadline, completion: completion))
    } catch {
      completion(.failure(error))
    }
  }

  func finishCall(_ message: borrowing Message) {
    // No entry: the answer came after its time, or was never asked for.
    guard let entry = calls.take(message.replySerial, from: message.sender) else { return }
    do throws(DBusError) {
      let arguments = try message.arguments(limits)
      guard case .error = message.kind else { return entry.completion(.success(arguments)) }
      let reason = arguments.first?.asString ?? ""
      entry.completion(.failure(.reply(message.errorName ?? DBusErrorName.failed, reason)))
    } catch {
      entry.completion(.failure(error))
    }
  }

  /// Ends the calls whose tasks were cancelled.
  func dropCancelledCalls() {
    for entry in calls.takeAll(where: { $0.ticket.isCancelled }) {
      entry.completion(.failure(DBusError(.cancelled, "cancelled while waiting for the answer")))
    }
  }

  func expireCalls() {
    guard let next = calls.nextDeadline else { return }
    let now = ContinuousClock.now
    guard next <= now else { return }
    for entry in calls.takeAll(where: { $0.deadline <= now }) {
      entry.completion(.failure(DBusError(.timedOut, "no answer in time")))
    }
  }

  func failAllCalls(_ failure: DBusError) {
    for entry in calls.takeAll(where: { _ in true }) { entry.completion(.failure(failure)) }
  }
}
