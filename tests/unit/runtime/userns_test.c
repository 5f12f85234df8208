#include "runtime/userns.h"

#include "base/cleanup.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_each_id_is_itself_and_what_was_there_before_is_gone(void **state)
{
	spec_id_maps uids = { 0 }, gids = { 0 };
	struct err err;
	size_t count;

	(void)state;
	assert_int_equal(userns_same_ids(&uids, &gids, &err), 0);
	count = uids.count;
	assert_true(count > 0 && gids.count > 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(uids.items[i].container_id, uids.items[i].host_id);
	assert_int_equal(userns_same_ids(&uids, &gids, &err), 0);
	assert_int_equal(uids.count, count);
	free(uids.items);
	free(gids.items);
}

/* Exits 0 where it is so: the maps of a namespace that one is in can't be seen from outside. */
static void look_inside(int userns)
{
	spec_id_maps uids = { 0 }, gids = { 0 };
	struct err err;

	if (setns(userns, CLONE_NEWUSER) < 0)
		_exit(1);
	if (userns_same_ids(&uids, &gids, &err) < 0 || uids.count != 2 || gids.count != 1)
		_exit(2);
	_exit(uids.items[0].container_id == 0 && uids.items[0].host_id == 0 &&
			      uids.items[0].size == 10 &&
			      uids.items[1].container_id == 4000000000U &&
			      uids.items[1].host_id == 4000000000U && uids.items[1].size == 5 &&
			      gids.items[0].host_id == 7 && gids.items[0].size == 3 ?
		      0 :
		      3);
}

static void test_in_one_its_ids_are_and_they_stay_what_they_are(void **state)
{
	struct spec_id_map uid[] = { { .container_id = 0, .host_id = 1000, .size = 10 },
				     { .container_id = 4000000000U, .host_id = 20, .size = 5 } };
	struct spec_id_map gid[] = { { .container_id = 7, .host_id = 100, .size = 3 } };
	const spec_id_maps uids = { .items = uid, .count = 2 }, gids = { .items = gid, .count = 1 };
	struct err err;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	{
		CLEAN(fd) int userns = userns_make(&uids, &gids, &err);

		assert_true(userns >= 0);
		pid = fork();
		if (pid == 0)
			look_inside(userns);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_id_is_itself_and_what_was_there_before_is_gone),
		cmocka_unit_test(test_in_one_its_ids_are_and_they_stay_what_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
