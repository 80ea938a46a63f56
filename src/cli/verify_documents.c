#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/fmt.h"
#include "cli/verify_conn.h"
#include "cli/verify_gather.h"
#include "crypto/rng.h"
#include "evidence/dotdstack.h"

enum {
	INDEX_MAX = 4096,
};

void verify_miss(const char *what, const char *why)
{
	fprintf(stderr, "postern verify: %s: %s\n", what, why);
}

/* One visit.  Servers that close after each answer (dstack's do) are visited
 * again, and have to show the same certificate. */
struct visit {
	struct arena *arena;
	struct gathered *out;
	struct conn_target target;
	struct verify_conn *conn; /* NULL: to be made */
	bool is_dead; /* no use in going on */
};

/* The host in an absolute redirect; the rest is of the host itself. */
static struct span host_of(struct span location)
{
	struct span host;

	if (span_has_prefix(location, span_str("https://")))
		(void)rd_skip(&location, 8);
	else if (span_has_prefix(location, span_str("http://")))
		(void)rd_skip(&location, 7);
	else
		return span_of(NULL, 0);
	return rd_until(&location, &host, '/') ? host : span_of(NULL, 0);
}

static void note_redirect(struct visit *v, const struct conn_answer *answer)
{
	struct span host = host_of(answer->location);

	if (answer->status >= 300 && answer->status < 400 && host.n &&
	    !span_equal(host, v->out->host))
		v->out->tls.redirect = host;
}

/* The session that the last document came over is the one that counts. */
static bool connect_again(struct visit *v, char error[CONN_ERROR_MAX])
{
	struct material_tls tls, *old = &v->out->tls;

	if (!verify_conn_open(&v->conn, &tls, v->arena, &v->target, error))
		return false;
	tls.redirect = old->redirect;
	if (old->is_there && old->chain_count && tls.chain_count &&
	    !span_equal(old->chain[0], tls.chain[0])) {
		(void)snprintf(error, CONN_ERROR_MAX,
			       "another certificate than a moment ago");
		return false;
	}
	*old = tls;
	return true;
}

static bool ask_once(struct conn_answer *answer, struct visit *v,
		     const char *path, struct span body, size_t max,
		     char error[CONN_ERROR_MAX])
{
	if (!v->conn && !connect_again(v, error)) {
		v->is_dead = true;
		return false;
	}
	if (verify_conn_ask(answer, v->conn, v->arena, path, body, max, error))
		return true;
	verify_conn_free(v->conn);
	v->conn = NULL;
	return false;
}

/* The body of a 200; empty otherwise. */
static struct span fetch_ok(struct visit *v, const char *path, struct span body,
			    size_t max)
{
	char error[CONN_ERROR_MAX];
	struct conn_answer answer;
	/* A connection that was used may have been closed since. */
	bool is_used = v->conn != NULL;

	if (v->is_dead)
		return span_of(NULL, 0);
	if (!ask_once(&answer, v, path, body, max, error) &&
	    (!is_used || v->is_dead ||
	     !ask_once(&answer, v, path, body, max, error))) {
		verify_miss(path, error);
		return span_of(NULL, 0);
	}
	note_redirect(v, &answer);
	return answer.status == 200 ? answer.body : span_of(NULL, 0);
}

static void ask_fresh(struct visit *v)
{
	struct attest_nonce *nonce = &v->out->nonce;
	struct buf body;

	nonce->n = ATTEST_NONCE_MIN;
	rng_bytes(nonce->b, nonce->n);
	buf_init(&body, ATTEST_REQUEST_MAX);
	if (attest_request_write(&body, nonce) == RC_OK)
		v->out->answer = fetch_ok(v, ATTEST_PATH, buf_span(&body),
					  ATTEST_ANSWER_MAX);
	buf_fini(&body);
}

static void add_file(struct visit *v, struct span name, size_t max)
{
	struct bundle_items *files = &v->out->files;
	const char *path = fmt(v->arena, "/evidences/%.*s", (int)name.n,
			       (const char *)name.p);
	struct span bytes = fetch_ok(v, path, span_of(NULL, 0), max);

	if (bytes.n && files->count < BUNDLE_ITEMS_MAX)
		files->item[files->count++] =
			(struct bundle_item){ name, bytes };
}

/* It begins with a hash: a page of HTML does not, a bad list does. */
static bool is_list(struct span text)
{
	uint8_t hash[32];

	return text.n > 64 &&
	       text_hex_decode(hash, sizeof(hash), span_of(text.p, 64));
}

/* The files that the list names, once it is one. */
static void get_files(struct visit *v)
{
	struct legacy_sums sums;
	struct span list;

	add_file(v, span_str(LEGACY_SUMS), LEGACY_SUMS_MAX);
	if (!v->out->files.count || !is_list(v->out->files.item[0].bytes)) {
		v->out->files.count = 0;
		return;
	}
	list = v->out->files.item[0].bytes;
	add_file(v, span_str(LEGACY_QUOTE), LEGACY_QUOTE_MAX);
	if (legacy_sums_read(&sums, list)) {
		add_file(v, span_str(LEGACY_ACCOUNT), LEGACY_ACCOUNT_MAX);
		return;
	}
	for (size_t i = 0; i < sums.count; i++)
		add_file(v, sums.files[i].name, LEGACY_CHAIN_MAX);
}

static void get_gateway(struct visit *v)
{
	struct span none = { 0 },
		    index = fetch_ok(v, "/.dstack/index", none, INDEX_MAX);

	if (dotdstack_index_is(index))
		v->out->acme_info = fetch_ok(v, "/.dstack/acme-info", none,
					     DOTDSTACK_MAX);
}

/* Many servers answer any path with a page of theirs. */
static bool is_object(struct span text)
{
	return text.n && text.p[0] == '{';
}

static void get_all(struct visit *v)
{
	struct span none = { 0 },
		    text = fetch_ok(v, BUNDLE_PATH, none, CMW_MAX);

	if (is_object(text))
		v->out->bundle = text;
	if (v->out->bundle.n)
		ask_fresh(v);
	else
		get_files(v);
	if (!v->out->bundle.n && !v->out->files.count)
		get_gateway(v);
}

void verify_gather_documents(struct gathered *out, struct arena *arena,
			     const struct verify_options *o)
{
	struct visit v = { .arena = arena,
			   .out = out,
			   .target = { o->host, o->port, o->connect,
				       o->give_up_at_ms } };

	if (o->is_http) {
		out->tls.is_plain = true;
		return;
	}
	get_all(&v);
	verify_conn_free(v.conn);
}
