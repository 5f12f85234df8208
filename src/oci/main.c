#include "oci/oci.h"

int main(int argc, char **argv)
{
	return program_main(&oci_program, argv + (argc > 0));
}
