// SPDX-License-Identifier: Apache-2.0
//
// The gate: a program of a few hundred instructions that stands between the caller's program and the command.
//
// A process shows the file of its program as /proc/PID/exe, and whoever may write that file opens it there, from whatever
// root. The child that executes a command has the caller's program up to then: a command that is a script of
// "#!/proc/self/exe" runs it, and holds a descriptor of it that it opens for writing when it runs nowhere any more
// (CVE-2019-5736). The init is the caller's program for good. So where the command has ids that may write that file, both
// execute this first, from a sealed file in memory that is made for the one start and that nobody can change.
//
// That file is the functions below, which the compiler put into a section of their own, with a header before them and their
// data behind. They may refer to nothing outside of it: no constant in memory, no string, no call. What the compiler would
// make of an initializer or of a loop over memory is such a call or constant; volatile keeps it from that.
#define _GNU_SOURCE
#include "bk_gate.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U // Linux 6.3
#endif

#define IN_GATE BK_CHILD_SHARED __attribute__((section("bk_gate"), used, noinline, visibility("hidden")))

extern const char gate_begin[] __asm__("__start_bk_gate") __attribute__((visibility("hidden")));
extern const char gate_end[] __asm__("__stop_bk_gate") __attribute__((visibility("hidden")));
extern const char bk_gate_entry[] __attribute__((visibility("hidden")));

#if defined(__x86_64__)
__asm__(".pushsection bk_gate,\"ax\",@progbits\n"
        ".hidden bk_gate_entry\n.globl bk_gate_entry\n.type bk_gate_entry,@function\nbk_gate_entry:\n"
        "xor %ebp, %ebp\nmov %rsp, %rdi\nand $-16, %rsp\ncall bk_gate_main\nud2\n"
        ".size bk_gate_entry, . - bk_gate_entry\n.popsection\n");
#define GATE_MACHINE EM_X86_64
#elif defined(__aarch64__)
__asm__(".pushsection bk_gate,\"ax\",%progbits\n"
        ".hidden bk_gate_entry\n.globl bk_gate_entry\n.type bk_gate_entry,%function\n.p2align 2\nbk_gate_entry:\n"
        "mov x29, xzr\nmov x30, xzr\nmov x0, sp\nbl bk_gate_main\nbrk #0\n"
        ".size bk_gate_entry, . - bk_gate_entry\n.popsection\n");
#define GATE_MACHINE EM_AARCH64
#endif

IN_GATE void bk_gate_report(const struct bk_gate *gate, int step, long result, int index) {
    volatile struct bk_launch_report report;
    report.step = step;
    report.error = (int)-result;
    report.index = index;
    report.passed_over = 0;
    bk_raw(SYS_sendto, gate->channel, &report, sizeof report, MSG_NOSIGNAL);
    for (;;) bk_raw(SYS_exit_group, 127);
}

// The words are the command's candidates, an empty one, and the command's own words.
IN_GATE void bk_gate_execute(const struct bk_gate *gate, const char *const *words, const char *const *environment) {
    // The channel ends with the exec of the command, as it would have without this.
    if (bk_raw(SYS_fcntl, gate->channel, F_SETFD, FD_CLOEXEC) < 0)
        for (;;) bk_raw(SYS_exit_group, 127); // executed once more, by the command itself
    const char *const *candidates = words + 1;
    const char *const *arguments = candidates;
    while (*arguments && **arguments) arguments++;
    if (*arguments) arguments++;
    if (gate->program >= 0) bk_raw(SYS_fcntl, gate->program, F_SETFD, FD_CLOEXEC);
    if (gate->has_filter) {
        long result = bk_raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, gate->seccomp_flags, &gate->filter);
        if (result < 0) bk_gate_report(gate, BK_STEP_SECCOMP, result, 0);
    }
    if (gate->program >= 0)
        bk_gate_report(gate, BK_STEP_EXECUTE,
                       bk_raw(SYS_execveat, gate->program, gate->name + sizeof gate->name - 1, arguments, environment,
                              AT_EMPTY_PATH),
                       0);
    int failed;
    long failure = bk_execute_first(candidates, arguments, environment, &failed);
    bk_gate_report(gate, BK_STEP_EXECUTE, failure, failed);
}

// The command waits at the other end of descriptor 0 until this one is ready: it must never see the process that this was.
IN_GATE void bk_gate_be_init(const struct bk_gate *gate) {
    bk_raw(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    bk_raw(SYS_prctl, PR_SET_NAME, gate->name, 0, 0, 0);
    // The exec gave a root its capabilities back; and it cleared the death with the caller.
    bk_raw(SYS_capset, &gate->capability_header, gate->capability_sets);
    if (gate->dies_with_caller) {
        bk_raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        volatile struct pollfd caller;
        caller.fd = gate->channel;
        caller.events = 0;
        caller.revents = 0;
        volatile struct timespec now;
        now.tv_sec = 0;
        now.tv_nsec = 0;
        if (bk_raw(SYS_ppoll, &caller, 1, &now, NULL, 8) > 0 && (caller.revents & POLLHUP))
            for (;;) bk_raw(SYS_exit_group, 127);
    }
    bk_raw(SYS_close, gate->channel);
    volatile int32_t pid = 0;
    if (bk_raw(SYS_read, 0, &pid, sizeof pid) != sizeof pid) for (;;) bk_raw(SYS_exit_group, 127);
    bk_raw(SYS_close, 0);
    bk_init_loop(&gate->all_signals, pid, gate->outcome);
}

IN_GATE void bk_gate_main(const long *stack) {
    const struct bk_gate *gate = (const struct bk_gate *)(GATE_BASE + GATE_DATA);
    const char *const *words = (const char *const *)(stack + 1);
    if (stack[0] > 0 && **words == GATE_IS_COMMAND) bk_gate_execute(gate, words, words + stack[0] + 1);
    if (stack[0] > 0 && **words == GATE_IS_INIT) bk_gate_be_init(gate);
    // The command has executed it, as /proc/self/exe.
    for (;;) bk_raw(SYS_exit_group, 127);
}

static int make_sealed(const char *image, size_t size) {
    int fd = (int)syscall(SYS_memfd_create, "bulkhead-gate", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = (int)syscall(SYS_memfd_create, "bulkhead-gate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    ssize_t written = write(fd, image, size);
    if (written == (ssize_t)size
        && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return fd;
    int failure = written < 0 || written == (ssize_t)size ? -errno : -ENOSPC;
    close(fd);
    return failure;
}

int bk_make_gate(const struct bk_launch_plan *plan) {
    size_t code = (size_t)(gate_end - gate_begin);
    size_t filter = plan->flags & BK_LAUNCH_NO_NEW_PRIVILEGES ? plan->seccomp_count : 0;
    size_t size = GATE_DATA + sizeof(struct bk_gate) + filter * sizeof(struct sock_filter);
    if (GATE_CODE + code > GATE_DATA) return -ENOEXEC;
    char *image = calloc(1, size);
    if (!image) return -ENOMEM;
    *(Elf64_Ehdr *)(void *)image = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC, .e_machine = GATE_MACHINE, .e_version = EV_CURRENT,
        .e_entry = GATE_BASE + GATE_CODE + (size_t)(bk_gate_entry - gate_begin), .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
    };
    Elf64_Phdr *parts = (Elf64_Phdr *)(void *)(image + sizeof(Elf64_Ehdr));
    parts[0] = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = GATE_BASE, .p_paddr = GATE_BASE, .p_filesz = size,
        .p_memsz = size, .p_align = 0x10000,
    };
    parts[1] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16};
    memcpy(image + GATE_CODE, gate_begin, code);
    const uint32_t kill_only = 1U << 5; // CAP_KILL
    struct bk_gate *gate = (struct bk_gate *)(void *)(image + GATE_DATA);
    *gate = (struct bk_gate){
        .channel = plan->channel, .outcome = plan->outcome, .program = plan->program,
        .dies_with_caller = (plan->flags & BK_LAUNCH_PARENT_DEATH) != 0, .all_signals = ~0ULL,
        .capability_header = {0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, 0},
        .capability_sets = {{kill_only, kill_only, 0}, {0, 0, 0}}, .name = GATE_INIT_NAME,
        .seccomp_flags = plan->seccomp_flags, .has_filter = filter > 0,
        .filter = {
            .len = (unsigned short)filter,
            .filter = (struct sock_filter *)(GATE_BASE + GATE_DATA + sizeof(struct bk_gate)),
        },
    };
    if (filter) memcpy(gate + 1, plan->seccomp, filter * sizeof(struct sock_filter));
    int result = make_sealed(image, size);
    free(image);
    return result;
}
