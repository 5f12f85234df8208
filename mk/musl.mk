# The static programs stand on musl: at each start glibc asks the processor 68 things (CPUID), which in a virtual
# machine is a third of what `exec` costs, and two thirds of `state`. What is linked dynamically (helpers, unit tests,
# sanitizers) stands on glibc, as the libraries there do; so a room may be compiled once for each. What glibc has and
# musl lacks is in mk/musl.

S         := $(B)/musl
MACHINE   := $(shell uname -m)
GNU_LIB   := /usr/lib/$(MACHINE)-linux-gnu
MUSL_LIB  := /usr/lib/$(MACHINE)-linux-musl
# By the shell that runs a command: there may be no compiler yet while this is read.
gcc_file   = $$($(CC) -print-file-name=$(1))

HARDEN_STATIC  := -fstack-protector-strong
COMPILE_STATIC  = $(CC) $(CPPFLAGS) -nostdinc -isystem $(call gcc_file,include) -isystem mk/musl/include \
                  -isystem /usr/include/$(MACHINE)-linux-musl -isystem $(S)/include -include mk/musl/fill.h \
                  $(BASE_C) $(CFLAGS) $(HARDEN_STATIC) -MMD -MP
FILL           := $(patsubst %.c,$(S)/obj/%.o,$(wildcard mk/musl/*.c))
LINK_STATIC     = -static-pie -nostdlib $(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o $(call gcc_file,crtbeginS.o)
LIBS_STATIC     = $(patsubst -l%,$(GNU_LIB)/lib%.a,$(filter-out -lm -lpthread,$(LDLIBS))) $(MUSL_LIB)/libc.a \
                  $(call gcc_file,libgcc.a) $(call gcc_file,crtendS.o) $(MUSL_LIB)/crtn.o

# The kernel's headers and the libraries', without those of the other C library around them.
HEADERS := linux asm-generic json-c seccomp.h seccomp-syscalls.h sys/capability.h libcgroup.h libcgroup lzma.h lzma \
           zstd.h zstd_errors.h
# It must not be made into a call of itself.
$(S)/obj/mk/musl/memcpy.o: HARDEN_STATIC := -ffreestanding -fno-tree-loop-distribute-patterns
