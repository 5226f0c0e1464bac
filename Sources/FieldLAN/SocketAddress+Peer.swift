import FieldCore
import Glibc
import NIOCore

extension SocketAddress {
  /// From an address without a name to resolve; `nil` where the host is a name.
  ///
  /// - Throws: ``TransportError`` with `badAddress` for an IPv6 zone that is not one of this machine's interfaces.
  init?(literal endpoint: TCPEndpoint) throws(TransportError) {
    let parts = endpoint.host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = try? SocketAddress(ipAddress: String(parts[0]), port: Int(endpoint.port)) else { return nil }
    self = address
    guard parts.count == 2 else { return }
    // Nothing is looked up for an address that is written out, so this does not block.
    guard let scoped = try? SocketAddress.makeAddressResolvingHost(endpoint.host, port: Int(endpoint.port)) else {
      throw TransportError(.badAddress, "the address names a network interface that is not there")
    }
    self = scoped
  }

  /// What one machine cannot have many of: an IPv4 address, or the 64 bits of an IPv6 address that its network gave it.
  var origin: String {
    let host = ipAddress ?? ""
    var bytes: [UInt8] = Array(repeating: 0, count: 16)
    guard inet_pton(AF_INET6, host, &bytes) == 1, !bytes.starts(with: Self.mappedPrefix) else { return host }
    return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":")
  }

  private static let mappedPrefix: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff]

  /// For people to read. Addresses that are the same on every network of the kind are whole; of others, the part that
  /// tells one machine from its neighbours is left out.
  var redactedDescription: String {
    let host = ipAddress ?? ""
    let ipv4 = host.hasPrefix("::ffff:") && host.contains(".") ? String(host.dropFirst(7)) : host
    let numbers = ipv4.split(separator: ".").compactMap { UInt8($0) }
    if numbers.count == 4 {
      let isLocal =
        switch (numbers[0], numbers[1]) {
        case (10, _), (127, _), (169, 254), (192, 168), (172, 16...31): true
        default: false
        }
      return "tcp://\(isLocal ? ipv4 : "\(numbers[0]).\(numbers[1]).\(numbers[2]).x"):\(port ?? 0)"
    }
    if host == "::1" { return "tcp://[::1]:\(port ?? 0)" }
    var bytes: [UInt8] = Array(repeating: 0, count: 16)
    guard inet_pton(AF_INET6, host, &bytes) == 1 else { return "tcp://?" }
    let prefix = stride(from: 0, to: 8, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
    return "tcp://[\(prefix.joined(separator: ":")):x]:\(port ?? 0)"
  }
}
