# ctr: build, test, install. GNU make, no configure step; `make help` lists what there is.
#
#   make B=/tmp/out             build somewhere else than in build/
#   make SAN=address,undefined  a dynamic build with sanitizers, in $(B)-san
#   make LIBC=glibc             the static programs over that C library, not over musl
#   make WERROR=                warnings don't stop the build
#   make check T=FILE F=REGEX   one test file or folder; of it the tests with such a name
#   make fuzz FUZZ_SECONDS=60   another time for each target than five minutes

VERSION  := 0.1.0
PREFIX   ?= /usr/local
B        ?= build
SAN      ?=
WERROR   ?= -Werror
LIBC     ?= musl
T        ?=
CC       := $(if $(filter default,$(origin CC)),gcc,$(CC))

# Also when B comes from the command line: two kinds of objects never share a folder.
ifneq ($(SAN),)
override B := $(B)-san
override LIBC := glibc
endif

# A -j on the command line wins; a make that another one has started shares in that one's jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all
GOALS := $(or $(MAKECMDGOALS),all)

# ---- flags -------------------------------------------------------------------------

WARN     := -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes \
            -Wno-missing-field-initializers $(WERROR)
CPPFLAGS += -D_GNU_SOURCE -DCTR_VERSION='"$(VERSION)"' -Isrc -I.
CFLAGS   ?= -O2 -g
BASE_C   := -std=gnu17 -fPIE -ffunction-sections -fdata-sections $(WARN)
LDLIBS   := -ljson-c -lcap -lseccomp -lcgroup -llzma -lzstd -lm -lpthread
LDGC     := -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro,-z,now,-z,noexecstack

ifeq ($(SAN),)
HARDEN   := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LINK     := -static-pie
ENTRY    := -Wl,-e,guard_entry
FILL     := $(B)/obj/mk/no-nss.o
else
# ASan and static-pie don't link; UBSan fails a run only when it may not recover.
HARDEN   := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK     := -pie -fsanitize=$(SAN)
endif

COMPILE   = $(CC) $(CPPFLAGS) $(BASE_C) $(CFLAGS) $(HARDEN) -MMD -MP
# Of the static programs: where their objects are, how those are made and linked.
ifeq ($(LIBC),musl)
include mk/musl.mk
else
S        := $(B)
COMPILE_STATIC = $(COMPILE)
LINK_STATIC = $(LINK)
LIBS_STATIC = $(LDLIBS)
endif
# Payloads of tests run where there is no library: always static, never sanitized.
COMPILE_PAYLOAD = $(CC) $(CPPFLAGS) $(BASE_C) -Os -g -MMD -MP

# Fuzzers: what a hostile text can reach, by the other compiler, with both sanitizers.
FUZZ_SECONDS ?= 300
SAN_FUZZ := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
COMPILE_FUZZ = clang $(CPPFLAGS) $(BASE_C) -O1 -gline-tables-only -fsanitize=fuzzer-no-link $(SAN_FUZZ) -MMD -MP

# ---- rooms, and what is made of them -----------------------------------------------

include tests/tools/rooms
TABLE     := $(shell sed -n 's/^MAY_\([a-z]*\) .*/\1/p' tests/tools/rooms)
ROOMS     := $(foreach r,$(TABLE),$(if $(wildcard src/$(r)/*.c),$(r)))

objects    = $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)/*.c))
reverse    = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
reached    = $(1) $(foreach r,$(MAY_$(1)),$(call reached,$(r)))
# The archives that a room links with, itself included. The linker reads them once, top
# room first, so a call against the direction of the table doesn't link.
archives   = $(patsubst %,$(B)/lib/%.a,$(call reverse,$(filter $(call reached,$(1)),$(ROOMS))))

# A program is the main*.o of its room over the room's archive, static. With LIBS_room it is a
# helper (base/helper.h): linked dynamically, because these libraries exist only so, and started by
# the others, from libexec once installed. Its room's archive knows nothing of the libraries.
PROGRAM_ctr := ctr
PROGRAM_oci := ctr-oci
PROGRAM_netns := ctr-net
LIBS_netns := -lmnl
PROGRAM_systemd := ctr-systemd
LIBS_systemd := -lsystemd
PROGRAM_monitor := ctr-monitor
PROGRAM_microvm := ctr-vm
PROGRAM_guest := ctr-guest
PROGRAM_archive := ctr-archive
LIBS_archive := -larchive
ALL_PROGRAMS := $(foreach r,$(ROOMS),$(patsubst %,$(B)/bin/%,$(PROGRAM_$(r))))
# What others start, and nobody by hand: the helpers, and who stays with a container.
LIBEXECS  := $(foreach r,$(ROOMS),$(if $(LIBS_$(r))$(filter monitor guest,$(r)),$(B)/bin/$(PROGRAM_$(r))))
PROGRAMS  := $(filter-out $(LIBEXECS),$(ALL_PROGRAMS))
mains      = $(patsubst %.c,$(B)/obj/%.o,$(wildcard src/$(1)/main*.c))

# Of the tests' programs those that T names, and those that a bats file among it says it runs.
WANTED    := $(T:/=) $(shell grep -rhs '^\# build: ' --include='*.bats' $(or $(T),tests) | cut -c 10-)
wanted     = $(if $(T),$(filter $(WANTED) $(addsuffix /%,$(WANTED)),$(1)),$(1))

UNIT      := $(patsubst %.c,$(B)/%,$(call wanted,$(wildcard tests/unit/*/*_test.c)))
FUZZ      := $(patsubst tests/fuzz/%_fuzz.c,$(B)/fuzz/%,$(call wanted,$(wildcard tests/fuzz/*_fuzz.c)))
# What is fetched for tests, not built: only when tests are run.
DEBIAN    := $(patsubst %,$(B)/%,$(call wanted,tests/debian.tar))
KERNELS   := $(patsubst tests/%,$(B)/%/boot/vmlinuz,$(call wanted,tests/vm/6.12 tests/vm/6.1))
PROBE     := $(if $(wildcard tests/probe/*.c),$(B)/tests/probe)
FLOOR     := $(if $(wildcard tests/bench/floor.c),$(B)/tests/bench/floor)
HELPERS   := $(patsubst %.c,$(B)/%,$(wildcard tests/helpers/*.c))
RAW       := $(B)/tests/microvm/raw/hostile
TESTPROGS := $(PROBE) $(FLOOR) $(HELPERS) $(RAW)

# All that `ctr` and `ctr-vm` are made of, once more; what a target doesn't call is not linked.
# The same object or archive as a static program has it.
static     = $(patsubst $(B)/%,$(S)/%,$(1))
fuzz_objects = $(patsubst $(B)/obj/%,$(B)/fuzz/obj/%,$(1))
FUZZ_ROOMS := $(filter-out init,$(filter $(call reached,ctr) wire microvm,$(ROOMS)))
FUZZ_OBJ  := $(call fuzz_objects,$(filter-out %/guard_entry.o,\
             $(foreach r,$(FUZZ_ROOMS),$(filter-out $(call mains,$(r)),$(call objects,src/$(r))))) \
             $(filter-out %_fuzz.o,$(call objects,tests/fuzz)) $(B)/obj/tests/unit/sandbox/bpf.o)

# Remember a text in a file that is newer than what depends on it once the text changes:
# other flags, or a source file that was removed, rebuild what they must and no more.
# (strip around the file: make 4.3 leaves its newline there when a buffer moves meanwhile.)
held       = $(strip $(file <$(1)))
remember   = $(if $(subst x$(strip $(2)),,x$(held))$(subst x$(held),,x$(strip $(2))),\
             $(shell mkdir -p $(dir $(1)))$(file >$(1),$(strip $(2))))
ifneq ($(filter-out clean help uninstall fmt lint deps deps-test,$(GOALS)),)
$(call remember,$(B)/flags,$(COMPILE) $(LINK) $(LDGC) $(LDLIBS))
$(if $(filter $(S),$(B)),,$(call remember,$(S)/flags,$(COMPILE_STATIC) $(LINK_STATIC) $(LDGC) $(LIBS_STATIC)))
$(call remember,$(B)/fuzz/flags,$(COMPILE_FUZZ))
$(call remember,$(B)/prefix,$(PREFIX))
$(call remember,$(B)/fuzz/all.list,$(FUZZ_OBJ))
$(foreach r,$(ROOMS),$(foreach t,$(sort $(B) $(S)),\
	$(call remember,$(t)/lib/$(r).list,$(call objects,src/$(r)))))
endif

# Quiet by default; `make V=1` shows the commands.
ifeq ($(V),)
.SILENT:
say        = printf '  %-5s %s\n' $(1) '$(2)'
else
say        = :
endif

# ---- packages, and what is built of Debian's ----------------------------------------

# Packages come before the first compiler call, also with -j.
DEPS_FIRST := $(firstword $(foreach g,test:check test:check-long test:fuzz test:fuzz-guest bench:bench build:demo \
              test:check-vtx test:check-guest-kernel test:bench-vm guest-kernel:guest-kernel guest-arm64:guest-arm64,\
              $(if $(filter $(lastword $(subst :, ,$(g))),$(GOALS)),$(firstword $(subst :, ,$(g))))) hint)
DEPS_FIRST := $(patsubst deps-build,deps,deps-$(DEPS_FIRST))
# What only tests need that are too long to be run with all the others.
DEPS_LONG := $(if $(filter check-long,$(GOALS)),guest-kernel vtx) $(if $(filter check-vtx,$(GOALS)),vtx) \
             $(if $(filter check-guest-kernel,$(GOALS)),guest-kernel)

include mk/guest-kernel.mk
include mk/guest-arm64.mk

# ---- targets for people ------------------------------------------------------------

.PHONY: all demo check check-long check-vtx check-guest-kernel guest-kernel guest-arm64 unit fuzz fuzz-guest lint fmt \
        bench bench-vm install uninstall clean help deps deps-test deps-lint deps-bench deps-guest-kernel \
        deps-guest-arm64 deps-hint tests

## all: build the programs (the default)
all: $(ALL_PROGRAMS) $(B)/bin/ctr-oci-vm

## tests: build everything that the tests need, run nothing
tests: all $(UNIT) $(TESTPROGS) $(FUZZ)

## demo: install what is missing, build, and stand in a container for a moment
demo: deps all
	CTR_BIN=$(abspath $(B))/bin/ctr tests/tools/demo.sh

# Of what is long to fetch or to build, that which the tests of this run want.
FOR_CHECK  = $(DEBIAN) $(KERNELS) $(if $(call wanted,tests/microvm/native-arm64.bats),$(GUEST_ARM64))
RUN_CHECK  = CTR_BUILD=$(abspath $(B)) CTR_SAN=$(SAN) tests/tools/check

## check: install what is missing, build, run all tests; T=FILE runs a part
check: deps-test tests $(FOR_CHECK)
	$(RUN_CHECK) $(T)

## check-long: the same tests with counts that take their time, and those that are long as they are
check-long: deps-test tests $(FOR_CHECK) $(if $(call wanted,tests/microvm/own-kernel.bats),$(GUEST_KERNEL))
	CTR_LONG=1 $(RUN_CHECK) $(T)

## unit: build and run the unit tests only; T=tests/unit/ROOM runs a part
unit: $(UNIT)
	$(RUN_CHECK) $(or $(T),tests/unit)

## fuzz: look for inputs that break a reader, five minutes each; T=FILE one of tests/fuzz
fuzz: deps-test $(FUZZ)
	CTR_BUILD=$(abspath $(B)) tests/fuzz/run -s $(FUZZ_SECONDS) $(notdir $(FUZZ))

## fuzz-guest: a hostile guest after the other on /dev/kvm, against a launcher with sanitizers
fuzz-guest: deps-test $(RAW)
	$(MAKE) SAN=address,undefined $(B)-san/bin/ctr-vm
	CTR_BUILD=$(abspath $(B)) tests/microvm/raw/run -s $(FUZZ_SECONDS)

## lint: clang-tidy, cppcheck, clang-format, room rules, sizes, man pages; T=FILE a part
lint: deps-lint
	CTR_BUILD=$(abspath $(B)) CPPFLAGS='$(subst ',,$(CPPFLAGS)) -DCTR_PREFIX="/"' tests/tools/lint $(T)

## fmt: format the sources in place; T=FILE a part
fmt:
	clang-format -i $(or $(T),$(wildcard src/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch]))

## guest-kernel: build the small kernel of micro-VMs from Debian's sources (mk/guest-kernel.mk)
guest-kernel: $(GUEST_KERNEL)

## guest-arm64: build the init of arm64 guests, fetch Debian's kernel for them (mk/guest-arm64.mk)
guest-arm64: $(GUEST_ARM64)

## check-guest-kernel: build the small kernel and run containers on it in the test VM
check-guest-kernel: deps-test tests $(GUEST_KERNEL)
	$(RUN_CHECK) tests/microvm/own-kernel.bats
	CTR_KERNEL=$(abspath $(GUEST_KERNEL)) $(RUN_CHECK) tests/microvm/isolation.bats

## check-vtx: guests of ctr-vm on VT-x, which Bochs emulates
check-vtx: deps-test all
	$(RUN_CHECK) tests/vtx/vtx.bats

## bench: measure against the installed crun, runc and podman
bench: deps-bench all $(TESTPROGS)
	CTR_BUILD=$(abspath $(B)) tests/bench/run $(T)

## bench-vm: measure micro-VMs against QEMU's, in the test VM; with the small kernel, too, where it was built
bench-vm: deps-test all
	CTR_BUILD=$(abspath $(B)) CTR_KERNEL=$(abspath $(wildcard $(GUEST_KERNEL))) tests/bench/vm $(T)

## deps: install the packages that a build needs
deps:
	tests/tools/deps build
## deps-test: install the packages that the tests need
deps-test:
	tests/tools/deps build test $(DEPS_LONG)
deps-lint:
	tests/tools/deps build lint
deps-bench:
	tests/tools/deps build bench
deps-guest-kernel:
	tests/tools/deps guest-kernel
deps-guest-arm64:
	tests/tools/deps guest-arm64
# A plain `make` installs nothing; it says what to do before the compiler complains.
deps-hint:
	tests/tools/deps --hint build

## clean: remove the output folder
clean:
	rm -rf $(B)

## help: this list
help:
	sed -n 's/^## \([a-z0-9-]*\): \(.*\)/  make \1\t\2/p' Makefile | expand -t 27

# ---- rules -------------------------------------------------------------------------

$(B)/obj/src/%.o: src/%.c $(B)/flags | $(DEPS_FIRST)
	$(call say,CC,$<)
	mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

ifneq ($(S),$(B))
$(S)/include: mk/musl.mk | $(DEPS_FIRST)
	rm -rf $@
	mkdir -p $@/sys
	for h in $(HEADERS); do ln -s /usr/include/$$h $@/$$h; done
	ln -s /usr/include/$(MACHINE)-linux-gnu/asm $@/asm

$(S)/obj/%.o: %.c $(S)/flags | $(S)/include $(DEPS_FIRST)
	$(call say,CC,$< (musl))
	mkdir -p $(@D)
	$(COMPILE_STATIC) -c -o $@ $<
endif

# The compiler's dependency file doesn't see what the assembler includes.
INCBIN    := $(shell grep -ls '\.incbin' src/*/*.c)
in_each    = $(foreach t,$(sort $(B) $(S) $(B)/fuzz),$(1:%.c=$(t)/obj/%.o))
$(call in_each,$(INCBIN)): $(wildcard configs/*)

# Where the helpers are once installed: another PREFIX is one file and the programs, not all.
LIBEXEC_C := $(call in_each,src/base/helper.c)
$(LIBEXEC_C): $(B)/prefix
$(LIBEXEC_C): CPPFLAGS += -DCTR_PREFIX='"$(PREFIX)"'

# The small init is a program of its own, without any library, that ctr carries as bytes.
$(B)/init/ctr-init: src/init/init.c src/base/raw.h $(B)/flags
	$(call say,LINK,$@)
	mkdir -p $(@D)
	$(CC) $(WARN) -Isrc -Os -static -nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie \
		-fno-asynchronous-unwind-tables -Wl,--build-id=none -Wl,-z,noexecstack -s -o $@ $<
SMALL_INIT := $(call in_each,src/runtime/small_init.c)
$(SMALL_INIT): $(B)/init/ctr-init
$(SMALL_INIT): CPPFLAGS += -DINIT_BLOB='"$(B)/init/ctr-init"'
# It runs before the C library has started, and before anything is relocated.
GUARD_ENTRY := $(filter-out $(B)/fuzz/%,$(call in_each,src/runtime/guard_entry.c))
$(GUARD_ENTRY): HARDEN := -ffreestanding -fno-stack-protector -fvisibility=hidden \
	-fno-tree-loop-distribute-patterns
$(GUARD_ENTRY): HARDEN_STATIC = $(HARDEN)

# main*.o stay out of the archive, so that a unit test can link the rest of its room.
define archive_rule
$(2)/lib/$(1).a: $$(patsubst $(B)/%,$(2)/%,$$(filter-out $$(call mains,$(1)),$$(call objects,src/$(1)))) \
		$(2)/lib/$(1).list
	$$(call say,AR,$$@)
	rm -f $$@
	ar rcsD $$@ $$(filter %.o,$$^)
endef
define static_rule
$(2): $$(call static,$$(call mains,$(1))) $$(FILL) $$(call static,$$(call archives,$(1)))
	$$(call say,LINK,$$@)
	mkdir -p $$(@D)
	$$(CC) $$(LINK_STATIC) $(if $(filter runtime,$(call reached,$(filter-out guest,$(1)))),$$(ENTRY)) $$(LDGC) -o $$@ $$^ $$(LIBS_STATIC)
endef
define helper_rule
$(2): $$(call mains,$(1)) $$(call archives,$(1))
	$$(call say,LINK,$$@)
	mkdir -p $$(@D)
	$$(CC) $$(patsubst -static-pie,-pie,$$(LINK)) $$(LDGC) -o $$@ $$^ $(LIBS_$(1)) $$(LDLIBS)
endef
define room_rules
$(foreach t,$(sort $(B) $(S)),$(eval $(call archive_rule,$(1),$(t))))
$(if $(PROGRAM_$(1)),$(eval $(call $(if $(LIBS_$(1)),helper,static)_rule,$(1),$(B)/bin/$(PROGRAM_$(1)))))
$(B)/tests/unit/$(1)/%_test: $(B)/obj/tests/unit/$(1)/%_test.o \
		$$(filter-out %_test.o,$$(call objects,tests/unit/$(1))) $$(call archives,$(1))
	$$(call say,LINK,$$@)
	mkdir -p $$(@D)
	$$(CC) $$(filter-out -static-pie,$$(LINK)) $$(LDGC) -o $$@ $$^ -lcmocka $$(LDLIBS)
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(B)/obj/mk/%.o: mk/%.c $(B)/flags | $(DEPS_FIRST)
	mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

$(B)/obj/tests/unit/%.o: tests/unit/%.c $(B)/flags | $(DEPS_FIRST)
	$(call say,CC,$<)
	mkdir -p $(@D)
	$(COMPILE) -Itests/unit -c -o $@ $<

$(B)/obj/tests/%.o: tests/%.c $(B)/flags | $(DEPS_FIRST)
	$(call say,CC,$<)
	mkdir -p $(@D)
	$(COMPILE_PAYLOAD) -c -o $@ $<

define payload_rule
$(1): $(2)
	$$(call say,LINK,$$@)
	mkdir -p $$(@D)
	$$(CC) -static -Wl,--gc-sections -o $$@ $$^ $$(PAYLOAD_LIBS)
endef
$(if $(PROBE),$(eval $(call payload_rule,$(PROBE),$(call objects,tests/probe))))
$(patsubst %,$(B)/tests/helpers/%,rows without): PAYLOAD_LIBS := -lseccomp
# What our start is compared with starts as ours; and what looks at mk/musl.
AS_OURS   := $(FLOOR) $(B)/tests/helpers/fill $(B)/tests/helpers/net-guest
$(B)/tests/helpers/net-guest: $(call static,$(call archives,netns))
$(AS_OURS): $(B)/%: $(S)/obj/%.o $(FILL)
	$(call say,LINK,$@)
	mkdir -p $(@D)
	$(CC) $(LINK_STATIC) $(LDGC) -o $@ $^ $(LIBS_STATIC)
$(foreach p,$(filter-out $(AS_OURS),$(HELPERS)),\
	$(eval $(call payload_rule,$(p),$(patsubst $(B)/%,$(B)/obj/%.o,$(p)))))

# A guest without an operating system: 32-bit code in a file that says 64, as Linux' own is before it gets there.
$(RAW): tests/microvm/raw/hostile.c $(B)/flags | $(DEPS_FIRST)
	$(call say,LINK,$@)
	mkdir -p $(@D)
	set -e; { echo .code32; $(CC) -m32 -march=i686 -mgeneral-regs-only -O2 -ffreestanding -fno-pic -fno-stack-protector \
		-fno-asynchronous-unwind-tables $(WARN) -S -o - $<; } >$@.s
	as --64 -o $@.o $@.s
	ld -m elf_x86_64 -static -nostdlib -Ttext 0x1000000 -e enter --build-id=none -z noexecstack -o $@ $@.o

$(B)/fuzz/obj/%.o: %.c $(B)/fuzz/flags | $(DEPS_FIRST)
	$(call say,FUZZ,$<)
	mkdir -p $(@D)
	$(COMPILE_FUZZ) -c -o $@ $<

$(B)/fuzz/all.a: $(FUZZ_OBJ) $(B)/fuzz/all.list
	$(call say,AR,$@)
	rm -f $@
	ar rcsD $@ $(FUZZ_OBJ)

$(B)/fuzz/%: $(B)/fuzz/obj/tests/fuzz/%_fuzz.o $(B)/fuzz/all.a
	$(call say,LINK,$@)
	clang -fsanitize=fuzzer $(SAN_FUZZ) -Wl,--gc-sections -o $@ $^ $(LDLIBS)

$(B)/tests/debian.tar: tests/tools/debian | $(DEPS_FIRST)
	tests/tools/debian $@

$(KERNELS): $(B)/vm/%/boot/vmlinuz: | $(DEPS_FIRST)
	CTR_BUILD=$(abspath $(B)) tests/vm/kernel $* >/dev/null

# The same program by another name.
$(B)/bin/ctr-oci-vm: $(B)/bin/ctr-oci
	ln -sf ctr-oci $@

# ---- install -----------------------------------------------------------------------

SHARE      = $(DESTDIR)$(PREFIX)/share
LIBEXEC    = $(DESTDIR)$(PREFIX)/libexec/ctr
MANPAGES  := $(wildcard man/*.[1578])
CONFIGS   := $(wildcard configs/*)
COMPLETE   = $(SHARE)/bash-completion/completions/ctr $(SHARE)/zsh/site-functions/_ctr \
             $(SHARE)/fish/vendor_completions.d/ctr.fish

# Below PREFIX. Those above them, and bin, are the system's own in its own places.
FOLDERS    = bin libexec/ctr share/ctr $(patsubst .%,share/man/man%,$(sort $(suffix $(MANPAGES)))) \
             $(sort $(patsubst $(DESTDIR)$(PREFIX)/%/,%,$(dir $(COMPLETE))))
SYSTEMS   := $(filter /usr /usr/local,$(PREFIX))
# to_prefix FILE TO: what stands in it as installed in /usr/local is where it is installed.
to_prefix  = sed 's,/usr/local/,$(PREFIX)/,g' $(1) >$(2) && chmod 644 $(2) &&

## install: into DESTDIR and PREFIX (/usr/local); the guest kernel and arm64's init, too, where they were built
install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,$(FOLDERS))
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	ln -sf ctr-oci $(DESTDIR)$(PREFIX)/bin/ctr-oci-vm
	install -m 755 $(LIBEXECS) $(wildcard $(GUEST_ARM64)) $(LIBEXEC)
	$(foreach m,$(MANPAGES),$(call to_prefix,$(m),$(SHARE)/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))) :
	$(foreach c,$(CONFIGS),$(call to_prefix,$(c),$(SHARE)/ctr/$(notdir $(c)))) :
	$(if $(wildcard $(GUEST_KERNEL)),install -m 644 $(GUEST_KERNEL) $(SHARE)/ctr)
	set -e; set -- $(COMPLETE); for shell in bash zsh fish; do \
		$(B)/bin/ctr completion $$shell >"$$1"; chmod 644 "$$1"; shift; done

## uninstall: what install put there, and its folders where nothing else is in them
uninstall:
	rm -f $(patsubst $(B)/%,$(DESTDIR)$(PREFIX)/%,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin/ctr-oci-vm $(COMPLETE)
	rm -f $(foreach m,$(MANPAGES),$(SHARE)/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))
	rm -f $(patsubst configs/%,$(SHARE)/ctr/%,$(CONFIGS)) $(SHARE)/ctr/vmlinux $(patsubst $(B)/bin/%,$(LIBEXEC)/%,$(LIBEXECS) $(GUEST_ARM64))
	cd $(DESTDIR)$(PREFIX) 2>/dev/null || exit 0; \
	for dir in $(if $(SYSTEMS),$(filter-out bin,$(FOLDERS)),$(FOLDERS)); do \
		[ ! -d $$dir ] || rmdir --ignore-fail-on-non-empty $(if $(SYSTEMS),,-p) $$dir; done; \
	$(if $(SYSTEMS),:,rmdir --ignore-fail-on-non-empty $(DESTDIR)$(PREFIX))

SRC_OBJ := $(foreach r,$(ROOMS),$(call objects,src/$(r)))
-include $(patsubst %.o,%.d,$(sort $(SRC_OBJ) $(call static,$(SRC_OBJ) $(call objects,tests/bench)) $(FILL)) \
	$(foreach d,$(wildcard tests/unit/*) tests/probe tests/bench tests/helpers,$(call objects,$(d))) \
	$(FUZZ_OBJ) $(FUZZ:$(B)/fuzz/%=$(B)/fuzz/obj/tests/fuzz/%_fuzz.o))
