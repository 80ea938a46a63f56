/*
 * td: the trust domains of the simulated platform: a list with a bound, and for
 * each one its registers and the socket through which its guest reaches them.
 *
 * The socket has mode 0666.  It stands for the CPU instruction of that one
 * trust domain: whoever sees the path is inside (the supervisor mounts it into
 * that domain's namespace only), and inside, TDX tells no users apart either.
 *
 * RTMR3 lives as long as the trust domain is launched here; restarts of the
 * agent inside go on with it.  A launch starts from zero, so does a restart of
 * this program: it is the machine's power switch.
 */
#ifndef POSTERN_TEESIM_TD_H
#define POSTERN_TEESIM_TD_H

#include "io/log.h"
#include "teesim/quoter.h"
#include "teesim/sealing.h"

enum {
	TD_MAX = 64,
	TD_NAME_MAX = 63,
	TD_ERROR_MAX = 256,
};

struct td;

/* What to launch.  Borrowed for the call. */
struct td_spec {
	const char *name; /* letters, digits, '-', '_' and '.' */
	const char *socket;
	const char *image; /* as name */
	const char *manifest; /* a file; NULL: MRCONFIGID is zero */
	/* A file as `postern measure --json` writes; NULL: none.  Registers in
	 * it stand for the image's. */
	const char *measured;
	bool is_debug;
};

struct td_list {
	struct loop *loop;
	const struct log *log;
	struct quoter *quoter;
	const struct sealing *sealing;
	struct td *first;
	size_t count;
};

/* 1..TD_NAME_MAX of the characters that td_spec names. */
bool td_is_name(const char *text);

/*
 * RC_DENIED     the name or the socket is in use, or no name
 * RC_LIMIT      TD_MAX are running, or a file is too large
 * RC_MALFORMED  'measured' is no JSON object of registers
 * RC_SYS        a file cannot be read or the socket not made
 * error says it in words.
 */
enum rc td_launch(struct td_list *l, const struct td_spec *spec,
		  char error[TD_ERROR_MAX]);
/* False: none has that name. */
bool td_stop(struct td_list *l, const char *name);
void td_stop_all(struct td_list *l);

/* For walking the list, from l->first. */
const struct td *td_next(const struct td *td);
const char *td_name(const struct td *td);

#endif
