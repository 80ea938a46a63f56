#include "certd/custody.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme/jws.h"
#include "base/mem.h"
#include "base/text.h"
#include "certd/keybook.h"
#include "evidence/dotdstack.h"
#include "evidence/legacy.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	PEM_MAX = 4096,
	ID_LEN = 32, /* hex digits that name a key or a CA in a purpose */
};

struct custody {
	pthread_mutex_t lock;
	struct seal *seal;
	struct quote_source *source;
	struct span eventlog;
	char quotes[PATH_MAX]; /* folder */
	struct audit *audit;
	struct keybook history;
};

static void enter(struct custody *c)
{
	(void)pthread_mutex_lock(&c->lock); /* cannot fail: not recursive */
}

static void leave(struct custody *c)
{
	(void)pthread_mutex_unlock(&c->lock); /* we hold it */
}

/* ---- purposes ---- */

static void hex_of(char out[2 * 32 + 1], const struct sha256 *hash)
{
	struct wr w = wr_over(out, 64);

	text_hex(&w, SPAN_ARRAY(hash->b));
	out[64] = '\0';
}

static void id_purpose(char out[FORM_PURPOSE_MAX + 1], const char *what,
		       const struct sha256 *hash)
{
	char hex[65];

	hex_of(hex, hash);
	(void)snprintf(out, FORM_PURPOSE_MAX + 1, "%s-%.*s", what, ID_LEN, hex);
}

void custody_purpose(char out[FORM_PURPOSE_MAX + 1], const char *what,
		     const char *of)
{
	struct sha256 hash;

	if (!of) {
		(void)snprintf(out, FORM_PURPOSE_MAX + 1, "%s", what);
		return;
	}
	sha256_of(&hash, span_str(of));
	id_purpose(out, what, &hash);
}

/* ---- keys under seal ---- */

static enum seal_reason read_key(struct custody *c, struct p256_private **out,
				 const char *purpose)
{
	AUTO(buf_wipe)
	struct buf pem = { 0 };
	enum seal_reason reason;

	buf_init(&pem, PEM_MAX);
	reason = seal_read(c->seal, purpose, &pem);
	if (!reason && p256_private_from_pem(out, buf_span(&pem)))
		reason = (enum seal_reason)FORM_MALFORMED;
	return reason;
}

static enum seal_reason write_key(struct custody *c,
				  const struct p256_private *key,
				  const char *purpose)
{
	char *pem = p256_private_to_pem(key);
	enum seal_reason reason = seal_write(c->seal, purpose, span_str(pem));

	secret_wipe(pem, strlen(pem));
	free(pem);
	return reason;
}

static enum rc failed(char error[NODE_ERROR_MAX], const char *what,
		      enum seal_reason reason)
{
	error_set(error, "%s: %s%s%s", what, seal_reason_name(reason),
		  reason == SEAL_IO ? ": " : "",
		  reason == SEAL_IO ? strerror(errno) : "");
	return reason == SEAL_IO ? RC_SYS : RC_DENIED;
}

/* ---- quotes ---- */

static bool quote_path(char out[PATH_MAX], const struct custody *c,
		       const struct sha256 *id)
{
	char hex[65];

	hex_of(hex, id);
	return snprintf(out, PATH_MAX, "%s/%s.json", c->quotes, hex) < PATH_MAX;
}

enum rc custody_quote_now(struct custody *c, struct buf *out,
			  const uint8_t report_data[QUOTE_REPORT_DATA_LEN])
{
	AUTO(buf_fini)
	struct buf quote = { 0 };
	enum rc rc;

	buf_init(&quote, QUOTE_MAX);
	rc = quote_source_get(c->source, &quote, report_data);
	if (rc)
		return rc;
	return legacy_quote_write(
		out, &(struct legacy_quote){
			     .quote = buf_span(&quote),
			     .event_log = c->eventlog,
			     .report_data = span_of(report_data,
						    QUOTE_REPORT_DATA_LEN),
		     });
}

/* The quote over content of a kind, into its file, named by the id. */
static enum rc keep_quote(struct custody *c, const char *kind,
			  struct span content, const struct sha256 *id,
			  char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf reply = { 0 };
	uint8_t report_data[QUOTE_REPORT_DATA_LEN];
	char path[PATH_MAX];
	enum rc rc;

	buf_init(&reply, LEGACY_QUOTE_MAX);
	dotdstack_report_data(report_data, kind, content);
	rc = custody_quote_now(c, &reply, report_data);
	if (rc) {
		error_set(error, "no quote over a key: %s", rc_name(rc));
		return rc;
	}
	rc = RC_LIMIT;
	if (quote_path(path, c, id))
		rc = file_replace(path, buf_span(&reply), 0644);
	if (rc)
		error_set(error, "%s: %s", c->quotes, strerror(errno));
	return rc;
}

static bool get_quote(struct custody *c, struct buf *out,
		      const struct sha256 *id)
{
	char path[PATH_MAX];

	return quote_path(path, c, id) && file_read(out, path) == RC_OK;
}

bool custody_quote(struct custody *c, struct buf *out,
		   const struct sha256 *spki)
{
	return get_quote(c, out, spki);
}

/* ---- the history ---- */

static enum rc save_history(struct custody *c, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	enum seal_reason reason = SEAL_FULL;

	buf_init(&json, FORM_SECRET_MAX);
	if (!keybook_write(&json, &c->history))
		reason = seal_write(c->seal, "history", buf_span(&json));
	return reason ? failed(error, "key history", reason) : RC_OK;
}

static enum rc load_history(struct custody *c, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	enum seal_reason reason;

	buf_init(&json, FORM_SECRET_MAX);
	reason = seal_read(c->seal, "history", &json);
	if (reason == SEAL_ABSENT)
		return RC_OK;
	if (!reason && keybook_read(&c->history, buf_span(&json)))
		reason = (enum seal_reason)FORM_MALFORMED;
	return reason ? failed(error, "key history", reason) : RC_OK;
}

struct custody_key *custody_history(struct custody *c, struct arena *arena,
				    size_t *count)
{
	struct custody_key *keys;

	enter(c);
	keys = arena_new(arena, c->history.count + 1, sizeof(*keys));
	if (keys)
		memcpy(keys, c->history.keys,
		       c->history.count * sizeof(*keys));
	*count = keys ? c->history.count : 0;
	leave(c);
	return keys;
}

enum rc custody_open(struct custody **out, const struct custody_options *o,
		     char error[NODE_ERROR_MAX])
{
	struct custody *c = mem_new(sizeof(*c));
	enum rc rc = RC_OK;

	(void)pthread_mutex_init(&c->lock, NULL); /* cannot fail here */
	c->seal = o->seal;
	c->source = o->source;
	c->eventlog = o->eventlog;
	c->audit = o->audit;
	if (snprintf(c->quotes, sizeof(c->quotes), "%s/quotes", o->state) >=
		    (int)sizeof(c->quotes) ||
	    file_make_dirs(c->quotes, 0755)) {
		error_set(error, "%s/quotes: %s", o->state, strerror(errno));
		rc = RC_SYS;
	}
	if (!rc)
		rc = load_history(c, error);
	if (rc) {
		custody_close(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

void custody_close(struct custody *c)
{
	if (!c)
		return;
	(void)pthread_mutex_destroy(&c->lock); /* nobody holds it */
	free(c);
}

/* ---- certificate keys ---- */

static void audit_key(struct custody *c, const char *event,
		      const struct sha256 *spki, const char *use)
{
	char hex[65];

	hex_of(hex, spki);
	audit_event(c->audit, event, { "spki", span_str(hex) },
		    { "use", span_str(use) });
}

/* What a failure leaves is a file that nobody reads, or an entry that goes the
 * next time: nothing that ended a month ago is asked for. */
static void forget_old_keys(struct custody *c)
{
	char purpose[FORM_PURPOSE_MAX + 1], path[PATH_MAX];
	char error[NODE_ERROR_MAX] = "";
	struct custody_key old;

	while (keybook_drop(&c->history, &old, clock_unix_s())) {
		id_purpose(purpose, "key", &old.spki);
		(void)seal_forget(c->seal, purpose);
		if (quote_path(path, c, &old.spki))
			(void)unlink(path);
		audit_key(c, "key_forgotten", &old.spki, old.use);
		if (save_history(c, error))
			return;
	}
}

/* Quoted, logged, sealed; the history last, so that what it lists is there. */
static enum rc make_key(struct custody *c, struct p256_private **out,
			const char *use, char error[NODE_ERROR_MAX])
{
	struct p256_private *key = p256_private_generate();
	struct custody_key entry = { .made_at = clock_unix_s() };
	char purpose[FORM_PURPOSE_MAX + 1];
	uint8_t der[SPKI_LEN];
	enum seal_reason reason;
	enum rc rc;

	p256_private_point(key, &entry.point);
	spki_of(der, &entry.point);
	sha256_of(&entry.spki, SPAN_ARRAY(der));
	(void)snprintf(entry.use, sizeof(entry.use), "%s", use);
	rc = keep_quote(c, DOTDSTACK_CERT, SPAN_ARRAY(der), &entry.spki, error);
	if (!rc) {
		audit_key(c, "key_made", &entry.spki, use);
		id_purpose(purpose, "key", &entry.spki);
		reason = write_key(c, key, purpose);
		if (reason)
			rc = failed(error, "key", reason);
	}
	if (!rc && keybook_add(&c->history, &entry)) {
		error_set(error, "key history: full");
		rc = RC_LIMIT;
	}
	if (!rc)
		rc = save_history(c, error);
	if (!rc)
		*out = STEAL(key);
	p256_private_free(key);
	return rc;
}

static enum seal_reason key_of(struct custody *c, struct p256_private **out,
			       const struct sha256 *spki)
{
	char purpose[FORM_PURPOSE_MAX + 1];

	id_purpose(purpose, "key", spki);
	return read_key(c, out, purpose);
}

enum rc custody_key_new(struct custody *c, struct p256_private **out,
			const char *use, char error[NODE_ERROR_MAX])
{
	const struct custody_key *unused;
	enum rc rc = RC_OK;

	enter(c);
	unused = keybook_unused(&c->history, use);
	if (!unused || key_of(c, out, &unused->spki)) {
		forget_old_keys(c);
		rc = make_key(c, out, use, error);
	}
	leave(c);
	return rc;
}

enum seal_reason custody_key_by_spki(struct custody *c,
				     struct p256_private **out,
				     const struct sha256 *spki)
{
	enum seal_reason reason;

	enter(c);
	reason = key_of(c, out, spki);
	leave(c);
	return reason;
}

enum seal_reason custody_key_by_thumbprint(struct custody *c,
					   struct p256_private **out,
					   const char *thumbprint)
{
	enum seal_reason reason = SEAL_ABSENT;
	struct jws_thumbprint of;

	enter(c);
	for (size_t i = c->history.count; i-- > 0;) {
		jws_thumbprint(&of, &c->history.keys[i].point);
		if (strcmp(of.text, thumbprint) != 0)
			continue;
		reason = key_of(c, out, &c->history.keys[i].spki);
		break;
	}
	leave(c);
	return reason;
}

enum rc custody_issued(struct custody *c, const struct sha256 *spki,
		       const struct sha256 *tbs, int64_t not_after,
		       int64_t retire_at)
{
	char error[NODE_ERROR_MAX];
	enum rc rc;

	enter(c);
	rc = keybook_issued(&c->history, spki, tbs, not_after,
			    retire_at);
	if (!rc)
		rc = save_history(c, error);
	leave(c);
	return rc;
}

int64_t custody_begun_at(struct custody *c)
{
	int64_t at;

	enter(c);
	at = c->history.begun_at;
	leave(c);
	return at;
}

/* ---- accounts ---- */

static enum seal_reason get_account_key(struct custody *c,
					struct p256_private **out,
					const char *what, const char *directory)
{
	char purpose[FORM_PURPOSE_MAX + 1];
	enum seal_reason reason;

	custody_purpose(purpose, what, directory);
	enter(c);
	reason = read_key(c, out, purpose);
	leave(c);
	return reason;
}

enum seal_reason custody_account(struct custody *c, struct p256_private **out,
				 const char *directory)
{
	return get_account_key(c, out, "account", directory);
}

static enum rc new_account_key(struct custody *c, struct p256_private **out,
			       const char *purpose, const char *directory,
			       char error[NODE_ERROR_MAX])
{
	struct p256_private *key = p256_private_generate();
	enum seal_reason reason = write_key(c, key, purpose);

	if (reason) {
		p256_private_free(key);
		return failed(error, "account key", reason);
	}
	audit_event(c->audit, "account_key_made",
		    { "directory", span_str(directory) });
	*out = key;
	return RC_OK;
}

enum rc custody_account_new(struct custody *c, struct p256_private **out,
			    const char *directory, char error[NODE_ERROR_MAX])
{
	char purpose[FORM_PURPOSE_MAX + 1];
	struct p256_private *there = NULL;
	enum seal_reason reason;
	enum rc rc;

	custody_purpose(purpose, "account", directory);
	enter(c);
	reason = read_key(c, &there, purpose);
	p256_private_free(there);
	if (reason == SEAL_ABSENT)
		rc = new_account_key(c, out, purpose, directory, error);
	else
		rc = failed(error, "account key", reason);
	leave(c);
	return rc;
}

enum rc custody_forget_account(struct custody *c, const char *directory,
			       const char *state_purpose,
			       char error[NODE_ERROR_MAX])
{
	char purpose[FORM_PURPOSE_MAX + 1];
	enum seal_reason reason;

	custody_purpose(purpose, "account", directory);
	enter(c);
	reason = seal_remove(c->seal, state_purpose);
	if (!reason)
		reason = seal_remove(c->seal, purpose);
	leave(c);
	if (reason)
		return failed(error, "account", reason);
	audit_event(c->audit, "account_forgotten",
		    { "directory", span_str(directory) });
	return RC_OK;
}

enum rc custody_account_quote(struct custody *c, const char *url,
			      char error[NODE_ERROR_MAX])
{
	struct sha256 id;
	enum rc rc;

	sha256_of(&id, span_str(url));
	enter(c);
	rc = keep_quote(c, DOTDSTACK_ACCOUNT, span_str(url), &id, error);
	if (!rc)
		audit_event(c->audit, "account_quoted",
			    { "url", span_str(url) });
	leave(c);
	return rc;
}

bool custody_account_quote_get(struct custody *c, struct buf *out,
			       const char *url)
{
	struct sha256 id;

	sha256_of(&id, span_str(url));
	return get_quote(c, out, &id);
}

enum rc custody_account_next(struct custody *c, struct p256_private **out,
			     const char *directory,
			     char error[NODE_ERROR_MAX])
{
	char purpose[FORM_PURPOSE_MAX + 1];
	enum seal_reason reason;
	enum rc rc = RC_OK;

	custody_purpose(purpose, "account-next", directory);
	enter(c);
	reason = read_key(c, out, purpose);
	if (reason == SEAL_ABSENT)
		rc = new_account_key(c, out, purpose, directory, error);
	else if (reason)
		rc = failed(error, "account's next key", reason);
	leave(c);
	return rc;
}

enum seal_reason custody_account_next_get(struct custody *c,
					  struct p256_private **out,
					  const char *directory)
{
	return get_account_key(c, out, "account-next", directory);
}

enum rc custody_account_changed(struct custody *c, const char *directory)
{
	char purpose[FORM_PURPOSE_MAX + 1], next[FORM_PURPOSE_MAX + 1];
	struct p256_private *key = NULL;
	enum seal_reason reason;

	custody_purpose(purpose, "account", directory);
	custody_purpose(next, "account-next", directory);
	enter(c);
	reason = read_key(c, &key, next);
	if (!reason)
		reason = write_key(c, key, purpose);
	if (!reason)
		reason = seal_remove(c->seal, next);
	p256_private_free(key);
	leave(c);
	if (reason)
		return RC_SYS;
	audit_event(c->audit, "account_key_changed",
		    { "directory", span_str(directory) });
	return RC_OK;
}

/* ---- everything else under seal ---- */

enum seal_reason custody_put(struct custody *c, const char *purpose,
			     struct span content)
{
	enum seal_reason reason;

	enter(c);
	reason = seal_write(c->seal, purpose, content);
	leave(c);
	return reason;
}

enum seal_reason custody_get(struct custody *c, const char *purpose,
			     struct buf *out)
{
	enum seal_reason reason;

	enter(c);
	reason = seal_read(c->seal, purpose, out);
	leave(c);
	return reason;
}

uint64_t custody_generation(struct custody *c)
{
	uint64_t n;

	enter(c);
	n = seal_generation(c->seal);
	leave(c);
	return n;
}

bool custody_is_simulated(struct custody *c)
{
	return seal_is_simulated(c->seal) ||
	       quote_source_is_simulated(c->source);
}
