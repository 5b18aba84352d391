// SPDX-License-Identifier: Apache-2.0

import BulkheadRun
import Glibc
import LinuxKernel

exit(ShortWay.run(OwnProgram.commandLine))
