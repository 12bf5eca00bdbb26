/* make_flow: prints deploy/docs/flux-de-donnees.md anew, after what leaves was changed on purpose. */
#include <stdlib.h>

#include "flow.h"

int main(void)
{
    return flow_write(stdout) && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
