// SPDX-License-Identifier: Apache-2.0

import BulkheadCommands
import Glibc
import LinuxKernel

exit(await BulkheadCommand.run(OwnProgram.commandLine))
