// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import NodeModel
public import SystemPackage
public import UserNamespaces

extension VolumePlan {
    /// Decides by trying: the map is put on a copy of the volume that nothing sees, and that is gone afterwards.
    ///
    /// - Parameters:
    ///   - path: the volume.
    ///   - policy: what is wanted.
    ///   - namespace: the map.
    ///   - recursive: with what is mounted beneath it. Rewriting owners never crosses into other file systems.
    /// - Throws: where a map is required and refused, why, with the mount at fault.
    public init(
        for path: FilePath, policy: VolumePolicy, mapping namespace: borrowing UserNamespace, recursive: Bool = true
    ) throws(KernelError) {
        let place = try Descriptor.open(path, .path)
        switch policy {
        case .plain:
            self.init(means: .plain, reason: "asked for", cost: .constant)
        case .shift:
            self.init(means: .shift, reason: "asked for", cost: try VolumeCost(ofShifting: place))
        case .requireIDMap, .preferIDMap:
            do {
                _ = try DetachedMount(cloning: path, recursive: recursive, mappedBy: namespace)
                self.init(
                    means: .idmap, reason: "its file system takes the map, and nothing on disk changes",
                    cost: .constant)
            } catch {
                // No volume, or no privilege, is no reason to rewrite owners.
                guard policy == .preferIDMap, [.invalidArgument, .notPermitted, .noFunction].contains(error.errno),
                    effectiveUserID == 0
                else { throw error }
                self.init(
                    means: .shift, reason: "an ID map is refused: \(error.hint ?? error.errno.description)",
                    cost: try VolumeCost(ofShifting: place))
            }
        }
    }
}
