import BlueZ
import FieldCore

extension TransportError {
  /// What callers of a transport get when bluetoothd did not do something that a link needs.
  init(_ error: BlueZError, _ doing: String) {
    let code: Code =
      switch error.code {
      case .serviceGone, .busLost, .notReady, .timedOut, .limitExceeded, .blocked: .unavailable
      case .linkClosed: .connectionLost
      case .cancelled: .closed
      default: .unreachable
      }
    self.init(code, "\(doing): \(error.description)")
  }
}
