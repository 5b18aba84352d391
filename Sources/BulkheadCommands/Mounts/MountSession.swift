// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BulkheadRun
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import ToolOutput
internal import UserNamespaces

/// One mount, from the look at its places to the look at what the kernel made of it.
struct MountSession: ~Copyable {
    private let request: MountRequest
    private let signals: SignalDescriptor

    init(_ request: MountRequest) throws {
        self.request = request
        // From here on a signal waits: before the mount appears it ends us, afterwards the mount is whole.
        signals = try SignalDescriptor([Signal.hangUp, Signal.interrupt, Signal.terminate])
    }

    consuming func run() throws -> MountOutcome {
        let caught: Int32
        do throws(KernelError) {
            let place = try request.place()
            try refuseSamePlace(place)
            let mount = try self.mount()
            if let signal = signals.next() {
                caught = signal
            } else if let fallback = request.replace {
                return MountOutcome(request, try mount.replace(at: place, otherwise: fallback))
            } else {
                return MountOutcome(request, try mount.attach(at: place))
            }
        } catch {
            // Without privilege it fails somewhere, and not always where the kernel says so.
            if [.notPermitted, .permissionDenied].contains(error.errno),
                !CallerRights.current().has(CallerRights.sysAdmin)
            {
                throw ToolFailure(
                    .impossible, error.hinting("mounting takes CAP_SYS_ADMIN; run as root").description.printable)
            }
            throw ToolFailure(error.mountExit, error.description.printable)
        }
        throw ExitCode(128 + caught)
    }

    private borrowing func mount() throws(KernelError) -> DetachedMount {
        switch request.ids {
        case .map(let map):
            let namespace = try UserNamespace(mapping: map)
            return try DetachedMount(
                cloning: request.source, recursive: request.recursive, mappedBy: namespace, changing: request.change)
        case .cleared:
            return try DetachedMount(cloning: request.source, recursive: request.recursive)
                .unmapped(changing: request.change)
        case .unchanged:
            return try DetachedMount(cloning: request.source, recursive: request.recursive).changing(request.change)
        }
    }

    /// Old kernels counted the mounts of a namespace wrongly when a shared mount was mounted on itself, until none could
    /// be made any more (ENOSPC). No trial is harmless there, so the version decides.
    private borrowing func refuseSamePlace(_ place: borrowing Descriptor) throws(KernelError) {
        guard let kernel = try? KernelVersion.running(), kernel < KernelVersion(5, 13) else { return }
        let (source, target) = (try FileStatus(at: request.source), try place.status())
        guard source.inode == target.inode, source.device == target.device, source.mountID == target.mountID else {
            return
        }
        throw KernelError(
            "move_mount", request.source.string, in: request.target.string, errno: .notSupported,
            hint: "before Linux 5.13 a mount on its own source can break the mount namespace; mount it elsewhere")
    }
}

/// What came of it.
struct MountOutcome {
    private let request: MountRequest
    private let attached: AttachedMount

    init(_ request: MountRequest, _ attached: AttachedMount) {
        self.request = request
        self.attached = attached
    }

    /// Takes the mount away again, if it is the one that is seen there. What it replaced is gone.
    func undo() {
        guard attached.placement == .onTop, let id = attached.id, let place = try? request.place(),
            MountCall.uniqueID(of: place) == id
        else { return }
        try? MountCall.detach(place)
    }

    var json: JSON {
        var map: JSON = nil
        if case .map(let asked) = request.ids { map = asked.json }
        return [
            "source": .string(request.source.string), "target": .string(request.target.string), "idMap": map,
            "verified": .string(attached.idMap.word), "verification": .string("\(attached.idMap)"),
            "placement": .string(attached.placement.rawValue), "change": .string("\(request.change)"),
            "recursive": .bool(request.recursive), "id": attached.id.map { .integer($0) } ?? nil,
        ]
    }

    var text: String {
        var text = "mounted \(request.source) at \(request.target)".printable
        switch request.ids {
        case .map(let map): text += ", ids \(map) (\(attached.idMap))"
        case .cleared: text += ", without a map"
        case .unchanged: break
        }
        if request.replace != nil {
            text += attached.placement == .replaced ? ", in the place of what was there" : ", covering what was there"
        }
        return text
    }
}

extension IDMap {
    /// `{"uid": ["0:100000:65536"], "gid": […]}`.
    var json: JSON { ["uid": .strings(uid.map(\.description)), "gid": .strings(gid.map(\.description))] }
}

extension MapVerification {
    /// In a word, for programs.
    var word: String {
        switch self {
        case .unmapped: "none"
        case .readBack: "read-back"
        case .probed: "probed"
        case .notVerified: "no"
        }
    }
}

extension KernelError {
    /// Whether a failed mount is this host's doing, or the request's.
    var mountExit: ToolExit {
        let isMissing = errno == .noFunction || errno == .notSupported
        let isRefused = errno == .notPermitted || errno == .invalidArgument && place == nil && hint != nil
        return isMissing || isRefused && !call.hasPrefix("umount") || errno == .notPermitted ? .impossible : .failed
    }
}
