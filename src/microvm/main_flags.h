/* The flags of ctr-vm. */
#ifndef CTR_MICROVM_MAIN_FLAGS_H
#define CTR_MICROVM_MAIN_FLAGS_H

#include "microvm/launch.h"
#include "microvm/prepare.h"

#include <stdbool.h>

struct words {
	struct machine_options opt;
	struct disk_options *disks; /* opt.devices has them */
	struct share_options *shares;
	struct net_options *nets;
	char *kernel;                 /* that was found */
	char *vsock;                  /* its path */
	struct str network;           /* what the guest is told of `nets` */
	struct prepare prepare;       /* --prepare: cache is set */
	struct launch_options launch; /* --payload: text is set */
	const char *exec;
	bool probe;
};

void words_free(struct words *w);
CLEAN_DEFINE(words, struct words, words_free)

/* 1: all is done already, as help is. */
int words_parse(int argc, char **argv, struct words *ret, struct err *err) MUST_CHECK;

#endif
