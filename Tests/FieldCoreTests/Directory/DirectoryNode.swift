@testable import FieldCore
import FieldWire

/// What one device makes of entries that come one by one: the rules of a store without its bytes. What is refused
/// because its author is not known yet is offered again, as a peer would.
struct DirectoryNode {
  private(set) var directory: Directory
  private(set) var visible: Set<EntryID> = []
  private var aside: Set<EntryID> = []
  private var known: [EntryID: VerifiedEntry] = [:]
  private var offered: [VerifiedEntry] = []

  init(workspace: WorkspaceID) { directory = Directory(workspace: workspace) }

  mutating func take(_ entry: VerifiedEntry) {
    offered.append(entry)
    var isProgressing = true
    while isProgressing {
      isProgressing = false
      var waiting: [VerifiedEntry] = []
      for entry in offered {
        switch put(entry) {
        case .stored: isProgressing = true
        case .refused(.unknownAuthor), .refused(.revokedAuthor): waiting.append(entry)
        default: break
        }
      }
      offered = waiting
    }
  }

  private mutating func put(_ entry: VerifiedEntry) -> PutOutcome {
    var (visible, aside, known) = (visible, aside, known)
    let outcomes = EntryIntake.outcomes(
      of: [.success(entry)], directory: &directory, isPresent: { visible.contains($0) }, isPurged: { _ in false },
      noRoom: { _, _ in nil },
      insert: {
        visible.insert($0.id)
        known[$0.id] = $0
      },
      readmit: { authors, directory in
        for entry in known.values where authors.contains(entry.header.author) && entry.header.kind != .directory {
          let isAdmitted = (try? directory.admit(entry.header)) != nil
          if isAdmitted { visible.insert(entry.id) } else { visible.remove(entry.id) }
          if isAdmitted { aside.remove(entry.id) } else { aside.insert(entry.id) }
        }
      })
    (self.visible, self.aside, self.known) = (visible, aside, known)
    return outcomes[0]
  }

  /// Everything that two devices have to agree on.
  var state: State {
    State(
      visible: visible, epoch: directory.currentEpoch, needsNewEpoch: directory.needsNewEpoch,
      roles: directory.devices.map { "\($0) \(directory.role(of: $0).map { "\($0)" } ?? "")" },
      credentials: directory.devices.map { directory.credential(of: $0) },
      names: directory.devices.map { directory.sealedName(of: $0) ?? [] },
      admissions: (directory.devices + directory.revokedDevices).map { directory.admission(of: $0) },
      revoked: directory.revokedDevices)
  }

  struct State: Hashable {
    var visible: Set<EntryID>
    var epoch: UInt32
    var needsNewEpoch: Bool
    var roles: [String]
    var credentials: [[EntryID]]
    var names: [[UInt8]]
    var admissions: [Directory.Admission]
    var revoked: [DeviceKey]
  }
}
