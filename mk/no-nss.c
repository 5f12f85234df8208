/*
 * Stand-ins for the C library's account look-ups in our static programs.
 *
 * libcgroup.a refers to them in its rules parser, which we never call, and its objects
 * can't be taken apart by --gc-sections. The real ones would bring in NSS, which loads
 * shared objects at run time: into a static program, and of the host's choosing. Who
 * needs an account's number reads the passwd file at hand (fgetpwent(3) is no NSS).
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>

struct passwd *getpwnam(const char *name)
{
	(void)name;
	errno = ENOENT;
	return NULL;
}

struct passwd *getpwuid(uid_t uid)
{
	(void)uid;
	errno = ENOENT;
	return NULL;
}

struct group *getgrnam(const char *name)
{
	(void)name;
	errno = ENOENT;
	return NULL;
}

struct group *getgrgid(gid_t gid)
{
	(void)gid;
	errno = ENOENT;
	return NULL;
}

int getpwnam_r(const char *name, struct passwd *pwd, char *buf, size_t size, struct passwd **ret)
{
	(void)name, (void)pwd, (void)buf, (void)size;
	*ret = NULL;
	return ENOENT;
}

int getgrnam_r(const char *name, struct group *grp, char *buf, size_t size, struct group **ret)
{
	(void)name, (void)grp, (void)buf, (void)size;
	*ret = NULL;
	return ENOENT;
}
