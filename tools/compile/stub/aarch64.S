// Start stub, aarch64 Linux. The same as x86_64.S, in the same order: see there. x0 (the loader's
// exit function) stays as it came. It must not care whether the kernel's pages are 4, 16 or 64 KiB.

        .text
start:
        hint    #38             // bti jc: a place to jump to, where branches are guarded
        adr     x8, start
        adr     x9, table

        // getcwd() into what will be the stack; only "there is none" counts.
        mov     x7, x0
        mov     x16, x8
        sub     x0, sp, #8192
        mov     x1, #4096
        mov     x8, #17
        svc     #0
        cmn     x0, #2
        b.eq    lost

        // readlinkat() to the same place: without /proc Deno does not find its own file.
        mov     x0, #-100
        adr     x1, own
        sub     x2, sp, #8192
        mov     x3, #16
        mov     x8, #78
        svc     #0
        tbnz    x0, #63, unseen
        mov     x8, x16
        mov     x0, x7

        // x10: the arguments, x11: the environment, x12: the auxiliary vector, x13: behind it.
        ldr     x1, [sp]
        add     x10, sp, #8
        add     x11, x10, x1, lsl #3
        add     x11, x11, #8
        mov     x12, x11
1:      ldr     x2, [x12], #8
        cbnz    x2, 1b
        mov     x13, x12
2:      ldr     x2, [x13], #16
        cbnz    x2, 2b

        // Room for all of it and for what the table adds, at an address that 16 divides.
        mov     x3, sp
        sub     x2, x13, x3
        ldr     x4, [x9, #16]
        ldr     x5, [x9, #32]
        add     x6, x4, x5
        add     x2, x2, x6, lsl #3
        add     x2, x2, #16
        sub     x3, x3, x2
        and     x3, x3, #-16
        mov     sp, x3

        // The count and the arguments: those of the table stand for the name of the program.
        cbz     x1, 3f
        sub     x1, x1, #1
        add     x10, x10, #8
3:      add     x1, x1, x4
        str     x1, [x3], #8
        ldr     x6, [x9, #24]
        add     x6, x6, x8
        bl      place
4:      ldr     x2, [x10], #8
        str     x2, [x3], #8
        cbnz    x2, 4b

        // The environment.
        mov     x14, x3
        mov     x4, x5
        ldr     x6, [x9, #40]
        add     x6, x6, x8
        bl      place
5:      ldr     x2, [x11], #8
        cbz     x2, 8f
        ldr     x4, [x9, #48]
        ldr     x10, [x9, #56]
        add     x10, x10, x8
6:      cbz     x4, 8f
        sub     x4, x4, #1
        ldr     x6, [x10], #8
        add     x6, x6, x8
        mov     x7, x2
9:      ldrb    w15, [x6], #1
        cbz     w15, 5b
        ldrb    w16, [x7], #1
        cmp     w15, w16
        b.eq    9b
        b       6b
8:      str     x2, [x3], #8
        cbnz    x2, 5b

        // The auxiliary vector, whole.
10:     ldp     x2, x4, [x12], #16
        stp     x2, x4, [x3], #16
        cmp     x12, x13
        b.ne    10b

        // libc took the environment from the first stack when it was loaded.
        ldr     x2, [x9, #8]
        ldr     x2, [x8, x2]
        str     x14, [x2]

        // The program's own entry.
        ldr     x16, [x9]
        add     x16, x16, x8
        mov     x29, xzr
        mov     x30, xzr
        br      x16

// write() the message, exit_group() with the code.
lost:
        ldr     x1, [x9, #64]
        ldr     x2, [x9, #72]
        b       1f
unseen:
        ldr     x1, [x9, #80]
        ldr     x2, [x9, #88]
1:      add     x1, x1, x16
        mov     x0, #2
        mov     x8, #64
        svc     #0
        ldr     x0, [x9, #96]
        mov     x8, #94
        svc     #0
        brk     #0

// Pointers to x4 strings of the table: x6 the list of their offsets, x3 where they go.
place:
        cbz     x4, 2f
1:      ldr     x2, [x6], #8
        add     x2, x2, x8
        str     x2, [x3], #8
        sub     x4, x4, #1
        cbnz    x4, 1b
2:      ret

own:    .asciz  "/proc/self/exe"

        .balign 8
table:
