// SPDX-License-Identifier: Apache-2.0

/// Why ids cannot be given to pods, or a pod's file is not to be believed.
public enum PodIDRangeError: Error, Hashable, Sendable {
    /// The ids of one pod are no multiple of 65,536.
    case wrongIDsPerPod(UInt32)
    /// The first id of the range is no multiple of 65,536.
    case firstNotMultiple(UInt32)
    /// The range has ids below 65,536, which are the host's.
    case hostBlock
    /// The length of the range is no multiple of 65,536.
    case countNotMultiple(UInt32)
    /// The range goes beyond the last id.
    case beyondLastID(IDRange)
    /// Fewer blocks than pods the node may have.
    case tooFewBlocks(Int, maxPods: Int)
    /// Every block is a pod's.
    case exhausted(Int, idsPerPod: UInt32)
    /// A pod's block is shorter or longer than a block.
    case wrongLength(IDRange, pod: String, idsPerPod: UInt32)
    /// A pod's block does not start at a multiple of 65,536.
    case notAligned(IDRange, pod: String)
    /// A pod that has another block already.
    case differs(IDRange, IDRange, pod: String)
    /// A pod's block is not one of the node's.
    case outOfRange(IDRange, pod: String, IDRange)
    /// Another pod has the block.
    case taken(IDRange, pod: String, by: String)
    /// A file that is not JSON of the shape it should have.
    case malformedFile(String)
    /// A file with none or several user mappings, or another number of group mappings.
    case mappingCount(uid: Int, gid: Int)
    /// A file whose user and group mappings differ.
    case mappingsDiffer
    /// A mapping that does not start with root inside.
    case noRoot(containerID: UInt32)
    /// A name that cannot be a pod's directory.
    case wrongPodName(String)
}

extension PodIDRangeError: CustomStringConvertible {
    /// What is wrong, with the numbers.
    public var description: String {
        switch self {
        case .wrongIDsPerPod(let count): "\(count) ids for each pod: it takes a multiple of 65536"
        case .firstNotMultiple(let first): "the pods' ids start at \(first), which is no multiple of 65536"
        case .hostBlock: "the pods' ids include some below 65536, which are the host's"
        case .countNotMultiple(let count): "\(count) ids for pods: it takes a multiple of 65536"
        case .beyondLastID(let range): "the pods' ids, \(range), go beyond the last id 4294967295"
        case .tooFewBlocks(let blocks, let pods): "the pods' ids are enough for \(blocks) pods, not for \(pods)"
        case .exhausted(let blocks, let count): "all \(blocks) blocks of \(count) ids are given to pods"
        case .wrongLength(let block, let pod, let count):
            "pod \(pod) has \(block.count) ids (\(block)) where each pod has \(count)"
        case .notAligned(let block, let pod):
            "the ids of pod \(pod) start at \(block.first), which is no multiple of 65536"
        case .differs(let block, let present, let pod): "pod \(pod) has the ids \(present) already, not \(block)"
        case .outOfRange(let block, let pod, let range):
            "the ids of pod \(pod), \(block), are no block of the node's (\(range))"
        case .taken(let block, let pod, let other): "the ids of pod \(pod), \(block), are pod \(other)'s"
        case .malformedFile(let reason): "not a file of id mappings: \(reason)"
        case .mappingCount(let uid, let gid): "\(uid) user and \(gid) group mappings where there has to be one of each"
        case .mappingsDiffer: "the user and the group mapping differ"
        case .noRoot(let id): "the mapping starts at id \(id) inside, not at 0"
        case .wrongPodName(let name): "'\(name)' cannot be the uid of a pod"
        }
    }
}
