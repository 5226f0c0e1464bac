import FieldCore
import NIOCore
import Testing

@testable import FieldLAN

@Suite("Addresses")
struct EndpointTests {
  @Test(
    "Host and port, there and back",
    arguments: [
      ("gateway.local:4000", "gateway.local", 4000), ("127.0.0.1:1", "127.0.0.1", 1),
      ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65_535),
    ] as [(String, String, UInt16)])
  func parse(text: String, host: String, port: UInt16) throws {
    let endpoint = try #require(TCPEndpoint(text))
    #expect(endpoint == TCPEndpoint(host: host, port: port))
    #expect(endpoint.description == text)
    #expect(endpoint.peerAddress.description == "tcp://\(text)")
  }

  @Test("A zone becomes the interface's index")
  func zone() throws {
    let address = try #require(try SocketAddress(literal: TCPEndpoint(host: "fe80::1%lo", port: 1)))
    // Family and port, flow, address; then the interface, of which the loopback's is 1.
    let zone = address.withSockAddr { start, byteCount in
      UnsafeRawBufferPointer(start: start, count: byteCount).load(fromByteOffset: 24, as: UInt32.self)
    }
    #expect(zone == 1)
    #expect(try SocketAddress(literal: TCPEndpoint(host: "localhost", port: 1)) == nil)
  }

  @Test(
    "People read addresses without what tells one machine from its neighbours",
    arguments: [
      ("192.168.1.17", "tcp://192.168.1.17:9"), ("203.0.113.7", "tcp://203.0.113.x:9"),
      ("::ffff:10.0.0.1", "tcp://10.0.0.1:9"), ("::1", "tcp://[::1]:9"),
      ("fe80::a:b:c:d", "tcp://[fe80:0:0:0:x]:9"), ("2001:db8:1:2:a:b:c:d", "tcp://[2001:db8:1:2:x]:9"),
    ])
  func redacted(address: String, description: String) throws {
    #expect(try SocketAddress(ipAddress: address, port: 9).redactedDescription == description)
  }
}
