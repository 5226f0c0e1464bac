import CSodium

/// The C library's one-time start. Everything in this module starts it by itself and traps with a message when it
/// cannot; a program that would rather report the failure calls ``start()`` first.
public enum SodiumLibrary {
  private static let isStarted = sodium_init() >= 0

  /// - Throws: ``SodiumError`` with `initializationFailed`.
  public static func start() throws(SodiumError) {
    guard isStarted else { throw SodiumError(.initializationFailed, "libsodium found no source of randomness") }
  }

  static func require() {
    precondition(isStarted, "libsodium could not start: it found no source of randomness")
  }
}
