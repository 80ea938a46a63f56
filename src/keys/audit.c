#include "keys/audit.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"

static const char label[] = "postern/kms-audit/v1";

enum {
	TREE_MAX = 64 * 1024,
	DETAIL_MAX = 256,
	MESSAGE_LEN = sizeof(label) - 1 + sizeof(struct sha256),
};

/* ---- writing ---- */

/* Printable ASCII as it is, but for quotes and backslashes. */
static void write_text(struct wr *w, const char *key, const char *text,
		       size_t max)
{
	if (!text || !text[0])
		return;
	wr_printf(w, ",\"%s\":\"", key);
	for (size_t i = 0; text[i] && i < max; i++) {
		char c = text[i];

		wr_u8(w, c < ' ' || c > '~' || c == '"' || c == '\\'
				 ? '?'
				 : (uint8_t)c);
	}
	wr_str(w, "\"");
}

static void write_id(struct wr *w, const char *key, const uint8_t *id)
{
	if (!id)
		return;
	wr_printf(w, ",\"%s\":\"", key);
	text_hex(w, span_of(id, KEYS_ID_LEN));
	wr_str(w, "\"");
}

void keys_audit_write(struct wr *w, struct keys_audit_chain *chain,
		      const struct keys_audit_event *e)
{
	size_t begin = w->n;
	struct span line;

	wr_printf(w, "{\"seq\":%llu,\"time\":\"",
		  (unsigned long long)chain->seq + 1);
	text_utc_write(w, e->at);
	wr_str(w, "\"");
	write_text(w, "event", e->event, DETAIL_MAX);
	write_id(w, "app", e->app);
	write_id(w, "instance", e->instance);
	write_text(w, "peer", e->peer, DETAIL_MAX);
	write_text(w, "what", e->what, KEYS_AUDIT_WHAT_MAX);
	write_text(w, "reason", e->reason, DETAIL_MAX);
	write_text(w, "detail", e->detail, DETAIL_MAX);
	wr_str(w, ",\"prev\":\"");
	text_hex(w, SPAN_ARRAY(chain->head.b));
	wr_str(w, "\"}");
	if (!wr_done(w, &line) || !rd_skip(&line, begin))
		return;
	sha256_of(&chain->head, line);
	chain->seq++;
	wr_str(w, "\n");
}

static void message_of(uint8_t out[MESSAGE_LEN], const struct sha256 *prev)
{
	memcpy(out, label, sizeof(label) - 1);
	memcpy(out + sizeof(label) - 1, prev->b, sizeof(prev->b));
}

void keys_audit_sign(struct wr *w, struct keys_audit_chain *chain, int64_t at,
		     const struct p256_private *key)
{
	char point[2 * P256_POINT_LEN + 1] = "";
	char signature[2 * P256_SIGNATURE_LEN + 1] = "";
	struct wr a = wr_over(point, sizeof(point) - 1);
	struct wr b = wr_over(signature, sizeof(signature) - 1);
	uint8_t message[MESSAGE_LEN];
	struct p256_signature sig;
	struct p256_point at_key;

	message_of(message, &chain->head);
	p256_private_point(key, &at_key);
	p256_sign(key, &sig, SPAN_ARRAY(message));
	text_hex(&a, SPAN_ARRAY(at_key.xy));
	text_hex(&b, SPAN_ARRAY(sig.rs));
	keys_audit_write(w, chain,
			 &(struct keys_audit_event){ .at = at,
						     .event = "signed",
						     .what = point,
						     .reason = signature });
}

/* ---- checking ---- */

const char *keys_audit_verdict_name(enum keys_audit_verdict v)
{
	switch (v) {
	case KEYS_AUDIT_OK:
		return "ok";
	case KEYS_AUDIT_MALFORMED:
		return "malformed";
	case KEYS_AUDIT_SEQUENCE:
		return "sequence_broken";
	case KEYS_AUDIT_CHAIN:
		return "chain_broken";
	case KEYS_AUDIT_SIGNATURE:
		return "signature_wrong";
	}
	return "?";
}

static bool get_text(struct span *out, const struct jtree *line,
		     const char *key)
{
	const struct jtree *m = jtree_get(line, key);

	if (!m || m->type != JTREE_TEXT)
		return false;
	*out = m->text;
	return true;
}

static bool check_signature(struct keys_audit_walk *w, const struct jtree *line)
{
	struct p256_signature sig;
	struct p256_point key;
	struct span what, reason;
	uint8_t message[MESSAGE_LEN];

	if (!get_text(&what, line, "what") ||
	    !get_text(&reason, line, "reason") ||
	    !text_hex_decode(key.xy, sizeof(key.xy), what) ||
	    !text_hex_decode(sig.rs, sizeof(sig.rs), reason))
		return false;
	if (w->has_key &&
	    !span_equal(SPAN_ARRAY(key.xy), SPAN_ARRAY(w->key.xy)))
		return false;
	message_of(message, &w->chain.head);
	if (!p256_verify(&key, &sig, SPAN_ARRAY(message)))
		return false;
	w->key = key;
	w->has_key = true;
	return true;
}

enum keys_audit_verdict keys_audit_check(struct keys_audit_walk *walk,
					 struct span line)
{
	AUTO(arena_fini)
	struct arena arena = { .max = TREE_MAX };
	const struct jtree *tree = NULL, *seq;
	struct keys_audit_walk w = *walk;
	struct span event, prev;
	struct sha256 before;

	if (line.n < KEYS_AUDIT_LINE_MAX)
		tree = jtree_read(&arena, line);
	seq = jtree_get(tree, "seq");
	if (!seq || seq->type != JTREE_NUMBER ||
	    !get_text(&event, tree, "event") ||
	    !get_text(&prev, tree, "prev") ||
	    !text_hex_decode(before.b, sizeof(before.b), prev))
		return KEYS_AUDIT_MALFORMED;
	if (seq->number != w.chain.seq + 1)
		return KEYS_AUDIT_SEQUENCE;
	if (!span_equal(SPAN_ARRAY(before.b), SPAN_ARRAY(w.chain.head.b)))
		return KEYS_AUDIT_CHAIN;
	if (span_equal_str(event, "signed")) {
		if (!check_signature(&w, tree))
			return KEYS_AUDIT_SIGNATURE;
		w.signatures++;
		w.signed_seq = seq->number;
	}
	w.chain.seq++;
	sha256_of(&w.chain.head, line);
	*walk = w;
	return KEYS_AUDIT_OK;
}

/* ---- going on ---- */

bool keys_audit_is_signed(struct span line)
{
	AUTO(arena_fini)
	struct arena arena = { .max = TREE_MAX };
	struct span event;

	return line.n < KEYS_AUDIT_LINE_MAX &&
	       get_text(&event, jtree_read(&arena, line), "event") &&
	       span_equal_str(event, "signed");
}

enum keys_audit_verdict keys_audit_resume(struct keys_audit_chain *out,
					  const struct p256_point *key,
					  struct span before, struct span line)
{
	AUTO(arena_fini)
	struct arena arena = { .max = TREE_MAX };
	struct keys_audit_walk w = { .has_key = true, .key = *key };
	const struct jtree *seq = NULL;
	enum keys_audit_verdict v;

	if (before.n < KEYS_AUDIT_LINE_MAX)
		seq = jtree_get(jtree_read(&arena, before), "seq");
	if (!seq || seq->type != JTREE_NUMBER || !keys_audit_is_signed(line))
		return KEYS_AUDIT_MALFORMED;
	w.chain.seq = seq->number;
	sha256_of(&w.chain.head, before);
	v = keys_audit_check(&w, line);
	if (!v)
		*out = w.chain;
	return v;
}
