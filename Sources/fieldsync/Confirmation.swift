import FieldAgent
import Foundation
import Glibc

/// A question whose answer is typed: yes, or anything else for no.
enum Confirmation {
  /// Asks while everything else goes on.
  ///
  /// - Throws: As ``ask(_:)``.
  static func askMeanwhile(_ question: String) async throws {
    let result = await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: Result { try ask(question) }) }
    }
    try result.get()
  }

  /// - Throws: ``AgentError`` with `invalidInput` where nobody can be asked, `notAllowed` when the answer is no.
  static func ask(_ question: String) throws {
    Console.tell("\(question) [y/N] ")
    guard let answer = readLine(strippingNewline: true) else {
      throw AgentError(.invalidInput, "Nobody is there to answer.", hint: "Use '--yes' where it should not ask.")
    }
    guard ["y", "yes"].contains(answer.lowercased().trimmingCharacters(in: .whitespaces)) else {
      throw AgentError(.notAllowed, "Not done: the answer was no.", hint: "Run the command again to change your mind.")
    }
  }
}
