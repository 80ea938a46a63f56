/* verify: `postern verify NAME`: is what answers there what it says? */
#ifndef POSTERN_CLI_VERIFY_H
#define POSTERN_CLI_VERIFY_H

int cli_verify(int argc, char **argv);

#endif
