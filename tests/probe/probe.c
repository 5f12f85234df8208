#include "probe.h"

#include <stdio.h>
#include <string.h>

static const struct verb *const tables[] = { call_verbs, show_verbs, act_verbs };

int main(int argc, char **argv)
{
	for (unsigned int i = 0; argc > 1 && i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct verb *v = tables[i]; v->name; v++)
			if (!strcmp(v->name, argv[1]))
				return v->run(argc - 1, argv + 1);
	for (unsigned int i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct verb *v = tables[i]; v->name; v++)
			fprintf(stderr, "probe %s %s\n", v->name, v->usage);
	return 64;
}
