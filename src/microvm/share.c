#include "microvm/share.h"

#include "base/str.h"
#include "microvm/given.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#define TAG_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./"
#define FDS_OF_OTHERS 256
#define FDS_MAX (1U << 20) /* what fs.nr_open is, too; each costs the kernel about a kilobyte */
#define FDS_MIN 64

static int parse_tag(const char *text, size_t len, struct share_options *ret, struct err *err)
{
	if (len == 0 || len > VIRTIO_FS_TAG_MAX || strspn(text, TAG_LETTERS) < len)
		return err_set(
			err, EINVAL,
			"--share %s: TAG=DIR[,readonly]; a tag, by which the guest mounts it, has "
			"1 to %d letters, digits, '-', '_', '.' and '/'",
			text, VIRTIO_FS_TAG_MAX);
	memcpy(ret->tag, text, len);
	return 0;
}

int share_parse(const char *text, struct share_options *ret, struct err *err)
{
	CLEAN(strv) struct strv words = { 0 };
	const char *dir = strchr(text, '=');
	int rc;

	*ret = (struct share_options)SHARE_OPTIONS_NONE;
	rc = parse_tag(text, dir ? (size_t)(dir - text) : 0, ret, err);
	if (rc < 0)
		return rc;
	strv_split(&words, dir + 1, ',');
	for (size_t i = 1; i < words.count; i++) {
		if (!str_eq(words.items[i], "readonly"))
			return err_set(err, EINVAL,
				       "--share %s: \"%s\" is not readonly; a folder's name has no "
				       "comma here",
				       text, words.items[i]);
		ret->readonly = true;
	}
	if (!words.count || !*words.items[0])
		return err_set(err, EINVAL, "--share %s: which folder? TAG=DIR[,readonly]", text);
	ret->root = given_open(words.items[0], O_PATH | O_DIRECTORY);
	if (ret->root < 0)
		return err_sys(err, "--share %s: open the folder %s", text, words.items[0]);
	return 0;
}

void share_options_free(struct share_options *opt)
{
	if (opt->root >= 0)
		close(opt->root);
	*opt = (struct share_options)SHARE_OPTIONS_NONE;
}

int share_check(const struct share_options *shares, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (str_eq(shares[i].tag, shares[j].tag))
				return err_set(err, EINVAL,
					       "--share %s=...: there are two of this tag; each "
					       "needs one of its own",
					       shares[i].tag);
	return 0;
}

unsigned int share_fds_max(size_t shares)
{
	struct rlimit files = { 0 }, more = { FDS_MAX, FDS_MAX };
	rlim_t each;

	/* Root may have more than it has been given; where fds run out after all, a guest is told. */
	(void)getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < FDS_MAX && setrlimit(RLIMIT_NOFILE, &more) == 0)
		files = more;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (shares == 0 || files.rlim_max <= FDS_OF_OTHERS)
		return FDS_MIN;
	each = (files.rlim_max - FDS_OF_OTHERS) / shares;
	return each > FDS_MAX ? FDS_MAX : each < FDS_MIN ? FDS_MIN : (unsigned int)each;
}
