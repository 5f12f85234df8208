/*
 * A user asked for, and the /etc/passwd and /etc/group of an image.
 *
 * max: 512
 */
#include "fuzz.h"

#include "rootfs/accounts.h"
#include "runtime/account.h"

#include <fcntl.h>
#include <string.h>

static void look_up(int tree, const char *user)
{
	CLEAN(account) struct account a = { 0 };
	CLEAN(strv) struct strv env = { 0 };
	struct spec_process p = { 0 };
	struct err err = { 0 };
	uint32_t gid = 0;
	int rc = account_find(tree, user, &a, &err);

	fuzz_check(rc, &err);
	if (rc == 0 && (a.uid == UINT32_MAX || a.gid == UINT32_MAX))
		fuzz_broken("user \"%s\" is %u:%u, which changes nothing", user, a.uid, a.gid);
	account_apply(&a, &p);
	free(p.additional_gids.items);
	rc = account_group(tree, user, &gid, &err);
	fuzz_check(rc, &err);
	if (rc == 0 && gid == UINT32_MAX)
		fuzz_broken("group \"%s\" is 2^32-1", user);
	account_home_put(tree, a.uid, &env);
	if (!strv_env_get(&env, "HOME"))
		fuzz_broken("no HOME");
}

/* Only the system's own accounts, and no passwords. */
static void filter(const char *text)
{
	CLEAN(free) char *kept = host_accounts_filter(text), *again = host_accounts_filter(kept);

	if (strcmp(kept, again) != 0)
		fuzz_broken("filtered again it is another\n%s\n%s", kept, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(fd) int tree = -1;
	char *texts[3];

	/* user, passwd, group */
	fuzz_texts(data, size, texts, ARRAY_LEN(texts));
	fuzz_file("etc/passwd", texts[1], strlen(texts[1]));
	fuzz_file("etc/group", texts[2], strlen(texts[2]));
	tree = open(fuzz_folder(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	look_up(tree, texts[0]);
	filter(texts[1]);
	filter(texts[2]);
	fuzz_texts_free(texts, ARRAY_LEN(texts));
	return 0;
}
