#include "vm/manage.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"

enum {
	TEXT_BYTES = MANAGE_TEXT_MAX / 4 - 4, /* one may be written as four */
	WORD_MAX = MANAGE_STEP_MAX / 2 - 2, /* two of them make a step */
};

/* Adds a word of a-z, 0-9 and '-' to the step. */
static bool add_word(struct manage_line *l, const struct jtree *word)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	if (!word || word->type != JTREE_TEXT || word->text.n == 0 ||
	    word->text.n > WORD_MAX)
		return false;
	for (size_t i = 0; i < word->text.n; i++) {
		if (word->text.p[i] == 0 || !strchr(allowed, word->text.p[i]))
			return false;
	}
	memcpy(l->step + strlen(l->step), word->text.p, word->text.n);
	return true;
}

static bool read_service(struct manage_line *l, const struct jtree *root)
{
	const struct jtree *status = jtree_get(root, "status");

	if (!add_word(l, jtree_get(root, "service")))
		return false;
	l->step[strlen(l->step)] = '-'; /* zeros follow */
	if (!add_word(l, jtree_get(root, "state")))
		return false;
	if (status && status->type == JTREE_NUMBER && status->number)
		(void)snprintf(l->text, sizeof(l->text), "status %llu",
			       (unsigned long long)status->number);
	return true;
}

static bool read_refusal(struct manage_line *l, const struct jtree *why)
{
	struct wr w = wr_over(l->text, sizeof(l->text) - 1);

	if (!why || why->type != JTREE_TEXT)
		return false;
	(void)snprintf(l->step, sizeof(l->step), MANAGE_REFUSED);
	text_escape(&w, why->text, TEXT_BYTES);
	return true;
}

static bool read_step(struct manage_line *l, const struct jtree *root)
{
	const struct jtree *ms = jtree_get(root, "ms"), *t;

	if (!ms || ms->type != JTREE_NUMBER)
		return false;
	l->ms = ms->number;
	if (jtree_get(root, "step"))
		return add_word(l, jtree_get(root, "step"));
	if (jtree_get(root, "service"))
		return read_service(l, root);
	if ((t = jtree_get(root, "refused")))
		return read_refusal(l, t);
	t = jtree_get(root, "stopping");
	if (!t || t->type != JTREE_BOOL || !t->is_true)
		return false;
	(void)snprintf(l->step, sizeof(l->step), MANAGE_STOPPING);
	return true;
}

void manage_read(struct manage_line *out, struct span line)
{
	AUTO(arena_fini)
	struct arena arena;
	struct manage_line l = { .kind = MANAGE_NOISE };
	const struct jtree *root;

	arena_init(&arena, MANAGE_ARENA_MAX);
	root = line.n <= MANAGE_LINE_MAX ? jtree_read(&arena, line) : NULL;
	if (root && root->type == JTREE_OBJECT) {
		l.kind = MANAGE_STEP;
		if (!read_step(&l, root))
			l = (struct manage_line){ .kind = MANAGE_UNKNOWN };
	}
	*out = l;
}
