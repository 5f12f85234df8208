/* --cidfile: where run and create write the id. */
#ifndef CTR_CTR_CIDFILE_H
#define CTR_CTR_CIDFILE_H

#include "base/cleanup.h"
#include "base/err.h"

/* Until cidfile_keep() it is gone again when this is closed: there is no container. */
struct cidfile {
	int fd;
	const char *path; /* borrowed; NULL: none was asked for */
};

#define CIDFILE_INIT     \
	(struct cidfile) \
	{                \
		.fd = -1 \
	}

/* Made before the container is: a name that is taken is refused while nothing has happened. */
int cidfile_make(struct cidfile *c, const char *path, struct err *err) MUST_CHECK;
int cidfile_keep(struct cidfile *c, const char *id, struct err *err) MUST_CHECK;
void cidfile_close(struct cidfile *c);
CLEAN_DEFINE(cidfile, struct cidfile, cidfile_close)

#endif
