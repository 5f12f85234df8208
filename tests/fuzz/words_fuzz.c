/*
 * All readers of one short text: numbers, sizes, signals, paths, lists, names, mount options.
 *
 * max: 128
 * words: src/rootfs/options.c src/spec/names.c src/sandbox/sysctl.c src/sandbox/profile.c
 */
#include "fuzz.h"

#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "cgroups/host.h"
#include "ctr/run_make.h"
#include "netns/devices.h"
#include "rootfs/options.h"
#include "runtime/state.h"
#include "sandbox/profile.h"
#include "sandbox/rights_check.h"
#include "sandbox/sysctl.h"
#include "spec/names.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* As strtoull(3), but for what that lets pass. */
static void numbers(const char *text)
{
	uint64_t u = 0, bytes;
	int64_t i = 0;
	int rc = str_to_u64(text, 0, UINT64_MAX, &u);
	bool digits = *text && strspn(text, "0123456789") == strlen(text);

	errno = 0;
	if (rc == 0 && (!digits || strtoull(text, NULL, 10) != u || errno))
		fuzz_broken("\"%s\" is read as %llu", text, (unsigned long long)u);
	if (rc < 0 && digits && rc != -ERANGE)
		fuzz_broken("\"%s\" is a number, and refused", text);
	if (rc == 0 && u <= INT64_MAX &&
	    (str_to_i64(text, INT64_MIN, INT64_MAX, &i) < 0 || (uint64_t)i != u))
		fuzz_broken("\"%s\" has two values", text);
	/* A plain number is a size in bytes. */
	rc = str_to_bytes(text, &bytes);
	if (digits && u && rc == 0 && bytes != u)
		fuzz_broken("\"%s\" is %llu bytes", text, (unsigned long long)bytes);
	(void)!cpus_parse(text, &u);
}

static void signals(const char *text)
{
	int signal = process_signal_from_name(text);
	const char *name = signal > 0 ? process_signal_name(signal) : NULL;

	if (signal == 0 || signal >= NSIG || (signal < 0 && signal != -EINVAL))
		fuzz_broken("signal \"%s\" is %d", text, signal);
	if (name && process_signal_from_name(name) != signal)
		fuzz_broken("signal %d is called %s", signal, name);
}

static void paths(const char *text)
{
	CLEAN(free) char *clean = path_clean(text), *again = path_clean(clean);
	struct err err = { 0 };
	int rc = cgroup_path_check(text, &err);

	if (!path_is_clean(clean) || strcmp(clean, again) != 0)
		fuzz_broken("\"%s\" is cleaned to \"%s\"", text, clean);
	if (path_is_clean(text) && strcmp(text, clean) != 0)
		fuzz_broken("\"%s\" is clean, and becomes \"%s\"", text, clean);
	fuzz_check(rc, &err);
	if (rc == 0 && strcmp(text, clean) != 0)
		fuzz_broken("\"%s\" passes as a group's path", text);
}

static void names(const char *text)
{
	struct err err = { 0 };
	char room[16] = { 0 };
	int cap = spec_cap_from_name(text), rlimit = spec_rlimit_from_name(text);
	int rc = state_name_check(text, &err);

	fuzz_check(rc, &err);
	if (rc == 0 && (strchr(text, '/') || *text == '.' || *text == '-'))
		fuzz_broken("\"%s\" passes as a container's name", text);
	fuzz_check(sandbox_sysctl_check(text, UINT64_MAX, &err), &err);
	if (cap >= 0 && spec_cap_from_name(spec_cap_name(cap)) != cap)
		fuzz_broken("capability \"%s\" is %d", text, cap);
	if (rlimit >= 0 && spec_rlimit_from_name(spec_rlimit_name(rlimit)) != rlimit)
		fuzz_broken("rlimit \"%s\" is %d", text, rlimit);
	strncpy(room, text, sizeof(room));
	if (net_name_ok(room, true) && memchr(room, '/', sizeof(room)))
		fuzz_broken("\"%s\" passes as an interface's name", text);
}

static void lists(const char *text)
{
	CLEAN(strv) struct strv words = { 0 }, env = { 0 };
	struct spec_process p = { .exec_cpu_affinity_initial = (char *)text };
	struct err err = { 0 };

	fuzz_check(rights_check_cpus(&p, &err), &err);
	strv_split(&words, text, ',');
	fuzz_check(seccomp_profile_allow_check(&words, &err), &err);
	for (size_t i = 0; i < words.count; i++)
		strv_env_put(&env, words.items[i]);
	for (size_t i = 0; i < env.count; i++) {
		CLEAN(free) char *key = xstrndup(env.items[i], strcspn(env.items[i], "="));

		if (strchr(env.items[i], '=') && !strv_env_get(&env, key))
			fuzz_broken("\"%s\" is lost", env.items[i]);
	}
}

/* One a line. */
static void mount_words(const char *text)
{
	CLEAN(mount_options) struct mount_options o = { 0 };
	CLEAN(strv) struct strv words = { 0 };
	struct err err = { 0 };
	int rc;

	strv_split(&words, text, '\n');
	rc = mount_options_parse(&words, &o, &err);
	fuzz_check(rc, &err);
	if (rc < 0)
		return;
	if (o.attr_set & o.attr_clr & ~(uint64_t)0x70)
		fuzz_broken("set and cleared: %#llx",
			    (unsigned long long)(o.attr_set & o.attr_clr));
	if (o.super_set & o.super_clr)
		fuzz_broken("set and cleared: %#lx", o.super_set & o.super_clr);
	for (size_t i = 0; i < words.count && o.data; i++)
		if (words.count == 1 && strcmp(words.items[i], o.data) != 0)
			fuzz_broken("\"%s\" becomes \"%s\"", words.items[i], o.data);
	(void)mount_options_flags(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(free) char *text = NULL;

	fuzz_texts(data, size, &text, 1);
	numbers(text);
	signals(text);
	paths(text);
	names(text);
	lists(text);
	mount_words(text);
	return 0;
}
