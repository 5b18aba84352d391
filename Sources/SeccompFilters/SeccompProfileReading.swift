// SPDX-License-Identifier: Apache-2.0

extension SeccompProfile {
    /// Reads a profile's JSON. What is wrong is named with its place: `syscalls[3].args[0].op: …`.
    public init(parsing text: String) throws(SeccompError) {
        let members = try ProfileField(value: try ProfileTextReader.read(text), path: "").members()
        var unknown = members.others(than: [
            "defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags", "listenerPath",
            "listenerMetadata", "syscalls", "comment",
        ])
        defaultAction = try members.required("defaultAction").text()
        defaultErrnoRet = try members["defaultErrnoRet"]?.number()
        defaultErrno = try members["defaultErrno"]?.text()
        architectures = try members["architectures"]?.texts()
        flags = try members["flags"]?.texts()
        listenerPath = try members["listenerPath"]?.text()
        listenerMetadata = try members["listenerMetadata"]?.text()
        if let field = members["archMap"] {
            var entries: [ArchMapEntry] = []
            for element in try field.elements() {
                let members = try element.members()
                unknown += members.others(than: ["architecture", "subArchitectures"])
                entries.append(
                    ArchMapEntry(
                        architecture: try members.required("architecture").text(),
                        subArchitectures: try members["subArchitectures"]?.texts()))
            }
            archMap = entries
        }
        if let field = members["syscalls"] {
            var entries: [Syscalls] = []
            for element in try field.elements() { entries.append(try Syscalls(element, &unknown)) }
            syscalls = entries
        }
        unknownFields = unknown
    }
}

extension SeccompProfile.Syscalls {
    fileprivate init(_ field: ProfileField, _ unknown: inout [String]) throws(SeccompError) {
        let members = try field.members()
        unknown += members.others(than: [
            "names", "name", "action", "errnoRet", "errno", "args", "includes", "excludes", "comment",
        ])
        names = try members["names"]?.texts()
        name = try members["name"]?.text()
        action = try members.required("action").text()
        errnoRet = try members["errnoRet"]?.number()
        errno = try members["errno"]?.text()
        comment = try members["comment"]?.text()
        includes = try members["includes"].map { (field) throws(SeccompError) in try .init(field, &unknown) }
        excludes = try members["excludes"].map { (field) throws(SeccompError) in try .init(field, &unknown) }
        if let field = members["args"] {
            var arguments: [SeccompProfile.Argument] = []
            for element in try field.elements() { arguments.append(try .init(element, &unknown)) }
            args = arguments
        }
        if names == nil, name == nil { throw .field(path: field.path + ".names", reason: .missing) }
    }
}

extension SeccompProfile.Argument {
    fileprivate init(_ field: ProfileField, _ unknown: inout [String]) throws(SeccompError) {
        let members = try field.members()
        unknown += members.others(than: ["index", "value", "valueTwo", "op"])
        index = try members.required("index").number()
        value = try members.required("value").number()
        valueTwo = try members["valueTwo"]?.number()
        op = try members.required("op").text()
    }
}

extension SeccompProfile.Condition {
    fileprivate init(_ field: ProfileField, _ unknown: inout [String]) throws(SeccompError) {
        let members = try field.members()
        unknown += members.others(than: ["caps", "arches", "minKernel"])
        caps = try members["caps"]?.texts()
        arches = try members["arches"]?.texts()
        minKernel = try members["minKernel"]?.text()
    }
}
