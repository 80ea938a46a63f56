#include "node/appevents.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/file.h"

enum {
	PATH_MAX_LEN = 4096,
};

static bool path_of(char path[PATH_MAX_LEN], const char *state)
{
	int n = snprintf(path, PATH_MAX_LEN, "%s/app-events", state);

	return n > 0 && n < PATH_MAX_LEN;
}

/* Names may hold blanks; the payload does not. */
static bool split(struct span *name, struct span *payload, struct span line)
{
	size_t at = line.n;

	while (at > 0 && line.p[at - 1] != ' ')
		at--;
	if (at < 2)
		return false;
	*name = span_of(line.p, at - 1);
	*payload = span_of(line.p + at, line.n - at);
	return true;
}

bool appevents_next(struct appevent *out, uint8_t *room, struct span *text)
{
	struct span line, name, hex;
	size_t n = 0;

	if (!rd_until(text, &line, '\n') || !split(&name, &hex, line) ||
	    name.n >= sizeof(out->name))
		return false;
	if (!span_equal_str(hex, "-") &&
	    !text_hex_decode_any(room, APPEVENTS_MAX, &n, hex))
		return false;
	memcpy(out->name, name.p, name.n);
	out->name[name.n] = '\0';
	out->payload = span_of(room, n);
	return true;
}

enum rc appevents_add(struct buf *text, const struct appevent *e)
{
	struct span all = buf_span(text);
	size_t count = 0, n = 0,
	       want = strlen(e->name) + 1 + 2 * e->payload.n + 2;
	struct wr w;

	for (size_t i = 0; i < all.n; i++)
		count += all.p[i] == '\n';
	if (count >= APPEVENTS_COUNT_MAX || all.n + want > APPEVENTS_MAX)
		return RC_LIMIT;
	w = wr_over(buf_space(text, want, &n), want);
	if (n < want)
		return RC_LIMIT;
	wr_printf(&w, "%s ", e->name);
	if (e->payload.n)
		text_hex(&w, e->payload);
	else
		wr_str(&w, "-");
	wr_str(&w, "\n");
	buf_commit(text, wr_span(&w).n);
	return RC_OK;
}

enum rc appevents_load(struct buf *text, const char *state)
{
	char path[PATH_MAX_LEN];
	enum rc rc;

	if (!path_of(path, state))
		return RC_LIMIT;
	rc = file_read(text, path);
	return rc == RC_SYS && errno == ENOENT ? RC_OK : rc;
}

enum rc appevents_save(const char *state, struct span text)
{
	char path[PATH_MAX_LEN];

	if (!path_of(path, state))
		return RC_LIMIT;
	return file_replace(path, text, 0600);
}
