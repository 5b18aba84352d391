// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BulkheadRun
internal import Launching
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import ToolOutput
internal import UserNamespaces

/// Volumes of a run whose owners on disk are rewritten: each held, so that no other run changes them meanwhile.
struct ShiftedVolumes: VolumeShifting {
    private final class Held: Sendable {
        let volume: ShiftedVolume
        init(_ volume: consuming ShiftedVolume) { self.volume = volume }
    }
    private var held: [Held] = []

    /// The range that a volume was given by a run before: with another one its owners would be rewritten again.
    func firstID(of volumes: [RunVolume]) throws -> UInt32? {
        for volume in volumes where volume.owners.mayShift {
            let path = FilePath(volume.mount.source)
            let last = try? OwnershipShift.unfinished(at: path)?.map ?? OwnershipShift.lastMap(at: path)
            if let map = last, map.uid.count == 1, map.uid == map.gid, map.uid[0].inside == 0,
                map.uid[0].count == IDRangePool.blockSize
            {
                return map.uid[0].outside
            }
        }
        return nil
    }

    mutating func settle(
        _ volumes: [RunVolume], map: IDMap, signals: borrowing SignalDescriptor
    ) throws -> [HostVolume] {
        var settled: [HostVolume] = []
        for volume in volumes {
            var mount = volume.mount
            if volume.owners.mayShift {
                let isShifted = try settle(mount.source, volume.owners, map, signals)
                mount.ownership = isShifted ? .plain : .idmapped
            }
            settled.append(mount)
        }
        return settled
    }

    /// Gives a volume its owners; false when an ID-mapped mount will.
    private mutating func settle(
        _ source: String, _ owners: VolumeOwners, _ map: IDMap, _ signals: borrowing SignalDescriptor
    ) throws -> Bool {
        let path = FilePath(source)
        let plan = try VolumePlan(
            for: path, policy: owners == .shift ? .shift : .preferIDMap, mapping: UserNamespace(mapping: map))
        let last = try? OwnershipShift.unfinished(at: path)?.map ?? OwnershipShift.lastMap(at: path)
        // What was shifted before belongs to other ids than an ID map expects on disk.
        if plan.means == .idmap, last == nil { return false }
        try Self.refuseHost(path)
        var caught: Int32?
        let meter = ShiftMeter()
        do throws(ShiftError) {
            if last != map {
                let why = plan.means == .idmap ? "they were before" : "\(plan.reason) (\(plan.cost))"
                Output.complain("\(source.printable): owners are rewritten by \(map): \(why)")
            }
            let volume = try ShiftedVolume(path, map: map) { progress in
                _ = meter.show(progress)
                while let signal = signals.next() {
                    let ends = [Signal.hangUp, Signal.interrupt, Signal.quit, Signal.terminate]
                    if ends.contains(signal) { caught = signal }
                }
                return caught == nil
            }
            meter.clear()
            for outcome in volume.outcomes where outcome.changed > 0 {
                Output.complain(
                    "\(source.printable): \(outcome.changed) inodes changed by \(outcome.map), in "
                        + ShiftReport.duration(outcome.seconds))
            }
            held.append(Held(volume))
        } catch {
            meter.clear()
            throw ShiftFailure(error, directory: source).shown(signal: caught)
        }
        return true
    }

    /// A slip of the pen must not take the host its own files, and what is no directory has no place for the journal.
    private static func refuseHost(_ path: FilePath) throws {
        let status = try Descriptor.open(path, .path).inodeStatus()
        guard status.isDirectory else {
            throw ToolFailure(
                .usage, "--volume \(path): owners are rewritten of directories, not of a single file; use its directory"
            )
        }
        let names = [
            "", "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "opt", "proc", "root",
            "run",
            "sbin", "srv", "sys", "tmp", "usr", "usr/bin", "usr/lib", "usr/sbin", "var", "var/lib", "var/log",
            "var/tmp",
        ]
        for name in names {
            let host = try? Descriptor.open(FilePath("/\(name)"), .path).inodeStatus()
            guard host?.device == status.device, host?.inode == status.inode else { continue }
            throw ToolFailure(
                .usage,
                "--volume \(path): this is the host's /\(name): its owners are not rewritten; use a directory in it"
            )
        }
    }
}
