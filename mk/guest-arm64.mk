# What arm64 guests need of us and of Debian, for `ctr run --isolation emulated --kernel build/arm64/debian/boot/vmlinuz`
# with files for arm64. Half a minute and 150 MB below $(B)/arm64, and no part of `all`.

GUEST_ARM64  := $(B)/bin/ctr-guest-aarch64
DEBIAN_ARM64 := $(B)/arm64/debian
SYSROOT      := $(abspath $(DEBIAN_ARM64))

$(DEBIAN_ARM64): mk/guest-arm64 | $(DEPS_FIRST)
	$(call say,FETCH,$@)
	mk/guest-arm64 $@
	touch $@

# All that ctr-guest is made of, once more, over glibc, as mk/musl knows one processor only. What of it is old is known to a
# make for that folder. The paths are named, not given as --sysroot: where Debian's libc6-dev-arm64-cross is installed, the
# compiler has that before a sysroot's.
.PHONY: FORCE
$(GUEST_ARM64): FORCE | $(DEBIAN_ARM64)
	$(MAKE) --no-print-directory B=$(B)/arm64 SAN= LIBC=glibc \
		CC='aarch64-linux-gnu-gcc -B$(SYSROOT)/usr/lib/aarch64-linux-gnu/ $(patsubst %,-isystem $(SYSROOT)/usr/include%,/ /aarch64-linux-gnu)' \
		LDLIBS='$(patsubst %,-L$(SYSROOT)%/aarch64-linux-gnu,/usr/lib /lib) $(filter-out -llzma -lzstd,$(LDLIBS))' \
		$(B)/arm64/bin/ctr-guest
	mkdir -p $(@D)
	cmp -s $(B)/arm64/bin/ctr-guest $@ || install -m 755 $(B)/arm64/bin/ctr-guest $@
