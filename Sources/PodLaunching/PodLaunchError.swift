// SPDX-License-Identifier: Apache-2.0

public import Capabilities
public import LinuxKernel
public import NodeModel

/// Why a pod cannot be started as its manifest says.
public enum PodLaunchError: Error, Hashable, Sendable {
    /// It asks for something that nothing here does, in a sentence.
    case unimplemented(pod: String, String)
    /// It asks for what cannot be, in a sentence.
    case refused(pod: String, String)
    /// No directory is known for an image.
    case noImage(pod: String, container: String, image: String)
    /// A list of capabilities cannot be read.
    case capabilities(pod: String, field: String, CapabilityError)
    /// No plan can be made of its resources.
    case planning(MemoryPlanError)
    /// A system call failed.
    case kernel(KernelError)

    /// Whether only another manifest, or another configuration of the node, changes it.
    public var isPermanent: Bool {
        if case .kernel = self { false } else { true }
    }
}

extension PodLaunchError: CustomStringConvertible {
    /// What is the matter, with the pod and the field.
    public var description: String {
        switch self {
        case .unimplemented(let pod, let text), .refused(let pod, let text): "\(pod): \(text)"
        case .noImage(let pod, let container, let image):
            "\(pod): image '\(image)' of container \(container) has no directory"
        case .capabilities(let pod, let field, let error): "\(pod): \(field): \(error)"
        case .planning(let error): "\(error)"
        case .kernel(let error): "\(error)"
        }
    }
}

/// Calls what throws the kernel's errors where those of a pod's launch are thrown.
func kernel<Result: ~Copyable>(_ body: () throws(KernelError) -> Result) throws(PodLaunchError) -> Result {
    do { return try body() } catch { throw .kernel(error) }
}
