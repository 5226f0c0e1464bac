import FieldCore
import FieldWire
import Foundation
import Glibc

/// One reconciliation, message by message, until both sides know what to send; the result is checked.
struct ReconcileRun {
  private(set) var byteCount = 0
  /// One way each; the parts of a long step are one.
  private(set) var messageCount = 0
  /// CPU seconds of the two sides.
  private(set) var seconds = [0.0, 0.0]
  private(set) var memoryByteCount = 0
  private(set) var rung = Rung.equalRoots
  /// Runs that a collision of short ids made necessary.
  private(set) var repetitions = 0

  private static let passBatch = 1_000
  private static let attemptLimit: UInt32 = 4

  /// - Throws: ``ValidationFailure`` where the ladder does not come to an exact end, as one rung alone may not.
  init(_ sets: inout ReconcileSets, _ setup: ReconcileCase) throws {
    var enabled = setup.rung.map { Set([.equalRoots, $0]) } ?? Rung.ladder
    if setup.since != nil { enabled.insert(.baseScope) }
    let planner = LadderPlanner(enabled: enabled, link: setup.link.measure)
    let secrets = ReconcileSecrets(handshakeHash: sets.handshakeHash())
    let memory = MemoryPeak()
    for attempt in 0..<Self.attemptLimit {
      let facts = sets.facts(expected: setup.expectedDifferences)
      var sides = [
        Reconciler(role: .opener, attempt: attempt, own: facts.first, secrets: secrets, planner: planner),
        Reconciler(role: .answerer, attempt: attempt, own: facts.second, secrets: secrets, planner: planner),
      ]
      let results = try exchange(&sides, sets)
      memoryByteCount = max(memoryByteCount, memory.byteCount)
      guard let results else { throw ValidationFailure("a side did not come to its end") }
      if try Self.isExact(results, sets) { return }
      repetitions += 1
    }
    throw ValidationFailure("\(Self.attemptLimit) attempts were not exact")
  }

  /// Delivers messages in turn; the results of both sides, `nil` where one has none.
  private mutating func exchange(_ sides: inout [Reconciler], _ sets: ReconcileSets) throws -> [ReconcileResult]? {
    var results: [ReconcileResult?] = [nil, nil]
    var mail: [(side: Int, message: Message)] = []
    var lastSender: Int?
    func perform(_ side: Int, _ body: (inout Reconciler) throws -> [Reconciler.Action]) rethrows -> [Reconciler.Action]
    {
      let start = Self.now
      defer { seconds[side] += Self.now - start }
      return try body(&sides[side])
    }
    var pending = perform(0) { $0.start() }.map { (side: 0, action: $0) }
    while true {
      guard !pending.isEmpty else {
        guard !mail.isEmpty else { break }
        let (sender, message) = mail.removeFirst()
        let side = 1 - sender
        byteCount += message.framed.count
        messageCount += lastSender == sender ? 0 : 1
        lastSender = sender
        guard results[side] == nil else { continue }
        pending = try perform(side) { try $0.received(message) }.map { (side, $0) }
        continue
      }
      let (side, action) = pending.removeFirst()
      switch action {
      case .pass(let scope):
        let ids = side == 0 ? sets.first : sets.second
        let range = Int(clamping: scope.after)..<min(Int(clamping: scope.through), ids.count)
        let further = perform(side) { reconciler in
          for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.passBatch) {
            reconciler.absorb(Array(ids[start..<min(start + Self.passBatch, range.upperBound)]))
          }
          return reconciler.passEnded()
        }
        pending += further.map { (side, $0) }
      case .send(let message): mail.append((side, message))
      case .chose(let choice): rung = choice.rung
      case .finished(let result): results[side] = result
      }
    }
    return results.contains(where: { $0 == nil }) ? nil : results.compactMap { $0 }
  }

  /// Whether what both sides will send makes both sets the same.
  private static func isExact(_ results: [ReconcileResult], _ sets: ReconcileSets) throws -> Bool {
    try zip(results, [(sets.firstOnly, sets.first), (sets.secondOnly, sets.second)]).allSatisfy { result, own in
      switch result {
      case .inStep: return own.0.isEmpty
      case .known(.ids(let ids), _): return own.0.isSubset(of: ids)
      case .known(.all(let scope), _): return own.0.isSubset(of: own.1[Int(scope.after)..<Int(scope.through)])
      case .undecided(let reason): throw ValidationFailure("the ladder ended: \(reason)")
      }
    }
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }
}

struct ValidationFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// How far the process's memory goes beyond what it is now.
struct MemoryPeak {
  private let before: Int

  init() {
    // What was freed and kept would hide what is used from now on. The C library's module leaves this one out.
    typealias Trim = @convention(c) (Int) -> CInt
    // malloc_trim(3) has this type.
    if let trim = dlsym(nil, "malloc_trim") { _ = unsafeBitCast(trim, to: Trim.self)(0) }
    // Sets the peak to what is resident (proc(5)).
    try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
    before = Self.kibibytes("VmRSS")
  }

  var byteCount: Int { max(0, Self.kibibytes("VmHWM") - before) << 10 }

  private static func kibibytes(_ field: String) -> Int {
    let status = (try? String(contentsOf: URL(filePath: "/proc/self/status"), encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") }
    return line.flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first }.flatMap { Int($0) } ?? 0
  }
}
