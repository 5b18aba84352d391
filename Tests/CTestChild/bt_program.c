// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CTestChild.h"

#include <elf.h>
#include <string.h>

#if defined(__x86_64__)
// An ELF file of one segment: a script would not be given its set-id bits.
__asm__(".section .rodata\n"
        "bt_code_start:\n"
        "  sub $64, %rsp\n"
        "  mov $107, %eax\n  syscall\n  mov %eax, (%rsp)\n"   // geteuid
        "  mov $108, %eax\n  syscall\n  mov %eax, 4(%rsp)\n"  // getegid
        "  movl $0x20080522, 16(%rsp)\n  movl $0, 20(%rsp)\n" // _LINUX_CAPABILITY_VERSION_3, the caller
        "  lea 16(%rsp), %rdi\n  lea 24(%rsp), %rsi\n  mov $125, %eax\n  syscall\n" // capget
        "  mov 24(%rsp), %eax\n  mov %eax, 8(%rsp)\n"
        "  mov $1, %edi\n  mov %rsp, %rsi\n  mov $12, %edx\n  mov $1, %eax\n  syscall\n" // write
        "  xor %edi, %edi\n  mov $60, %eax\n  syscall\n"                                 // exit
        "bt_code_end:\n"
        ".text\n");
extern const uint8_t bt_code_start[], bt_code_end[];

size_t bt_program(uint8_t *buffer, size_t capacity) {
    const size_t code = (size_t)(bt_code_end - bt_code_start), head = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
    const uint64_t base = 0x400000;
    if (capacity < head + code) return 0;
    Elf64_Ehdr file = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = base + head,
        .e_phoff = sizeof file, .e_ehsize = sizeof file, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
    };
    Elf64_Phdr segment = {
        .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = base, .p_paddr = base, .p_filesz = head + code,
        .p_memsz = head + code, .p_align = 4096,
    };
    memcpy(buffer, &file, sizeof file);
    memcpy(buffer + sizeof file, &segment, sizeof segment);
    memcpy(buffer + head, bt_code_start, code);
    return head + code;
}
#else
size_t bt_program(uint8_t *buffer, size_t capacity) {
    (void)buffer;
    (void)capacity;
    return 0;
}
#endif
