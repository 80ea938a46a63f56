#include "vm/qmp.h"

#include <string.h>

#include "base/text.h"

enum {
	DESC_BYTES = QMP_DESC_MAX / 4 - 4, /* one may be written as four */
};

/* A name that QEMU made: letters, digits, '-', '_'. */
static bool read_word(char out[QMP_WORD_MAX], const struct jtree *t)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_";

	if (!t || t->type != JTREE_TEXT || t->text.n == 0 ||
	    t->text.n >= QMP_WORD_MAX)
		return false;
	for (size_t i = 0; i < t->text.n; i++) {
		if (t->text.p[i] == 0 || !strchr(allowed, t->text.p[i]))
			return false;
	}
	memcpy(out, t->text.p, t->text.n);
	out[t->text.n] = '\0';
	return true;
}

static bool read_id(struct qmp_message *m, const struct jtree *root)
{
	const struct jtree *id = jtree_get(root, "id");

	/* An error may come before the question's id was understood. */
	if (!id)
		return m->kind == QMP_ERROR || m->kind == QMP_RETURN;
	if (id->type != JTREE_NUMBER)
		return false;
	m->has_id = true;
	m->id = id->number;
	return true;
}

static bool read_error(struct qmp_message *m, const struct jtree *error)
{
	const struct jtree *desc = jtree_get(error, "desc");
	struct wr w = wr_over(m->desc, sizeof(m->desc) - 1);

	if (!desc || desc->type != JTREE_TEXT ||
	    !read_word(m->word, jtree_get(error, "class")))
		return false;
	text_escape(&w, desc->text, DESC_BYTES);
	return true;
}

enum rc qmp_read(struct qmp_message *out, struct arena *arena, struct span line)
{
	const struct jtree *root = jtree_read(arena, line), *value;
	struct qmp_message m = { 0 };

	if (!root || root->type != JTREE_OBJECT)
		return RC_MALFORMED;
	if ((value = jtree_get(root, "return"))) {
		m.kind = QMP_RETURN;
		m.value = value;
		if (!read_id(&m, root))
			return RC_MALFORMED;
	} else if ((value = jtree_get(root, "error"))) {
		m.kind = QMP_ERROR;
		if (!read_id(&m, root) || !read_error(&m, value))
			return RC_MALFORMED;
	} else if ((value = jtree_get(root, "event"))) {
		m.kind = QMP_EVENT;
		m.value = jtree_get(root, "data");
		if (!read_word(m.word, value))
			return RC_MALFORMED;
	} else if ((value = jtree_get(root, "QMP"))) {
		m.kind = QMP_GREETING;
		if (value->type != JTREE_OBJECT)
			return RC_MALFORMED;
	} else {
		return RC_UNSUPPORTED;
	}
	*out = m;
	return RC_OK;
}

void qmp_command(struct wr *w, const char *name, struct span arguments,
		 uint64_t id)
{
	wr_printf(w, "{\"execute\":\"%s\"", name);
	if (arguments.n) {
		wr_str(w, ",\"arguments\":");
		wr_bytes(w, arguments);
	}
	wr_printf(w, ",\"id\":%llu}\r\n", (unsigned long long)id);
}
