#include "netns/main_devices.h"

#include <errno.h>
#include <string.h>

#define KEY "linux.netDevices.%s: "

/*
 * The index is what we know it by afterwards, for the name may be the kernel's choice (%d) or changed
 * by who lives there: so it is settled before. Best as asked, else a new one.
 */
static int index_for(struct place *to, int asked, int *ret)
{
	struct rtnl_link taken;
	int rc = rtnl_link_get(&to->rtnl, asked, NULL, &taken);

	*ret = asked;
	if (rc == -ENODEV)
		return 0;
	return rc < 0 ? rc : rtnl_index_free(&to->rtnl, ret);
}

/*
 * A move takes the addresses off and the link down. *index is the one to have over there, and then the
 * one it has; 0: it did not get there. What goes wrong later leaves it there, and the caller moves it
 * back.
 */
static int carry(struct place *from, struct place *to, const struct rtnl_link *link,
		 const char *wanted, bool up, int *index)
{
	CLEAN(str) struct str addresses = { 0 };
	struct rtnl_link there;
	int new_index = *index;
	int rc = rtnl_addresses_get(&from->rtnl, link->index, &addresses);

	*index = 0;
	if (rc < 0)
		return rc;
	rc = rtnl_link_move(&from->rtnl, link->index, to->netns, wanted, new_index);
	/* The kernel moves first and renames then: after a failure it may be there all the same. */
	if (rc == 0 || rtnl_link_get(&from->rtnl, link->index, NULL, &there) == -ENODEV)
		*index = new_index;
	if (rc == 0)
		rc = rtnl_link_get(&to->rtnl, new_index, NULL, &there);
	if (rc == 0)
		rc = rtnl_addresses_put(&to->rtnl, &there, link->name, &addresses);
	return rc < 0 || !up ? rc : rtnl_link_up(&to->rtnl, new_index);
}

/* Killed before the move, we had said where it would be. */
static bool never_left(struct place *here, const struct net_device *d)
{
	struct rtnl_link link;

	return rtnl_link_get(&here->rtnl, d->was_index, NULL, &link) == 0 &&
	       strcmp(link.name, d->name) == 0;
}

static int give_back(struct place *here, struct place *there, struct net_device *d, struct err *err)
{
	struct rtnl_link link;
	int index = 0;
	int rc = rtnl_link_get(&there->rtnl, d->index, NULL, &link);

	if (rc == -ENODEV && never_left(here, d)) {
		d->index = 0;
		return 0;
	}
	if (rc == 0)
		rc = index_for(here, d->was_index, &index);
	if (rc == 0)
		rc = carry(there, here, &link, d->name, d->was_up, &index);
	if (rc == 0)
		d->index = 0;
	return rc < 0 ? err_set(err, -rc, KEY "move it back: %s", d->name, strerror(-rc)) : 0;
}

/* What the kernel would refuse with a bare number, or do half. */
static int can_move(struct place *here, struct place *there, const struct net_device *d,
		    struct rtnl_link *ret, struct err *err)
{
	struct rtnl_link taken;
	int rc = rtnl_link_get(&here->rtnl, 0, d->name, ret);

	if (rc == -ENODEV)
		return err_set(err, ENODEV, KEY "there is no such interface here", d->name);
	if (rc < 0)
		return err_set(err, -rc, KEY "look for it: %s", d->name, strerror(-rc));
	if (strcmp(ret->name, d->name) != 0)
		return err_set(err, EINVAL, KEY "that is another name of \"%s\"; give this one",
			       d->name, ret->name);
	if (ret->flags & IFF_LOOPBACK)
		return err_set(err, EINVAL,
			       KEY "the loopback interface can't be moved; the container has one",
			       d->name);
	if (strchr(d->wanted, '%'))
		return 0;
	rc = rtnl_link_get(&there->rtnl, 0, d->wanted, &taken);
	if (rc == 0)
		return err_set(err, EEXIST,
			       "linux.netDevices.%s.name: the container's network namespace has an "
			       "interface \"%s\" already; ask for another name, or a pattern "
			       "(\"eth%%d\")",
			       d->name, d->wanted);
	return rc == -ENODEV ? 0 :
			       err_set(err, -rc, KEY "look for \"%s\" there: %s", d->name,
				       d->wanted, strerror(-rc));
}

/* Where it will be is told before it goes: whoever kills us in between must be able to find it. */
static int move_one(struct place *here, struct place *there, struct net_devices *all,
		    struct net_device *d, void (*tell)(const struct net_devices *d),
		    struct err *err)
{
	struct rtnl_link link;
	struct err ignored;
	int rc = can_move(here, there, d, &link, err);

	if (rc < 0)
		return rc;
	d->was_index = link.index;
	d->was_up = link.flags & IFF_UP;
	rc = index_for(there, link.index, &d->index);
	if (rc == 0) {
		tell(all);
		rc = carry(here, there, &link, d->wanted, true, &d->index);
	}
	if (rc == 0)
		return 0;
	if (d->index)
		(void)!give_back(here, there, d, &ignored);
	return err_set(err, -rc, KEY "move it into the container as \"%s\": %s%s", d->name,
		       d->wanted, strerror(-rc),
		       rc == -EINVAL ? " (some kinds of interface belong to one network namespace "
				       "for good: ethtool -k, netns-local)" :
				       "");
}

int devices_move(struct place *here, struct place *there, struct net_devices *d,
		 void (*tell)(const struct net_devices *d), struct err *err)
{
	struct err ignored;

	for (uint32_t i = 0; i < d->count; i++) {
		int rc = move_one(here, there, d, &d->items[i], tell, err);

		if (rc == 0)
			continue;
		while (i-- > 0)
			(void)!give_back(here, there, &d->items[i], &ignored);
		return rc;
	}
	return 0;
}

int devices_return(struct place *here, struct place *there, struct net_devices *d, struct err *err)
{
	struct err one;
	int first = 0;

	for (uint32_t i = d->count; i-- > 0;) {
		int rc = d->items[i].index ? give_back(here, there, &d->items[i], &one) : 0;

		if (rc < 0 && first == 0) {
			first = rc;
			*err = one;
		}
	}
	return first;
}
