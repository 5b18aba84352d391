// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel
public import SystemPackage

/// A directory whose owners on disk are those of a map, for as long as this value lives.
///
/// The tree stays as it is afterwards, and its root keeps the map (`trusted.bulkhead.shifted`). The next one to want it by
/// the same map finds little to do: only what others put there meanwhile is shifted. By another map it is first given
/// back its own ids and then the new ones, in two shifts that can each be killed and resumed. While one process has the
/// volume, others get it by the same map, as it is, and are refused any other.
public struct ShiftedVolume: ~Copyable, Sendable {
    /// What was done, in order: at most two shifts.
    public let outcomes: [ShiftOutcome]
    private let root: HeldDirectory

    /// Gives a tree the owners of a map, and holds it.
    ///
    /// A shift by the same map that did not end is finished. One by another map is refused: whether it is to be finished or
    /// undone is not for a user of the tree to say.
    public init(
        _ path: FilePath, map: IDMap, jobs: Int? = nil, progress: OwnershipShift.Progress = { _ in true }
    ) throws(ShiftError) {
        (root, outcomes) = try Self.held(path, map, jobs, progress)
    }

    /// To close the directory is not enough: a process that is being started meanwhile has a copy of the descriptor.
    deinit { try? root.handle.descriptor.unlockDirectory() }

    private static func held(
        _ path: FilePath, _ map: IDMap, _ jobs: Int?, _ progress: OwnershipShift.Progress
    ) throws(ShiftError) -> (HeldDirectory, [ShiftOutcome]) {
        let root: HeldDirectory
        do throws(KernelError) {
            root = HeldDirectory(try Descriptor.open(path, [.directory, .reading]))
        } catch { throw .kernel(error) }
        var outcomes: [ShiftOutcome] = []
        var refusal: ShiftError?
        do throws(ShiftError) { try shift(path, map, jobs, &outcomes, progress) } catch { refusal = error }
        if refusal == .busy(path.string) {
            // In use, as it is wanted or another way; or just being shifted.
            let last = try OwnershipShift.lastMap(at: path)
            if let last, last != map { throw .inUse(path.string, last) }
        } else if let refusal {
            throw refusal
        }
        do throws(KernelError) {
            // Others may have been faster between the shift and this.
            guard try root.handle.descriptor.shareDirectory(), try ShiftMark.read(from: root.handle) == nil,
                try ShiftMark.lastMap(on: root.handle) == map
            else { throw ShiftStop.busy }
        } catch { throw ShiftStop.error(error, path) }
        return (root, outcomes)
    }

    private static func shift(
        _ path: FilePath, _ map: IDMap, _ jobs: Int?, _ outcomes: inout [ShiftOutcome],
        _ progress: OwnershipShift.Progress
    ) throws(ShiftError) {
        if let unfinished = try OwnershipShift.unfinished(at: path) {
            guard unfinished.map == map else { throw .unfinished(unfinished, path.string) }
            if let outcome = try OwnershipShift.resume(path, map: map, jobs: jobs, progress: progress) {
                outcomes.append(outcome)
            }
        }
        if let last = try OwnershipShift.lastMap(at: path), last != map {
            var back = OwnershipShift(by: last.inverted, jobs: jobs)
            back.trace = .never
            outcomes.append(try back.run(path, progress: progress))
        }
        var forth = OwnershipShift(by: map, jobs: jobs)
        forth.trace = .always
        outcomes.append(try forth.run(path, progress: progress))
    }
}
