// SPDX-License-Identifier: Apache-2.0

import NodeModel

/// An id map prints what reads as itself, and translates back what it has translated. A pod's file likewise.
func checkIDMap(_ text: String) {
    if let file = try? PodIDFile(parsing: text) {
        require((try? PodIDFile(parsing: file.description)) == file, "\(file) does not read as itself")
        _ = try? file.block()
    }
    _ = try? SubordinateIDs.range(uidOutput: text, gidOutput: text)
    _ = IDRangePool(avoiding: SubordinateIDs.parse(text)).count
    if let map = try? IDMap(parsing: text) {
        let printed = IDMap.text(map.uid)
        require((try? IDMap(parsing: printed)) == map, "\(printed) does not read as itself")
    }
    let parts = text.split(separator: "\u{0}", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let uid = parts.first, let map = try? IDMap(kernelUID: uid, gid: parts.last ?? uid) else { return }
    let again = try? IDMap(kernelUID: map.uidText, gid: map.gidText)
    require(again == map, "the kernel's text of \(map.uid), \(map.gid)")
    require(map.inverted.inverted == map, "\(map) inverted twice")
    require(map.intersection(map) == map, "\(map) with itself")
    if let same = try? map.composed(with: map.inverted) {
        let isIdentity = same.map.map { ($0.uid + $0.gid).allSatisfy { $0.inside == $0.outside } }
        require(isIdentity == true && same.unmappedUID.isEmpty, "\(map) there and back")
    }
    require((try? map.split(forParent: map.inverted)) != nil, "\(map) in its own inverse")
    for extent in map.uid {
        require(map.inside(uid: map.outside(uid: extent.inside) ?? .max) == extent.inside, "\(extent) there and back")
    }
}

/// A path prints what reads as itself; a name survives both drivers; a pod is found by the name of its cgroup.
func checkPath(_ text: String) {
    if let path = try? CgroupPath(parsing: text) {
        require((try? CgroupPath(parsing: path.description)) == path, "\(path) does not read as itself")
        var above: CgroupPath? = path
        while let place = above {
            require(place.contains(path), "\(place) does not contain \(path)")
            above = place.parent
        }
    }
    if let name = try? CgroupName(cgroupfs: text) {
        if let path = try? name.path(driver: .systemd), !path.isRoot {
            require((try? CgroupName(systemd: path.description)) == name, "\(path) is not \(name)")
        }
        if let path = try? name.path(driver: .cgroupfs) {
            require((try? CgroupName(cgroupfs: path.description)) == name, "\(path) is not \(name)")
        }
    }
    _ = try? CgroupName(systemd: text)
    let layout = PodCgroupLayout()
    for qosClass in QoSClass.allCases {
        guard let name = try? layout.name(ofPod: text, class: qosClass) else { continue }
        require(layout.podUID(of: name) ?? text == text, "\(name) is not of the pod \(text)")
    }
}
