#include "certd/slot.h"

#include <stdio.h>
#include <string.h>

#include "acme/client.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"
#include "json/jwrite.h"
#include "pki/webtbs.h"

enum {
	TREE_MAX = 1024 * 1024,
};

static void purpose_of(char out[FORM_PURPOSE_MAX + 1], const struct slot *s)
{
	(void)snprintf(out, FORM_PURPOSE_MAX + 1, "chain-%s", s->id);
}

/* What the leaf says. */
static bool read_leaf(struct slot *s)
{
	AUTO(certcheck_fini)
	struct certcheck_chain chain = { 0 };
	const struct web_cert *leaf = &chain.cert[0];

	if (certcheck_read(&chain, buf_span(&s->chain)))
		return false;
	web_spki_sha256(&s->spki, leaf);
	webtbs_sha256(&s->tbs, leaf);
	s->not_before = leaf->not_before;
	s->not_after = leaf->not_after;
	return true;
}

bool slot_leaf(const struct slot *s, struct certcheck_chain *room,
	       struct span *der)
{
	if (!s->has_chain || certcheck_read(room, buf_span(&s->chain)))
		return false;
	*der = room->der[0];
	return true;
}

static enum rc write_slot(struct buf *out, const struct slot *s)
{
	AUTO(buf_fini)
	struct buf renewal = { 0 };
	struct jwrite j = jwrite_to(out);
	enum rc rc;

	buf_init(&renewal, RENEWAL_STATE_MAX);
	rc = renewal_save(&s->renewal, &renewal);
	if (rc)
		return rc;
	jwrite_object(&j, NULL);
	jwrite_number(&j, "v", 1);
	jwrite_str(&j, "directory", s->directory);
	jwrite_number(&j, "issued_at", (uint64_t)s->issued_at);
	jwrite_text(&j, "chain", buf_span(&s->chain));
	/* As text: its own reader reads it. */
	jwrite_text(&j, "renewal", buf_span(&renewal));
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

static bool text_of(struct span *out, const struct jtree *top, const char *key)
{
	const struct jtree *v = jtree_get(top, key);

	if (!v || v->type != JTREE_TEXT)
		return false;
	*out = v->text;
	return true;
}

static enum rc read_slot(struct slot *s, struct span json)
{
	AUTO(arena_fini)
	struct arena arena;
	const struct jtree *top, *version, *at;
	struct span directory, chain, renewal;

	arena_init(&arena, TREE_MAX);
	top = jtree_read(&arena, json);
	version = jtree_get(top, "v");
	at = jtree_get(top, "issued_at");
	if (!version || version->number != 1 || !at ||
	    at->type != JTREE_NUMBER || at->number > INT64_MAX ||
	    !text_of(&directory, top, "directory") ||
	    directory.n >= sizeof(s->directory) ||
	    !text_of(&chain, top, "chain") ||
	    !text_of(&renewal, top, "renewal") ||
	    renewal_load(&s->renewal, renewal) || !buf_add(&s->chain, chain))
		return RC_MALFORMED;
	memcpy(s->directory, directory.p, directory.n);
	s->issued_at = (int64_t)at->number;
	s->has_chain = read_leaf(s);
	return s->has_chain ? RC_OK : RC_MALFORMED;
}

enum rc slot_open(struct slot *out, const struct config_certificate *config,
		  struct custody *custody, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	char purpose[FORM_PURPOSE_MAX + 1];
	struct slot s = { .config = config };
	struct wr w = wr_over(s.id, 16);
	enum seal_reason reason;

	buf_init(&s.chain, ACME_CHAIN_MAX);
	buf_init(&json, FORM_SECRET_MAX);
	names_hash(&config->names, &s.hash);
	text_hex(&w, span_of(s.hash.b, 8));
	purpose_of(purpose, &s);
	reason = custody_get(custody, purpose, &json);
	if (!reason && read_slot(&s, buf_span(&json)))
		reason = (enum seal_reason)FORM_MALFORMED;
	if (reason && reason != SEAL_ABSENT) {
		error_set(error, "%s: %s", purpose, seal_reason_name(reason));
		slot_fini(&s);
		return RC_DENIED;
	}
	*out = s;
	return RC_OK;
}

void slot_fini(struct slot *s)
{
	buf_fini(&s->chain);
}

enum rc slot_save(struct slot *s, struct custody *custody)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	char purpose[FORM_PURPOSE_MAX + 1];

	buf_init(&json, FORM_SECRET_MAX);
	purpose_of(purpose, s);
	s->is_unsealed = write_slot(&json, s) ||
			 custody_put(custody, purpose, buf_span(&json));
	return s->is_unsealed ? RC_SYS : RC_OK;
}

enum rc slot_take(struct slot *s, struct span chain, const char *directory,
		  struct custody *custody, int64_t now,
		  char error[NODE_ERROR_MAX])
{
	AUTO(certcheck_fini)
	struct certcheck_chain read = { 0 };
	enum certcheck_reason reason = certcheck_read(&read, chain);
	enum rc rc;

	if (reason) {
		error_set(error, "chain: %s", certcheck_name(reason));
		return RC_MALFORMED;
	}
	buf_reset(&s->chain);
	if (!buf_add(&s->chain, chain))
		return RC_MALFORMED;
	(void)snprintf(s->directory, sizeof(s->directory), "%s", directory);
	s->issued_at = now;
	s->renew_now = false;
	s->has_chain = read_leaf(s);
	renewal_init(&s->renewal, &read.cert[0], now);
	rc = slot_save(s, custody);
	if (rc)
		error_set(error, "chain: it could not be sealed");
	return rc;
}

int64_t slot_due(const struct slot *s)
{
	if (!s->has_chain || s->renew_now)
		return 0;
	return renewal_at(&s->renewal);
}

bool slot_is_early(const struct slot *s, int64_t now)
{
	return s->has_chain && renewal_is_early(&s->renewal, now);
}
