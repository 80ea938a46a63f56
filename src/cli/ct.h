/*
 * ct: `postern ct`: what postern-cert sees of Certificate Transparency, and the
 * history of any name.
 */
#ifndef POSTERN_CLI_CT_H
#define POSTERN_CLI_CT_H

int cli_ct(int argc, char **argv);

/* ct_history.c: `postern ct history NAME`; argv[0] is "history". */
int cli_ct_history(int argc, char **argv);

#endif
