import Glibc

/// The machine's own addresses on networks that are up.
enum NetworkInterfaces {
  /// Addresses as text, those of IPv4 first: of cards with a carrier, without loopback and link-local ones, which mean
  /// nothing elsewhere.
  static func addresses() -> [String] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var found: [(isSix: Bool, text: String)] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      let flags = entry.ifa_flags
      guard flags & UInt32(IFF_UP) != 0, flags & UInt32(IFF_RUNNING) != 0,
        flags & UInt32(IFF_LOOPBACK) == 0, let address = entry.ifa_addr
      else { continue }
      let family = Int32(address.pointee.sa_family)
      guard family == AF_INET || family == AF_INET6 else { continue }
      let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
      var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      guard getnameinfo(address, socklen_t(size), &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 else {
        continue
      }
      let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard !text.hasPrefix("fe80:"), !text.hasPrefix("169.254.") else { continue }
      found.append((family == AF_INET6, text))
    }
    return found.sorted { ($0.isSix ? 1 : 0, $0.text) < ($1.isSix ? 1 : 0, $1.text) }.map(\.text)
  }
}
