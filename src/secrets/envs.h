/*
 * envs: environment variables as a developer writes them (NAME=value lines) and
 * as they travel inside an envelope: dstack's JSON,
 *
 *   {"env": [{"key": "DB_PASSWORD", "value": "..."}]}
 *
 * Pure; values are secret and live in an arena that is erased.
 */
#ifndef POSTERN_SECRETS_ENVS_H
#define POSTERN_SECRETS_ENVS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "manifest/guest.h"

enum {
	ENVS_TEXT_MAX = 48 * 1024, /* bytes of either form */
	ENVS_ARENA_MAX = 256 * 1024,
};

struct env {
	const char *name;
	const char *value; /* any UTF-8 without NUL */
};

/* Zeroed: empty. */
struct envs {
	struct arena arena; /* of everything below */
	struct env list[GUEST_ENVS_MAX];
	size_t count;
};
/* Erases.  For AUTO(). */
void envs_fini(struct envs *e);

/*
 * Reads lines of NAME=value; the value is the rest of its line as it is, quotes
 * and blanks included.  Empty lines and lines that begin with '#' say nothing.
 * *line: where it was refused, counted from 1.
 *
 * RC_MALFORMED  no '=', a name that is none (guest_is_env_name) or comes twice,
 *               a value that is not UTF-8 or holds NUL or a carriage return
 * RC_LIMIT      over a bound above
 *
 * On success *out is owned: envs_fini(); otherwise it is untouched.
 */
enum rc envs_read_lines(struct envs *out, struct span text, size_t *line);
/* The same of the JSON form; unknown members are refused. */
enum rc envs_read_json(struct envs *out, struct span json);
/* Appends the JSON form; RC_LIMIT when it does not fit. */
enum rc envs_write_json(const struct envs *e, struct buf *out);

#endif
