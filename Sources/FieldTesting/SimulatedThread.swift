import FieldCore
import Foundation
import Synchronization

/// Runs a piece of asynchronous code, and every task and actor that it starts, on one thread of its own, and moves a
/// ``VirtualClock`` on whenever nothing is left to run. So time never passes while something is computed, however busy
/// the machine, and the same code does the same in the same order each time.
///
/// The runtime hands each job to `swift_task_enqueueGlobal_hook` where that is set. The hook here keeps jobs that are
/// made on a simulated thread for that thread, and passes all others on. What is run may wait for memory and for the
/// clock, and for nothing else.
public final class SimulatedThread: TaskExecutor {
  /// Nothing was left to run, nobody slept or not within the limit, and the code had not come to its end.
  public struct Stuck: Error {}

  private typealias Original = @convention(thin) (UnownedJob) -> Void
  private typealias Hook = @convention(thin) (UnownedJob, Original) -> Void

  private let jobs = Mutex<[UnownedJob]>([])

  /// Runs `body` to its end, in virtual time.
  ///
  /// - Parameters:
  ///   - clock: The clock that `body` sleeps on; nothing else moves it meanwhile.
  ///   - limit: The virtual time after which the code is given up.
  /// - Throws: ``Stuck``, and what `body` throws.
  @discardableResult
  public static func run<Value: Sendable>(
    _ clock: VirtualClock, within limit: Duration = .seconds(3600),
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let thread = SimulatedThread()
    let result = Monitor<Result<Value, any Error>?>(nil)
    // Made here, where it takes the caller's task-local values along.
    Task(executorPreference: thread) {
      do {
        let value = try await body()
        result.withLock { $0 = .success(value) }
      } catch {
        result.withLock { $0 = .failure(error) }
      }
    }
    let outcome = await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: thread.run(clock, limit, result)) }
    }
    return try outcome.get()
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
  }

  private func run<Value: Sendable>(
    _ clock: VirtualClock, _ limit: Duration, _ result: Monitor<Result<Value, any Error>?>
  ) -> Result<Value, any Error> {
    Self.hook
    pthread_setspecific(Self.current, Unmanaged.passUnretained(self).toOpaque())
    defer { pthread_setspecific(Self.current, nil) }
    let target = clock.now.advanced(by: limit)
    while true {
      let next = jobs.withLock { jobs in
        defer { jobs = [] }
        return jobs
      }
      for job in next { job.runSynchronously(on: asUnownedTaskExecutor()) }
      guard next.isEmpty else { continue }
      if let result = result.withLock({ $0 }) { return result }
      guard clock.wakeNext(upTo: target) else { return .failure(Stuck()) }
    }
  }

  /// The thread's own executor.
  private static let current: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// Set once, for the process.
  private static let hook: Void = {
    let symbol = dlsym(dlopen(nil, RTLD_NOW), "swift_task_enqueueGlobal_hook")
    symbol?.assumingMemoryBound(to: Hook?.self).pointee = { job, original in
      guard let executor = pthread_getspecific(SimulatedThread.current) else { return original(job) }
      Unmanaged<SimulatedThread>.fromOpaque(executor).takeUnretainedValue().jobs.withLock { $0.append(job) }
    }
  }()
}
