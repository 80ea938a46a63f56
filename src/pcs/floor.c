#include "pcs/floor.h"

#include <string.h>

#include "base/text.h"

static const char first_line[] = "postern-evaluations 1";

static const struct floor_entry *find(const struct floor *f, enum quote_tee tee,
				      const uint8_t *fmspc)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct floor_entry *e = &f->entries[i];

		if (e->tee == tee && e->is_qe == !fmspc &&
		    (!fmspc || span_equal(SPAN_ARRAY(e->fmspc),
					  span_of(fmspc, FLOOR_FMSPC_LEN))))
			return e;
	}
	return NULL;
}

static bool read_entry(struct floor_entry *e, struct span line)
{
	struct span tee, whose;
	uint64_t number;

	if (!rd_until(&line, &tee, ' ') || !rd_until(&line, &whose, ' ') ||
	    !text_u64(&number, line, UINT32_MAX))
		return false;
	e->tee = span_equal_str(tee, "tdx") ? QUOTE_TDX : QUOTE_SGX;
	if (e->tee == QUOTE_SGX && !span_equal_str(tee, "sgx"))
		return false;
	e->is_qe = span_equal_str(whose, "qe");
	e->number = (uint32_t)number;
	return e->is_qe || text_hex_decode(e->fmspc, sizeof(e->fmspc), whose);
}

/* A line without its end; false: the end is missing. */
static bool rd_line(struct span *text, struct span *line)
{
	const uint8_t *begin = text->p;

	return rd_until(text, line, '\n') &&
	       begin + line->n != text->p; /* it was there */
}

enum rc floor_parse(struct floor *out, struct span text)
{
	struct floor f = { 0 };
	struct span line;

	if (!rd_line(&text, &line) || !span_equal_str(line, first_line))
		return RC_MALFORMED;
	while (!rd_end(&text)) {
		struct floor_entry e = { 0 };

		if (f.count == FLOOR_ENTRIES_MAX || !rd_line(&text, &line) ||
		    !read_entry(&e, line) ||
		    find(&f, e.tee, e.is_qe ? NULL : e.fmspc))
			return RC_MALFORMED;
		f.entries[f.count++] = e;
	}
	*out = f;
	return RC_OK;
}

void floor_write(struct wr *w, const struct floor *f)
{
	wr_printf(w, "%s\n", first_line);
	for (size_t i = 0; i < f->count; i++) {
		const struct floor_entry *e = &f->entries[i];

		wr_str(w, e->tee == QUOTE_TDX ? "tdx " : "sgx ");
		if (e->is_qe)
			wr_str(w, "qe");
		else
			text_hex(w, SPAN_ARRAY(e->fmspc));
		wr_printf(w, " %u\n", (unsigned)e->number);
	}
}

uint32_t floor_get(const struct floor *f, enum quote_tee tee,
		   const uint8_t *fmspc)
{
	const struct floor_entry *e = find(f, tee, fmspc);

	return e ? e->number : 0;
}

bool floor_set(struct floor *f, enum quote_tee tee, const uint8_t *fmspc,
	       uint32_t number)
{
	const struct floor_entry *e = find(f, tee, fmspc);
	struct floor_entry *to;

	if (e) {
		f->entries[e - f->entries].number = number;
		return true;
	}
	if (f->count == FLOOR_ENTRIES_MAX)
		return false;
	to = &f->entries[f->count++];
	*to = (struct floor_entry){ .tee = tee,
				    .is_qe = !fmspc,
				    .number = number };
	if (fmspc)
		memcpy(to->fmspc, fmspc, FLOOR_FMSPC_LEN);
	return true;
}
