/*
 * up, down: `postern up` runs a whole cloud on this machine in the foreground
 * until SIGINT or SIGTERM and takes it away again; `postern down` ends one that
 * runs elsewhere, and clears up after one that was killed.
 */
#ifndef POSTERN_CLI_UP_H
#define POSTERN_CLI_UP_H

int cli_up(int argc, char **argv);
int cli_down(int argc, char **argv);

#endif
