/*
 * Seccomp rules made from the input's bytes, each of which is a choice: so that all inputs are rules, and
 * the fuzzer has the compiler to look for paths in, not the JSON.
 *
 * max: 256
 */
#include "filter.h"
#include "fuzz.h"

#include "spec/load.h"
#include "spec/names.h"

static const char *const calls[] = {
	"read",
	"write",
	"open",
	"socket",
	"socketpair",
	"connect",
	"bind",
	"accept4",
	"shmat",
	"semop",
	"semtimedop",
	"msgctl",
	"clone",
	"clone3",
	"openat2",
	"personality",
	"ioctl",
	"mmap",
	"mmap2",
	"ipc",
	"getpid",
	"socketcall",
	"futex_time64",
	"mseal",
	"uretprobe",
	"nosuchcall",
	"set_tls",
	"send",
	"rt_sigreturn",
	"file_setattr",
	"breakpoint",
	"execveat",
	"umount",
	"sync_file_range2",
	"arm_fadvise64_64",
	"sigreturn",
};

struct bytes {
	const uint8_t *at, *end;
};

static unsigned int take(struct bytes *b)
{
	return b->at < b->end ? *b->at++ : 0;
}

/* Small, with one half all ones, or any. */
static uint64_t take_value(struct bytes *b)
{
	unsigned int how = take(b);
	uint64_t v = take(b);

	switch (how % 8) {
	case 0:
		return v;
	case 1:
		return v << 32;
	case 2:
		return UINT64_MAX - v;
	case 3:
		return UINT32_MAX - v;
	case 4:
		return UINT32_MAX + v;
	case 5:
		return 1ull << v % 64;
	case 6:
		return UINT64_MAX << v % 64;
	default:
		for (int i = 0; i < 7; i++)
			v = v << 8 | take(b);
		return v;
	}
}

static char *take_word(struct bytes *b, enum spec_words_id id)
{
	size_t count;
	const struct spec_word *words = spec_words(id, &count);

	return xstrdup(words[take(b) % count].word);
}

/* An action, most often of those that take an errno. */
static void take_action(struct bytes *b, char **action, struct opt_u64 *errno_ret)
{
	unsigned int how = take(b);

	*action = how % 4 == 0 ? take_word(b, WORDS_SECCOMP_ACTION) :
				 xstrdup(how % 4 == 1 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO");
	if (how & 16)
		*errno_ret = (struct opt_u64){ true, take(b) };
}

static void take_rule(struct bytes *b, struct spec_seccomp *spec)
{
	struct spec_seccomp_rule *r = SPEC_ADD(&spec->rules);
	unsigned int shape = take(b);

	take_action(b, &r->action, &r->errno_ret);
	for (unsigned int i = 0; i <= shape % 3; i++)
		strv_add(&r->names, calls[take(b) % ARRAY_LEN(calls)]);
	for (unsigned int i = shape / 4 % 8; i > 0; i--) {
		struct spec_seccomp_arg *a = SPEC_ADD(&r->args);

		a->index = take(b) % 7;
		a->op = take_word(b, WORDS_SECCOMP_OP);
		a->value = take_value(b);
		a->value_two = take_value(b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(spec_seccomp) struct spec_seccomp spec = { .set = true };
	struct bytes b = { data, data + size };

	take_action(&b, &spec.default_action, &spec.default_errno_ret);
	for (unsigned int i = take(&b) % 4; i > 0; i--)
		strv_take(&spec.architectures, take_word(&b, WORDS_SECCOMP_ARCH));
	while (b.at < b.end)
		take_rule(&b, &spec);
	filter_judge(&spec);
	return 0;
}
