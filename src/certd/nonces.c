#include "certd/nonces.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "channel/batch.h"
#include "evidence/attest.h"

struct nonces {
	struct nonces_options o;
	struct batch *batch;
	struct nonces_counts counts;
	atomic_uint_fast64_t quotes; /* the batch's thread counts */
};

/* One verifier. */
struct waiter {
	struct nonces *nonces;
	struct http_answer *answer;
	struct batch_wait wait;
	struct sha256 core;
	struct attest_nonce nonce;
};

static enum rc make_quote(void *arg, struct buf *out,
			  const uint8_t report_data[])
{
	struct nonces *n = arg;

	atomic_fetch_add(&n->quotes, 1);
	return quote_source_get(n->o.source, out, report_data);
}

enum rc nonces_new(struct nonces **out, const struct nonces_options *o)
{
	struct nonces *n = mem_new(sizeof(*n));
	enum rc rc;

	n->o = *o;
	rc = batch_new(&n->batch, o->loop, make_quote, n);
	if (rc) {
		free(n);
		return rc;
	}
	batch_set_interval(n->batch, NONCES_INTERVAL_MS);
	*out = n;
	return RC_OK;
}

void nonces_free(struct nonces *n)
{
	if (!n)
		return;
	batch_free(n->batch);
	free(n);
}

struct nonces_counts nonces_counts(const struct nonces *n)
{
	struct nonces_counts counts = n->counts;

	counts.quotes = atomic_load(&n->quotes);
	return counts;
}

/* ---- answers ---- */

static void say(struct http_answer *out, unsigned status, const char *json)
{
	out->status = status;
	buf_reset(&out->body);
	(void)buf_add(&out->body, span_str(json)); /* it is short */
}

static void on_gone(void *arg)
{
	struct waiter *w = arg;

	batch_cancel(w->nonces->batch, &w->wait);
	w->nonces->counts.waiting--;
	free(w);
}

static void on_quote(void *arg, enum rc rc, struct span quote,
		     uint64_t leaf_index, uint64_t leaf_count,
		     const struct merkle_hash *path, size_t path_count)
{
	struct waiter *w = arg;
	struct nonces *n = w->nonces;
	struct attest_answer a = {
		.core = w->core,
		.nonce = w->nonce,
		.index = leaf_index,
		.count = leaf_count,
		.path_count = path_count,
		.quote = quote,
		.event_log = n->o.eventlog,
	};

	memcpy(a.path, path, path_count * sizeof(*path));
	if (!rc)
		rc = attest_answer_write(&w->answer->body, &a);
	if (rc) {
		say(w->answer, 500, "{\"error\":\"no_quote\"}\n");
		n->counts.failed++;
	} else {
		n->counts.answered++;
	}
	http_answer_send(w->answer);
	n->counts.waiting--;
	free(w);
}

/* ---- questions ---- */

/* What the edge says of the connection.  Its rule is what a client is told. */
static const char *read_fields(uint8_t exporter[ATTEST_EXPORTER_LEN],
			       const struct http_request *r)
{
	const char *name = http_request_field(r, "Postern-Name");
	const char *hex = http_request_field(r, "Postern-Exporter");

	if (!name || !name[0])
		return "Postern-Name: the edge says the TLS name";
	if (!hex || !hex[0])
		return "RFC 9266: no tls-exporter; take TLS 1.3";
	if (strlen(hex) != (size_t)2 * ATTEST_EXPORTER_LEN ||
	    !text_hex_decode(exporter, ATTEST_EXPORTER_LEN, span_str(hex)))
		return "RFC 9266: tls-exporter is 32 bytes";
	return NULL;
}

static void refuse(struct nonces *n, struct http_answer *out, const char *rule)
{
	n->counts.refused++;
	say(out, 400, "{\"error\":\"bad_request\",\"rule\":\"");
	(void)buf_add(&out->body, span_str(rule)); /* it is short */
	(void)buf_add(&out->body, span_str("\"}\n"));
}

static void come_again(struct nonces *n, struct http_answer *out,
		       const char *json)
{
	n->counts.busy++;
	say(out, 503, json);
	out->retry_after_s = 1;
}

void nonces_ask(struct nonces *n, const struct http_request *r,
		struct http_answer *out)
{
	uint8_t exporter[ATTEST_EXPORTER_LEN];
	struct attest_nonce nonce;
	struct sha256 core;
	struct sha512 binder;
	struct waiter *w;
	const char *rule = read_fields(exporter, r);

	if (rule) {
		refuse(n, out, rule);
		return;
	}
	if (attest_request_read(&nonce, r->body)) {
		refuse(n, out, "{nonce}: base64url of 32..64 bytes");
		return;
	}
	if (!shelf_core(n->o.shelf, &core)) {
		come_again(n, out, "{\"error\":\"no_evidence\"}\n");
		return;
	}
	if (n->counts.waiting >= NONCES_MAX) {
		come_again(n, out, "{\"error\":\"busy\"}\n");
		return;
	}
	attest_binder(&binder, &core, exporter, &nonce);
	w = mem_new(sizeof(*w));
	w->nonces = n;
	w->core = core;
	w->nonce = nonce;
	w->answer = http_answer_later(r, on_gone, w);
	n->counts.waiting++;
	batch_ask(n->batch, &w->wait, &binder, on_quote, w);
}
