// SPDX-License-Identifier: Apache-2.0

public import NodeModel

extension TreeTarget {
    /// The same with a value: `TreeTarget(path).setting(.memoryMin, to: .mebibytes(64))`.
    public func setting<Value>(_ file: InterfaceFile<Value>, to value: Value) -> TreeTarget {
        adding(ControlKnob.values(in: value.kernelText, of: file.file.name))
    }

    /// The same with a value for one region of device memory: `setting(.deviceMemoryMin, to: DeviceMemory(region, bytes))`.
    /// The other files with a line for each device are not among what a tree is planned of.
    public func setting(_ file: LineFile<DeviceMemory>, to line: DeviceMemory) -> TreeTarget {
        adding(ControlKnob.values(in: line.kernelText, of: file.file.name))
    }
}
