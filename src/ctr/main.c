#include "ctr/commands.h"

int main(int argc, char **argv)
{
	return ctr_main(argv + (argc > 0));
}
