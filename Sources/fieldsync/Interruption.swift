import FieldAgent
import Glibc
import Synchronization

/// Ctrl-C during long work: the first one ends it at the next good place, the second one at once.
enum Interruption {
  private static let happened = Atomic<Bool>(false)

  static func listen() {
    signal(SIGINT) { _ in
      Interruption.happened.store(true, ordering: .relaxed)
      signal(SIGINT, SIG_DFL)
    }
  }

  static var isRequested: Bool { happened.load(ordering: .relaxed) }

  static func check() throws {
    if isRequested {
      throw AgentError(
        .incomplete, "Interrupted. What was done so far is kept.", hint: "Run the command again to go on.")
    }
  }
}
