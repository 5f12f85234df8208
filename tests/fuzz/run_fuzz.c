/*
 * The command line of `ctr run`, a word a line, up to the spec that comes of it: flags, sizes, volumes,
 * mounts, devices, limits, users. What is a file there is looked for in a folder with a bundle in it.
 *
 * max: 512
 * words: src/ctr/run*.c src/spec/names.c src/rootfs/options.c
 */
#include "fuzz.h"

#include "ctr/run_make.h"
#include "spec/load.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char bundle[] =
	"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\".\"},\"process\":{\"cwd\":\"/\","
	"\"args\":[\"sh\"],\"terminal\":true},\"mounts\":[{\"destination\":\"/dev/shm\","
	"\"type\":\"tmpfs\",\"options\":[\"size=1\"]}],\"linux\":{\"namespaces\":["
	"{\"type\":\"mount\"},{\"type\":\"pid\"}]}}";
static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n";
static const char groups[] = "root:x:0:\nwheel:x:10:root,ann\n";
static const char env[] = "# one a line\nA=1\nPATH\n";

/* The current folder: all relative paths begin here. */
static int prepare(void)
{
	static int root = -1;

	if (root >= 0)
		return root;
	fuzz_file("config.json", bundle, sizeof(bundle) - 1);
	fuzz_file("etc/passwd", passwd, sizeof(passwd) - 1);
	fuzz_file("etc/group", groups, sizeof(groups) - 1);
	fuzz_file("env", env, sizeof(env) - 1);
	root = open(fuzz_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || fchdir(root) < 0)
		fuzz_broken("open %s", fuzz_folder());
	return root;
}

/* Names that would make the program look at, or wait for, what is not ours. */
static bool is_elsewhere(const char *text)
{
	return strstr(text, "/dev/") || strstr(text, "/proc") || strstr(text, "/sys") ||
	       strstr(text, "..") || strstr(text, "busybox");
}

/* What is left to refuse is refused by the plan (which takes its time, with our default profile). */
static void judge(struct run_made *m)
{
	struct spec *s = &m->spec;

	if (!fuzz_round_trip(s) && fuzz_plan(s, &m->opt))
		fuzz_broken("planned, and can't be read again");
	for (size_t i = 0; i < s->mounts.count; i++)
		if (s->mounts.items[i].destination[0] != '/')
			fuzz_broken("a mount at \"%s\"", s->mounts.items[i].destination);
	for (size_t i = 0; i < s->process.rlimits.count; i++)
		if (s->process.rlimits.items[i].soft > s->process.rlimits.items[i].hard)
			fuzz_broken("a soft limit above the hard one");
}

static void make(char **words)
{
	CLEAN(run_made) struct run_made m = RUN_MADE_INIT;
	CLEAN(strv) struct strv warnings = { 0 };
	const struct opt_set set = { .rows = run_rows, .variant = RUN_VARIANT };
	struct run_flags f = { 0 };
	struct err err = { 0 };
	int root = prepare();
	int rc = opt_parse(&set, words, true, &f, &err);

	fuzz_check(rc, &err);
	if (rc == 0) {
		f.rootfs = f.bundle ? f.rootfs : ".";
		rc = run_make(&f, words, root, &m, &warnings, &err);
		fuzz_check(rc, &err);
		if (rc == 0)
			judge(&m);
	}
	opt_free(&set, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(free) char *text = NULL;
	CLEAN(strv) struct strv lines = { 0 };
	CLEAN(free) char **words = NULL;

	fuzz_texts(data, size, &text, 1);
	if (is_elsewhere(text))
		return 0;
	strv_split(&lines, text, '\n');
	/* opt_parse() moves them. */
	words = xcalloc(lines.count + 1, sizeof(*words));
	memcpy(words, lines.items, lines.count * sizeof(*words));
	make(words);
	return 0;
}
