/* ctr-vm: a guest's kernel on /dev/kvm, its console on standard output, until it powers off or resets. */
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "microvm/kernel_find.h"
#include "microvm/layout.h"
#include "microvm/machine.h"
#include "microvm/probe.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define EXIT_FAILED 125

static const char help[] =
	"Usage: ctr-vm [OPTION]...\n"
	"\n"
	"Start a Linux kernel in a virtual machine of its own, on /dev/kvm. Its first serial\n"
	"port is standard input and output. Ends when the guest powers off or resets, or when\n"
	"ctrl-a x is typed; ctrl-a ctrl-a is ctrl-a.\n"
	"\n"
	"Options:\n"
	"  --kernel FILE   the guest's kernel: vmlinux with a PVH entry, or a bzImage (vmlinuz)\n"
	"                  packed by xz or zstd (the newest /boot/vmlinuz-VERSION)\n"
	"  --boot ENTRY    pvh: unpacked first, enter at once (the default); bzimage: by its own\n"
	"                  code, which moves it to a place by chance (KASLR)\n"
	"  --initrd FILE   its initramfs\n"
	"  --append ARGS   more words for its command line\n"
	"  --memory SIZE   its memory, from 32m to all that the host has (256m)\n"
	"  --cpus N        its processors, 1 to 32 (1)\n"
	"  --disk FILE[,readonly][,id=NAME]\n"
	"                  a disk: a raw image or a block device; again for the next one\n"
	"  --probe         start no kernel: try what this host can do, and say so as JSON\n"
	"  -h, --help      show this\n"
	"  --version       show the version\n"
	"\n"
	"Exit status: 0 it powered off or reset, or ctrl-a x; 1 it died, and its console's end is\n"
	"on standard error; 125 it could not be started; 128+n signal n ended it.\n";

enum flag { KERNEL = 256, BOOT, INITRD, APPEND, MEMORY, CPUS, DISK, PROBE, VERSION };

static const struct option flags[] = {
	{ "kernel", required_argument, NULL, KERNEL },
	{ "boot", required_argument, NULL, BOOT },
	{ "initrd", required_argument, NULL, INITRD },
	{ "append", required_argument, NULL, APPEND },
	{ "memory", required_argument, NULL, MEMORY },
	{ "cpus", required_argument, NULL, CPUS },
	{ "disk", required_argument, NULL, DISK },
	{ "probe", no_argument, NULL, PROBE },
	{ "version", no_argument, NULL, VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int parse_cpus(const char *text, unsigned int *ret, struct err *err)
{
	uint64_t count;

	if (str_to_u64(text, 1, CPUS_MAX, &count) < 0)
		return err_set(err, EINVAL, "--cpus %s: a guest has 1 to %d processors", text,
			       CPUS_MAX);
	*ret = (unsigned int)count;
	return 0;
}

static int parse_boot(const char *text, enum kernel_boot *ret, struct err *err)
{
	if (!str_eq(text, "pvh") && !str_eq(text, "bzimage"))
		return err_set(err, EINVAL, "--boot %s: pvh and bzimage are there", text);
	*ret = str_eq(text, "pvh") ? KERNEL_PVH : KERNEL_BZIMAGE;
	return 0;
}

/* The flags, and what they are kept in. */
struct words {
	struct machine_options opt;
	struct disk_options *disks;
	char *kernel; /* that was found */
	bool probe;
};

static void words_free(struct words *w)
{
	for (size_t i = 0; i < w->opt.devices.disk_count; i++)
		disk_options_free(&w->disks[i]);
	free(w->disks);
	free(w->kernel);
}
CLEAN_DEFINE(words, struct words, words_free)

static int add_disk(struct words *w, const char *text, struct err *err)
{
	size_t *count = &w->opt.devices.disk_count;

	w->disks = xrealloc(w->disks, *count + 1, sizeof(*w->disks));
	w->opt.devices.disks = w->disks;
	return disk_parse(text, &w->disks[(*count)++], err);
}

/* 1: all is done already. */
static int parse(int argc, char **argv, struct words *w, struct err *err)
{
	struct machine_options *opt = &w->opt;
	int flag, rc;

	while ((flag = getopt_long(argc, argv, "h", flags, NULL)) != -1) {
		switch (flag) {
		case KERNEL:
			opt->kernel = optarg;
			break;
		case BOOT:
			rc = parse_boot(optarg, &opt->boot, err);
			if (rc < 0)
				return rc;
			break;
		case INITRD:
			opt->initrd = optarg;
			break;
		case APPEND:
			opt->append = optarg;
			break;
		case MEMORY:
			if (str_to_bytes(optarg, &opt->memory) < 0)
				return err_set(err, EINVAL,
					       "--memory %s: not a size; 256m and 2g are", optarg);
			break;
		case CPUS:
			rc = parse_cpus(optarg, &opt->cpus, err);
			if (rc < 0)
				return rc;
			break;
		case DISK:
			rc = add_disk(w, optarg, err);
			if (rc < 0)
				return rc;
			break;
		case PROBE:
			w->probe = true;
			break;
		case VERSION:
			puts("ctr-vm " CTR_VERSION);
			return 1;
		case 'h':
			fputs(help, stdout);
			return 1;
		default: /* getopt has said what is wrong */
			return err_set(err, EINVAL, "see ctr-vm --help");
		}
	}
	if (argv[optind])
		return err_set(err, EINVAL, "\"%s\" is no flag, and ctr-vm takes nothing else",
			       argv[optind]);
	if (opt->kernel || w->probe)
		return 0;
	rc = kernel_find("/boot", &w->kernel, err);
	opt->kernel = w->kernel;
	return rc;
}

/* 0: usable; 1: not. */
static int probe(void)
{
	CLEAN(json) struct json_object *doc = probe_host("/dev/kvm");
	bool usable = json_object_get_boolean(json_object_object_get(doc, "usable"));

	puts(json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	return fflush(stdout) ? EXIT_FAILED : !usable;
}

int main(int argc, char **argv)
{
	CLEAN(words)
	struct words w = { .opt = { .memory = 256ULL << 20,
				    .cpus = 1,
				    .console = STDOUT_FILENO,
				    .input = STDIN_FILENO } };
	CLEAN(machine_result) struct machine_result result = { 0 };
	struct err err = { 0 };
	int rc;

	fd_standard_fill();
	rc = parse(argc, argv, &w, &err);
	if (rc > 0)
		return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
	if (rc == 0 && w.probe)
		return probe();
	if (rc == 0)
		rc = machine_run(&w.opt, &result, &err);
	/* As it would have done without our doing. */
	if (result.signal) {
		raise(result.signal);
		return 128 + result.signal;
	}
	if (rc == 0)
		return 0;
	fprintf(stderr, "ctr-vm: %s\n", err.text);
	if (result.tail.len)
		fprintf(stderr, "The last lines of its console:\n%s", result.tail.text);
	return err.exit_status ? err.exit_status : EXIT_FAILED;
}
