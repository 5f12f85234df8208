#include "ctr/commands.h"

int main(int argc, char **argv)
{
	return program_main(&ctr_program, argv + (argc > 0));
}
