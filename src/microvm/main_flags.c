#include "microvm/main_flags.h"

#include "base/str.h"
#include "microvm/given.h"
#include "microvm/kernel_find.h"
#include "microvm/layout.h"
#include "microvm/network.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char help_head[] =
	"Usage: ctr-vm [OPTION]...\n"
	"\n"
	"Start a Linux kernel in a virtual machine of its own, on /dev/kvm. Its console\n"
	"is standard input and output. Ends when the guest powers off or resets, or when\n"
	"ctrl-a x is typed; ctrl-a ctrl-a is ctrl-a.\n"
	"\n"
	"Options:\n";

static const char help_end[] =
	"\n"
	"Exit status: 0 it powered off or reset, or ctrl-a x; 1 it died, and its console's end is\n"
	"on standard error; 125 it could not be started; 128+n signal n ended it.\n";

/* ---- what each is kept in ------------------------------------------------------------ */

static int set_boot(struct words *w, const char *text, struct err *err)
{
	if (!str_eq(text, "pvh") && !str_eq(text, "bzimage"))
		return err_set(err, EINVAL, "--boot %s: pvh and bzimage are there", text);
	w->opt.boot = str_eq(text, "pvh") ? KERNEL_PVH : KERNEL_BZIMAGE;
	return 0;
}

static int set_memory(struct words *w, const char *text, struct err *err)
{
	if (str_to_bytes(text, &w->opt.memory) < 0)
		return err_set(err, EINVAL, "--memory %s: not a size; 256m and 2g are", text);
	return 0;
}

static int set_cpus(struct words *w, const char *text, struct err *err)
{
	uint64_t count;

	if (str_to_u64(text, 1, CPUS_MAX, &count) < 0)
		return err_set(err, EINVAL, "--cpus %s: a guest has 1 to %d processors", text,
			       CPUS_MAX);
	w->opt.cpus = (unsigned int)count;
	return 0;
}

static int set_nested(struct words *w, const char *text, struct err *err)
{
	(void)text;
	(void)err;
	w->opt.nested = w->prepare.nested = true;
	return 0;
}

static int set_console(struct words *w, const char *text, struct err *err)
{
	return talk_parse(text, &w->opt.talk, err);
}

static int add_disk(struct words *w, const char *text, struct err *err)
{
	size_t *count = &w->opt.devices.disk_count;

	w->disks = xrealloc(w->disks, *count + 1, sizeof(*w->disks));
	w->opt.devices.disks = w->disks;
	return disk_parse(text, &w->disks[(*count)++], err);
}

static int add_share(struct words *w, const char *text, struct err *err)
{
	size_t *count = &w->opt.devices.share_count;

	w->shares = xrealloc(w->shares, *count + 1, sizeof(*w->shares));
	w->opt.devices.shares = w->shares;
	return share_parse(text, &w->shares[(*count)++], err);
}

static int add_net(struct words *w, const char *text, struct err *err)
{
	size_t *count = &w->opt.devices.net_count;

	w->nets = xrealloc(w->nets, *count + 1, sizeof(*w->nets));
	w->opt.devices.nets = w->nets;
	return net_parse(text, &w->nets[(*count)++], err);
}

static int add_network(struct words *w, const char *text, struct err *err)
{
	size_t *count = &w->opt.devices.net_count;

	w->nets = xrealloc(w->nets, *count + NETWORK_LINKS_MAX, sizeof(*w->nets));
	w->opt.devices.nets = w->nets;
	return network_take(text, w->nets, count, &w->network, err);
}

static int set_vsock(struct words *w, const char *text, struct err *err)
{
	struct vsock_options *opt = &w->opt.devices.vsock;

	free(w->vsock);
	return vsock_parse(text, opt, &w->vsock, err);
}

static int set_balloon(struct words *w, const char *text, struct err *err)
{
	const char *comma = strchr(text, ',');
	CLEAN(free) char *size = xstrndup(text, comma ? (size_t)(comma - text) : strlen(text));

	if (comma && !str_eq(comma, ",firm"))
		return err_set(err, EINVAL, "--balloon %s: SIZE[,firm]", text);
	w->opt.devices.balloon_firm = comma;
	if (str_to_bytes(size, &w->opt.devices.balloon_bytes) < 0)
		return err_set(err, EINVAL, "--balloon %s: not a size; 0 and 128m are", text);
	w->opt.devices.has_balloon = true;
	return 0;
}

static int set_watchdog(struct words *w, const char *text, struct err *err)
{
	return watchdog_parse(text, &w->opt.devices.watchdog, err);
}

static int set_probe(struct words *w, const char *text, struct err *err)
{
	(void)text;
	(void)err;
	w->probe = true;
	return 0;
}

static int set_for(struct words *w, const char *text, struct err *err)
{
	if (!str_eq(text, "vm") && !str_eq(text, "emulated"))
		return err_set(err, EINVAL, "--for %s: vm and emulated are there", text);
	w->prepare.what = str_eq(text, "vm") ? PREPARE_FOR_KVM : PREPARE_FOR_EMULATOR;
	return 0;
}

/* ---- the table ------------------------------------------------------------------------- */

#define TEXT(field) offsetof(struct words, field)

/* What has no help is between our own programs. */
static const struct flag {
	const char *name, *takes;
	int (*set)(struct words *w, const char *text, struct err *err);
	size_t text;      /* without `set`: where the word itself is kept in struct words */
	const char *help; /* lines, the first behind the flag */
} flags[] = {
	{ "kernel", "FILE", NULL, TEXT(opt.kernel),
	  "the guest's kernel: vmlinux with a PVH entry, or a bzImage (vmlinuz)\n"
	  "packed by xz or zstd (the newest /boot/vmlinuz-VERSION)" },
	{ "boot", "ENTRY", set_boot, 0,
	  "pvh: unpacked first, enter at once (the default); bzimage: by its own\n"
	  "code, which moves it to a place by chance (KASLR)" },
	{ "initrd", "FILE", NULL, TEXT(opt.initrd), "its initramfs" },
	{ "kernel-args", "ARGS", NULL, TEXT(opt.append), "more words for its command line" },
	{ "memory", "SIZE", set_memory, 0, "its memory, from 32m to all that the host has (256m)" },
	{ "cpus", "N", set_cpus, 0, "its processors, 1 to 32 (1)" },
	{ "nested", NULL, set_nested, 0,
	  "its processors show VT-x or AMD-V, for virtual machines of the guest's own" },
	{ "console", "KIND", set_console, 0,
	  "its console: serial, a port of a PC's (the default); virtio, a device that\n"
	  "is quicker and knows the terminal's size, hvc0 there; or none" },
	{ "disk", "FILE[,readonly][,id=NAME][,bps=SIZE][,iops=N][,burst=MS]", add_disk, 0,
	  "a disk: a raw image or a block device; again for the next one. At most\n"
	  "so many bytes and operations a second, after idle time for MS at once (100)" },
	{ "share", "TAG=DIR[,readonly]", add_share, 0,
	  "a folder, for `mount -t virtiofs TAG`; again for the next one" },
	{ "net", "tap=NAME[,mac=MAC][,{rx,tx}-{bps=SIZE,iops=N}][,burst=MS]", add_net, 0,
	  "a network device, whose cable ends in a tap interface of the host's; again\n"
	  "for the next one" },
	{ "vsock", "PATH[,cid=N]", set_vsock, 0,
	  "a socket device: whoever connects to PATH and says \"CONNECT PORT\" has the\n"
	  "guest's port, what the guest calls is the socket PATH_PORT; the guest's\n"
	  "own address is N (3)" },
	{ "balloon", "SIZE[,firm]", set_balloon, 0,
	  "the guest gives so much of its memory back from the beginning, unless it\n"
	  "runs out of it (firm: also then); with any size, 0 too, also what it has free" },
	{ "watchdog", "POLICY", set_watchdog, 0,
	  "a watchdog (i6300esb); when nobody in the guest feeds it any more: reset,\n"
	  "which is an error, poweroff, pause, or none: only the guest is told" },
	{ "restore", "DIR[,unchecked]", NULL, TEXT(opt.restore),
	  "go on from the snapshot in this folder instead of starting a kernel, with\n"
	  "the same devices; unchecked: without reading all of its memory first" },
	{ "control", "PATH", NULL, TEXT(opt.control),
	  "a socket by which it is controlled while it runs: pause, resume, the\n"
	  "balloon's size, snapshot, status; a line asks, a line answers" },
	{ "prepare", "DIR", NULL, TEXT(prepare.cache),
	  "start nothing: put the kernel, unpacked, and an initramfs for containers\n"
	  "into a cache, where they are not there yet, and say in which folder" },
	{ "modules", "DIR", NULL, TEXT(prepare.modules),
	  "for --prepare: the kernel's modules (/lib/modules/VERSION)" },
	{ "module", "NAME", NULL, TEXT(prepare.module),
	  "for --prepare: one of these more, with those that it needs" },
	{ "for", "KIND", set_for, 0,
	  "for --prepare: see first whether this host can run it: vm, by KVM, or\n"
	  "emulated, by QEMU" },
	{ "probe", NULL, set_probe, 0,
	  "start no kernel: try what this host can do, and say so as JSON" },
	{ "kvm", "FILE", NULL, TEXT(opt.kvm), NULL },
	{ "emulator", "DIR", NULL, TEXT(opt.emulator), NULL },
	{ "fds", "DIR", NULL, TEXT(opt.devices.fds), NULL },
	{ "payload", "FILE", NULL, TEXT(launch.text), NULL },
	{ "exec", "FILE", NULL, TEXT(exec), NULL },
	{ "network", "FILE", add_network, 0, NULL },
	{ "report", "FILE", NULL, TEXT(launch.report), NULL },
	{ "copy", "HOSTNAME", NULL, TEXT(launch.copy), NULL },
};

#define HELP_COLUMN 18

static void print_flag(const struct flag *f)
{
	CLEAN(str) struct str left = { 0 };
	CLEAN(strv) struct strv lines = { 0 };

	str_printf(&left, "  --%s%s%s", f->name, f->takes ? " " : "", f->takes ? f->takes : "");
	strv_split(&lines, f->help, '\n');
	if (left.len + 2 > HELP_COLUMN)
		str_add(&left, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		const char *start = i == 0 && left.text[left.len - 1] != '\n' ? left.text : "";

		if (i == 0 && !*start)
			fputs(left.text, stdout);
		printf("%-*s%s\n", HELP_COLUMN, start, lines.items[i]);
	}
}

static void print_help(void)
{
	fputs(help_head, stdout);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].help)
			print_flag(&flags[i]);
	printf("%-*s%s\n", HELP_COLUMN, "  -h, --help", "show this");
	printf("%-*s%s\n", HELP_COLUMN, "  --version", "show the version");
	fputs(help_end, stdout);
}

static int keep(const struct flag *f, struct words *w, const char *text, struct err *err)
{
	if (f->set)
		return f->set(w, text, err);
	*(const char **)((char *)w + f->text) = text;
	return 0;
}

enum { FIRST = 256, VERSION = FIRST + ARRAY_LEN(flags) };

static int parse(int argc, char **argv, struct words *w, struct err *err)
{
	struct option options[ARRAY_LEN(flags) + 3] = { 0 };
	size_t n = 0;
	int c, rc;

	for (; n < ARRAY_LEN(flags); n++)
		options[n] = (struct option){ flags[n].name,
					      flags[n].takes ? required_argument : no_argument,
					      NULL, FIRST + (int)n };
	options[n++] = (struct option){ "version", no_argument, NULL, VERSION };
	options[n] = (struct option){ "help", no_argument, NULL, 'h' };
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == VERSION) {
			puts("ctr-vm " CTR_VERSION);
			return 1;
		}
		if (c == 'h') {
			print_help();
			return 1;
		}
		if (c == '?') /* getopt has said what is wrong */
			return err_set(err, EINVAL, "see ctr-vm --help");
		rc = keep(&flags[c - FIRST], w, optarg, err);
		if (rc < 0)
			return rc;
	}
	if (argv[optind])
		return err_set(err, EINVAL, "\"%s\" is no flag, and ctr-vm takes nothing else",
			       argv[optind]);
	return 0;
}

/* What a machine begins with, it has begun with. */
static int check_restore(const struct words *w, struct err *err)
{
	const struct machine_options *opt = &w->opt;

	if (!opt->restore)
		return 0;
	if (opt->kernel || opt->initrd || opt->append)
		return err_set(err, EINVAL,
			       "--restore goes on with the snapshot's own kernel: no --kernel, "
			       "--initrd, --kernel-args");
	if (opt->nested)
		return err_set(err, EINVAL,
			       "--restore goes on with the snapshot's own processors: no --nested");
	return 0;
}

int words_parse(int argc, char **argv, struct words *ret, struct err *err)
{
	int rc = parse(argc, argv, ret, err);

	if (rc == 0)
		rc = check_restore(ret, err);
	ret->launch.network = &ret->network;
	ret->prepare.kernel = ret->opt.kernel;
	if (rc != 0 || ret->opt.kernel || ret->opt.restore || ret->opt.emulator || ret->probe ||
	    ret->exec || ret->prepare.cache)
		return rc;
	rc = kernel_find("/boot", &ret->kernel, err);
	ret->opt.kernel = ret->kernel;
	return rc;
}

void words_free(struct words *w)
{
	for (size_t i = 0; i < w->opt.devices.disk_count; i++)
		disk_options_free(&w->disks[i]);
	free(w->disks);
	for (size_t i = 0; i < w->opt.devices.share_count; i++)
		share_options_free(&w->shares[i]);
	free(w->shares);
	for (size_t i = 0; i < w->opt.devices.net_count; i++)
		net_options_free(&w->nets[i]);
	free(w->nets);
	str_free(&w->network);
	free(w->kernel);
	free(w->vsock);
}
