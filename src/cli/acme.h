/* acme: `postern acme`: how postern-cert stands, and what a person can ask of
 * it, over its admin socket.  Source: postern-acme(1). */
#ifndef POSTERN_CLI_ACME_H
#define POSTERN_CLI_ACME_H

int cli_acme(int argc, char **argv);

#endif
