/*
 * The interfaces of a container's network namespace, which its guest takes over: taps, and what the guest is told of
 * them, as ctr-net has sent it to whoever started us.
 */
#ifndef CTR_MICROVM_NETWORK_H
#define CTR_MICROVM_NETWORK_H

#include "base/str.h"
#include "microvm/net.h"

#define NETWORK_LINKS_MAX 16

/*
 * Take the message from a socket, "fd:N": a byte, how many there are, an address for each, and with it the fd of a
 * file and one of a tap for each. They are put behind the *count of `nets`, which has room for so many more, and the
 * file's text into *ret. A socket whose other end is closed has none. -EPROTO: it is another message.
 */
int network_take(const char *given, struct net_options *nets, size_t *count, struct str *ret,
		 struct err *err) MUST_CHECK;

#endif
