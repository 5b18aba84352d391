// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization
internal import SystemPackage

/// An overlay of detached layers for kernels that take only attached ones.
///
/// A thread makes a mount namespace for itself, attaches the layers in it and mounts the overlay. What leaves the thread
/// is a detached copy of the overlay. However the thread or the process ends, the namespace ends with it and takes the
/// attached layers along; there is no folder to remove.
struct OverlayInNamespace: Sendable {
    var options: [OverlayLayers.Option]
    var attributes: MountAttributes
    var upper: String?
    var work: String?

    func mounted(
        lower: consuming DescriptorList, upper: consuming DescriptorList
    ) throws(KernelError) -> Descriptor {
        let answer = Answer(lower: lower, upper: upper, done: try WakeUp())
        try startThread {
            answer.take { (lower, upper) throws(KernelError) in try made(lower: lower, upper: upper) }
        }
        repeat {} while try poll([answer.done.number], timeoutMilliseconds: -1).first?.isEmpty ?? true
        return try answer.result()
    }

    private func made(
        lower: borrowing DescriptorList, upper: borrowing DescriptorList
    ) throws(KernelError) -> Descriptor {
        try MountCall.enterPrivateNamespace()
        // All on one place, each covering the one before: they are named by their descriptors, which nothing covers.
        let place = try Descriptor.open("/", [.path, .directory])
        for index in 0..<lower.count { try MountCall.attach(lower, index, at: place) }
        for index in 0..<upper.count { try MountCall.attach(upper, index, at: place) }
        var words = ["lowerdir=" + lower.paths().joined(separator: ":")]
        if let upperName = self.upper, let work, let base = upper.paths().first {
            words += ["upperdir=\(base)/\(Self.escaped(upperName))", "workdir=\(base)/\(Self.escaped(work))"]
        }
        words += options.map { option in option.value.map { "\(option.name)=\($0)" } ?? option.name }
        let data = words.joined(separator: ",")
        guard data.utf8.count < 4096 else {
            throw KernelError(
                "mount overlay", "\(lower.count) layers", errno: .argListTooLong,
                hint: "the kernel takes options of less than a page, that is about 200 layers")
        }
        return try MountCall.newOverlay(options: data, attributes: attributes)
    }

    /// In the options of an overlay a comma ends an option, and a colon a layer.
    private static func escaped(_ name: String) -> String {
        name.reduce(into: "") { $0 += [",", ":", "\\"].contains($1) ? "\\\($1)" : "\($1)" }
    }
}

/// What goes to the thread and comes back.
private final class Answer: Sendable {
    let done: WakeUp
    private let layers: Mutex<Layers?>
    private let outcome = Mutex<Outcome>(.none)

    private struct Layers: ~Copyable {
        let lower: DescriptorList
        let upper: DescriptorList
    }
    private enum Outcome: ~Copyable {
        case none
        case made(Descriptor)
        case failed(KernelError)
    }

    init(lower: consuming DescriptorList, upper: consuming DescriptorList, done: consuming WakeUp) {
        layers = Mutex(Layers(lower: lower, upper: upper))
        self.done = done
    }

    /// On the thread.
    func take(_ body: (borrowing DescriptorList, borrowing DescriptorList) throws(KernelError) -> Descriptor) {
        var layers = layers.withLock { $0.take() }
        if let layers = layers.take() {
            do throws(KernelError) {
                let made = try body(layers.lower, layers.upper)
                put(.made(made))
            } catch { put(.failed(error)) }
        }
        done.raise()
    }

    private func put(_ new: consuming Outcome) {
        var new: Outcome? = consume new
        outcome.withLock { if let taken = new.take() { $0 = taken } }
    }

    func result() throws(KernelError) -> Descriptor {
        var taken: Outcome = .none
        outcome.withLock { swap(&$0, &taken) }
        switch consume taken {
        case .made(let tree): return tree
        case .failed(let error): throw error
        case .none: throw KernelError("mount overlay", "overlay", errno: .canceled)
        }
    }
}
