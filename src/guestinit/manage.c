#include "guestinit/manage.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	ARENA_MAX = 64 * 1024,
};

enum manage_request manage_read(struct span line)
{
	AUTO(arena_fini)
	struct arena arena;
	const struct jtree *root, *stop;

	arena_init(&arena, ARENA_MAX);
	root = line.n <= MANAGE_LINE_MAX ? jtree_read(&arena, line) : NULL;
	stop = jtree_get(root, "stop");
	if (root && stop && root->count == 1 && stop->type == JTREE_OBJECT &&
	    stop->count == 0)
		return MANAGE_STOP;
	return MANAGE_UNKNOWN;
}

struct line {
	struct buf text;
	struct jwrite json;
};

static void line_open(struct line *l)
{
	buf_init(&l->text, MANAGE_LINE_MAX - 1);
	l->json = jwrite_to(&l->text);
	jwrite_object(&l->json, NULL);
}

/* Whole or not at all: half a line would spoil the next. */
static void line_close(struct line *l, struct buf *out, uint64_t ms)
{
	jwrite_number(&l->json, "ms", ms);
	jwrite_end(&l->json);
	if (jwrite_done(&l->json) && buf_room(out) > l->text.n) {
		(void)buf_add(out, buf_span(&l->text)); /* there is room */
		(void)buf_add(out, span_str("\n"));
	}
	buf_fini(&l->text);
}

void manage_step(struct buf *out, const char *step, uint64_t ms)
{
	struct line l;

	line_open(&l);
	jwrite_str(&l.json, "step", step);
	line_close(&l, out, ms);
}

void manage_service(struct buf *out, const char *name, const char *state,
		    unsigned status, uint64_t ms)
{
	struct line l;

	line_open(&l);
	jwrite_str(&l.json, "service", name);
	jwrite_str(&l.json, "state", state);
	jwrite_number(&l.json, "status", status);
	line_close(&l, out, ms);
}

/* A reason may quote a stranger: what is not printable ASCII is escaped. */
void manage_refused(struct buf *out, struct span reason, uint64_t ms)
{
	char text[4 * MANAGE_TEXT_MAX + 8];
	struct wr w = wr_over(text, sizeof(text));
	struct line l;

	text_escape(&w, reason, MANAGE_TEXT_MAX / 2);
	line_open(&l);
	jwrite_text(&l.json, "refused", wr_span(&w));
	line_close(&l, out, ms);
}

void manage_stopping(struct buf *out, uint64_t ms)
{
	struct line l;

	line_open(&l);
	jwrite_bool(&l.json, "stopping", true);
	line_close(&l, out, ms);
}
