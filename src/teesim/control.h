/*
 * control: how the owner of the simulated platform launches and stops trust
 * domains at run time: one JSON object a line each way, over a unix socket that
 * only he may open (mode 0600, and the peer's user is checked).
 *
 *   {"launch":{"name":"hello","socket":"/run/tee.sock","image":"base",
 *              "manifest":"/path/manifest.json","debug":false}}
 *   {"stop":"hello"}
 *   {"list":{}}
 *
 * "manifest", "measured" (a file too) and "debug" may be missing.  The answer
 * is {"ok":true}, for list {"ok":true,"tds":["hello"]}, or
 * {"ok":false,"error":"..."}.
 */
#ifndef POSTERN_TEESIM_CONTROL_H
#define POSTERN_TEESIM_CONTROL_H

#include "teesim/server.h"
#include "teesim/td.h"

enum {
	CONTROL_LINE_MAX = 8192,
};

enum control_verb {
	CONTROL_LAUNCH,
	CONTROL_STOP,
	CONTROL_LIST,
};

/* A line read.  Zeroed: empty. */
struct control_command {
	enum control_verb verb;
	struct td_spec spec; /* stop: the name only */
	void *json; /* owns the texts */
};

/*
 * Reads one line without its end.  False: error says what is expected; *out is
 * untouched.  Returns owned: control_fini().
 */
bool control_read(struct control_command *out, struct span line,
		  char error[TD_ERROR_MAX]);
void control_fini(struct control_command *c);

/* Serves the socket; *s is the caller's storage.  RC_SYS with errno. */
enum rc control_open(struct server *s, const char *path, struct td_list *tds);

#endif
