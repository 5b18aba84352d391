// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// Who is held to what is set aside for him: `enforceNodeAllocatable`, `systemReservedCgroup` and `kubeReservedCgroup`.
///
/// Source: Kubernetes, pkg/kubelet/cm/node_container_manager_linux.go.
public struct NodeEnforcement: Sendable, Hashable {
    /// Whether the pods together are held to what they can use.
    public var holdsPods = true
    private var reserved: [Reserved] = []

    private struct Reserved: Sendable, Hashable {
        var reservation: Reservation
        var isCompressibleOnly: Bool
        var slice: CgroupPath
        var path: CgroupPath
    }

    /// Nil when the object says nothing about it.
    init?(_ object: FieldObject) throws(ManifestError) {
        guard let field = object["enforceNodeAllocatable"] else { return nil }
        let names = try object.strings("enforceNodeAllocatable")
        let known = Reservation.allCases.flatMap { [$0.rawValue, $0.rawValue + Self.compressible] } + ["none", "pods"]
        for (name, item) in zip(names, try field.items()) where !known.contains(name) {
            throw item.error("'\(name)' is not one of \(known.sorted().joined(separator: ", "))")
        }
        if names.contains("none"), names.count > 1 { throw field.error("cannot hold anything beside 'none'") }
        holdsPods = names.contains("pods")
        for reservation in Reservation.allCases {
            let isWhole = names.contains(reservation.rawValue)
            let isCompressible = names.contains(reservation.rawValue + Self.compressible)
            guard isWhole || isCompressible else { continue }
            if isWhole, isCompressible {
                throw field.error(
                    "holds both '\(reservation.rawValue)' and '\(reservation.rawValue + Self.compressible)'")
            }
            let place = try object.required(reservation == .system ? "systemReservedCgroup" : "kubeReservedCgroup")
            let text = try place.string()
            do {
                let path = try CgroupPath(parsing: text)
                if path.isRoot { throw place.error("is the root of all, which cannot be limited") }
                // What is no slice is read as the name of one.
                let name = text.hasSuffix(".slice") ? try CgroupName(systemd: text) : try CgroupName(cgroupfs: text)
                reserved.append(
                    Reserved(
                        reservation: reservation, isCompressibleOnly: isCompressible,
                        slice: try name.path(driver: .systemd), path: path))
            } catch let error as ManifestError {
                throw error
            } catch {
                throw place.error("\(error)")
            }
        }
    }

    private static let compressible = "-compressible"

    /// The control groups, as the driver spells them.
    public func cgroups(driver: CgroupDriver) -> [ReservedCgroup] {
        reserved.map {
            ReservedCgroup(
                $0.reservation, path: driver == .systemd ? $0.slice : $0.path, isCompressibleOnly: $0.isCompressibleOnly
            )
        }
    }
}
