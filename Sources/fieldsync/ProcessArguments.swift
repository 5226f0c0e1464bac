import Glibc

/// The process's arguments, as the kernel shows them to every user of the machine.
enum ProcessArguments {
  /// Overwrites an argument, so that it is in no list of processes from now on.
  static func hide(_ argument: String) {
    for case let start? in UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
    where String(cString: start) == argument {
      memset(start, 0x78, strlen(start))
    }
  }
}
