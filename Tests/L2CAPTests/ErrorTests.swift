import Glibc
import Testing

@testable import L2CAP

@Suite struct ErrorTests {
  /// Of nobody's adapter.
  private let nowhere = LowEnergyAddress([0, 0x1B, 0xDC, 0, 0, 1], .public)

  /// A machine without Bluetooth has no such sockets, one with it has no such adapter.
  @Test func aMachineWithoutTheAdapterSaysSo() throws {
    let local = try #require(nowhere)
    let error = #expect(throws: L2CAPError.self) { try L2CAPListener(on: local, backlog: 1) }
    #expect([.unsupported, .noAdapter].contains(error?.code))
    #expect(error?.reason.isEmpty == false)
  }

  @Test(.timeLimit(.minutes(1))) func connectingFromNoAdapterFailsAtOnce() async throws {
    let local = try #require(nowhere)
    let peer = try #require(LowEnergyAddress([0xC0, 1, 2, 3, 4, 5], .random))
    let error = await #expect(throws: L2CAPError.self) {
      _ = try await L2CAPChannel.connect(from: local, to: peer, psm: 0x80, deadline: {})
    }
    #expect([.unsupported, .noAdapter].contains(error?.code))
  }

  @Test(arguments: [
    (EAFNOSUPPORT, L2CAPError.Code.unsupported), (EPROTONOSUPPORT, .unsupported), (EACCES, .notPermitted),
    (EADDRNOTAVAIL, .noAdapter), (EADDRINUSE, .addressInUse), (ECONNREFUSED, .refused), (EHOSTDOWN, .unreachable),
    (ETIMEDOUT, .timedOut), (ECONNRESET, .connectionLost), (ECONNABORTED, .connectionLost),
    (EMSGSIZE, .packetTooLarge), (EMFILE, .limitExceeded), (EDOM, .failed),
  ])
  func kernelErrorsHaveCodes(_ number: Int32, _ code: L2CAPError.Code) {
    #expect(L2CAPError(errno: number, "call").code == code)
  }

  @Test func addressesAreTurnedRound() throws {
    let address = try #require(LowEnergyAddress([0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF], .random))
    let socketAddress = address.socketAddress(psm: 0x81)
    let bytes = withUnsafeBytes(of: socketAddress) { Array($0.prefix(13)) }
    #expect(bytes == [31, 0, 0x81, 0, 0xFF, 0xEE, 0xDD, 0xCC, 0xBB, 0xAA, 0, 0, 2])
    #expect(LowEnergyAddress(socketAddress) == address)
    #expect(LowEnergyAddress([1, 2, 3], .public) == nil)
  }
}
