#include "vm/manage.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"

enum {
	TEXT_BYTES = MANAGE_TEXT_MAX / 4 - 4, /* one may be written as four */
};

static bool read_step(struct manage_line *l, const struct jtree *root)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const struct jtree *step = jtree_get(root, "step");
	const struct jtree *ms = jtree_get(root, "ms");
	const struct jtree *text = jtree_get(root, "text");
	struct wr w = wr_over(l->text, sizeof(l->text) - 1);

	if (!step || step->type != JTREE_TEXT || step->text.n == 0 ||
	    step->text.n >= MANAGE_STEP_MAX || !ms || ms->type != JTREE_NUMBER)
		return false;
	for (size_t i = 0; i < step->text.n; i++) {
		if (step->text.p[i] == 0 || !strchr(allowed, step->text.p[i]))
			return false;
	}
	memcpy(l->step, step->text.p, step->text.n);
	l->ms = ms->number;
	if (text && text->type == JTREE_TEXT)
		text_escape(&w, text->text, TEXT_BYTES);
	return true;
}

void manage_read(struct manage_line *out, struct span line)
{
	AUTO(arena_fini)
	struct arena arena;
	struct manage_line l = { .kind = MANAGE_NOISE };
	const struct jtree *root, *status;

	arena_init(&arena, MANAGE_ARENA_MAX);
	root = line.n <= MANAGE_LINE_MAX ? jtree_read(&arena, line) : NULL;
	if (root && root->type == JTREE_OBJECT) {
		status = jtree_get(root, "status");
		l.kind = MANAGE_UNKNOWN;
		if (read_step(&l, root)) {
			l.kind = MANAGE_STEP;
		} else if (status && status->type == JTREE_OBJECT) {
			l = (struct manage_line){ .kind = MANAGE_STATUS,
						  .status = line };
		} else {
			l = (struct manage_line){ .kind = MANAGE_UNKNOWN };
		}
	}
	*out = l;
}
