# Start stub, x86_64 Linux. The C library's loader jumps here in place of the program's own entry.
# It makes a second copy of the start stack below the first: the arguments of the table, the
# user's arguments, the environment without what is dropped and with what is added, the auxiliary
# vector. Then it enters the program. It writes nothing but that stack and the C library's
# `environ`, and leaves rdx (the loader's exit function) as it came.
#
# Without a current folder or /proc, which the program could not start without either, it says so
# and ends, because Deno would end with 1, and that means something else here.
#
# The table lies behind the stub, see tools/compile/start_segment.ts. Offsets count from `start`.

        .intel_syntax noprefix
        .text
start:
        endbr64
        lea     r8, [rip + start]
        lea     r9, [rip + table]

        # getcwd() into what will be the stack; only "there is none" counts.
        lea     rdi, [rsp - 8192]
        mov     esi, 4096
        mov     eax, 79
        syscall
        cmp     rax, -2
        je      lost

        # readlink() to the same place: without /proc Deno does not find its own file.
        lea     rdi, [rip + own]
        lea     rsi, [rsp - 8192]
        mov     r10, rdx
        mov     edx, 16
        mov     eax, 89
        syscall
        mov     rdx, r10
        test    rax, rax
        js      unseen

        # r10: the arguments, r11: the environment, r12: the auxiliary vector, r13: behind it.
        mov     rax, [rsp]
        lea     r10, [rsp + 8]
        lea     r11, [r10 + rax * 8 + 8]
        mov     r12, r11
1:      add     r12, 8
        cmp     qword ptr [r12 - 8], 0
        jne     1b
        mov     r13, r12
2:      add     r13, 16
        cmp     qword ptr [r13 - 16], 0
        jne     2b

        # Room for all of it and for what the table adds, at an address that 16 divides.
        mov     rcx, r13
        sub     rcx, rsp
        mov     rdi, [r9 + 16]
        add     rdi, [r9 + 32]
        lea     rcx, [rcx + rdi * 8 + 16]
        sub     rsp, rcx
        and     rsp, -16
        mov     rdi, rsp
        cld

        # The count and the arguments: those of the table stand for the name of the program.
        mov     rcx, [r9 + 16]
        test    rax, rax
        jz      3f
        dec     rax
        add     r10, 8
3:      add     rax, rcx
        stosq
        mov     rsi, [r9 + 24]
        add     rsi, r8
        call    place
        mov     rsi, r10
4:      lodsq
        stosq
        test    rax, rax
        jnz     4b

        # The environment.
        mov     r14, rdi
        mov     rcx, [r9 + 32]
        mov     rsi, [r9 + 40]
        add     rsi, r8
        call    place
        mov     rsi, r11
5:      lodsq
        test    rax, rax
        jz      8f
        mov     rcx, [r9 + 48]
        mov     r10, [r9 + 56]
        add     r10, r8
6:      sub     rcx, 1
        jc      7f
        mov     rbx, [r10]
        add     rbx, r8
        add     r10, 8
        mov     r15, rax
9:      movzx   ebp, byte ptr [rbx]
        test    ebp, ebp
        jz      5b
        inc     rbx
        inc     r15
        cmp     bpl, [r15 - 1]
        je      9b
        jmp     6b
7:      stosq
        jmp     5b
8:      stosq

        # The auxiliary vector, whole.
        mov     rsi, r12
        mov     rcx, r13
        sub     rcx, r12
        rep movsb

        # libc took the environment from the first stack when it was loaded.
        mov     rax, [r9 + 8]
        mov     rax, [r8 + rax]
        mov     [rax], r14

        # The program's own entry, with nothing of ours in the registers.
        mov     rax, [r9]
        add     rax, r8
        xor     ecx, ecx
        xor     ebx, ebx
        xor     ebp, ebp
        xor     esi, esi
        xor     edi, edi
        jmp     rax

# write() the message, exit_group() with the code.
lost:
        mov     rsi, [r9 + 64]
        mov     rdx, [r9 + 72]
        jmp     1f
unseen:
        mov     rsi, [r9 + 80]
        mov     rdx, [r9 + 88]
1:      add     rsi, r8
        mov     edi, 2
        mov     eax, 1
        syscall
        mov     rdi, [r9 + 96]
        mov     eax, 231
        syscall
        ud2

# Pointers to rcx strings of the table: rsi the list of their offsets, rdi where they go.
place:
        jrcxz   2f
1:      lodsq
        add     rax, r8
        stosq
        loop    1b
2:      ret

own:    .asciz  "/proc/self/exe"

        .balign 8, 0x90
table:
