import DBus
import DBusTesting
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DescriptorTests {
  @Test func aPeerReadsWhatWeSend() async throws {
    let echo = try await EchoBus()
    let pipe = try makePipe()
    try #require(pipe.writer.withRawValue { write($0, "hello", 5) } == 5)
    pipe.writer.close()
    #expect(try await echo.call("ReadDescriptor", [.fileDescriptor(pipe.reader)]) == [.bytes(Array("hello".utf8))])
  }

  @Test func weReadWhatAPeerSends() async throws {
    let echo = try await EchoBus()
    let reply = try await echo.call("OpenDescriptor", [.bytes(Array("from there".utf8))])
    let descriptor = try #require(reply.first?.asFileDescriptor)
    #expect(descriptor.withRawValue { fcntl($0, F_GETFD) & FD_CLOEXEC } == FD_CLOEXEC)
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = try #require(descriptor.withRawValue { read($0, &buffer, buffer.count) })
    #expect(String(decoding: buffer[..<count], as: UTF8.self) == "from there")
  }

  @Test func droppingClosesAndTakingDoesNot() throws {
    let pipe = try makePipe()
    let raw = try #require(pipe.reader.take())
    #expect(pipe.reader.take() == nil && pipe.reader.withRawValue { $0 } == nil)
    #expect(fcntl(raw, F_GETFD) >= 0)
    // The writer's end sees a reader until the only owner is dropped.
    var owner: FileDescriptor? = FileDescriptor(owning: raw)
    signal(SIGPIPE, SIG_IGN)
    #expect(pipe.writer.withRawValue { write($0, "x", 1) } == 1)
    #expect(owner?.withRawValue { $0 } == raw)
    owner = nil
    #expect(pipe.writer.withRawValue { write($0, "x", 1) } == -1)
  }

  @Test func aClosedDescriptorIsNotSent() async throws {
    let echo = try await EchoBus()
    let pipe = try makePipe()
    pipe.reader.close()
    await #expect(throws: DBusError(.invalidMessage, "")) {
      try await echo.call("ReadDescriptor", [.fileDescriptor(pipe.reader)])
    }
  }

  private func makePipe() throws -> (reader: FileDescriptor, writer: FileDescriptor) {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    return (FileDescriptor(owning: ends[0]), FileDescriptor(owning: ends[1]))
  }
}
