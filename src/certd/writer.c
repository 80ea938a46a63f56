#include "certd/writer.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "dns/persist.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	SECRET_MAX = 1024,
	SEND_MS = 10'000,
	ARENA_MAX = 1024 * 1024,
	RDATA_MAX = 2048,
	SWAPS_MAX = 3,
};

static struct span trim(struct span s)
{
	while (s.n && s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

enum rc writer_open(struct writer *out, const struct config_dns *config,
		    struct vantage *v, char error[NODE_ERROR_MAX])
{
	const struct config_update *u = &config->update;
	const char *algorithm = u->algorithm ? u->algorithm : "hmac-sha256";
	AUTO(buf_wipe)
	struct buf secret = { 0 };
	struct writer w = { .config = config, .vantage = v };
	enum rc rc;

	w.has_update = u->server.len > 0;
	if (w.has_update) {
		buf_init(&secret, SECRET_MAX);
		rc = file_read(&secret, u->secret_file);
		if (rc) {
			error_set(error, "%s: %s", u->secret_file,
				  file_why(rc));
			return rc;
		}
		rc = tsig_key_read(&w.key, span_str(u->key),
				   span_str(algorithm),
				   trim(buf_span(&secret)));
		if (rc) {
			error_set(error, "dns.update: the key %s: %s", u->key,
				  rc_name(rc));
			return rc;
		}
	}
	*out = w;
	tsig_key_wipe(&w.key);
	return RC_OK;
}

void writer_close(struct writer *w)
{
	tsig_key_wipe(&w->key);
}

bool writer_may_write(const struct writer *w)
{
	return w->has_update;
}

static struct sender sender_of(const struct writer *w)
{
	return (struct sender){
		.primary = w->config->update.server,
		.key = &w->key,
		.timeout_ms = SEND_MS,
	};
}

static enum rc refused(const struct dns_name *name, enum rc rc,
		       const struct sender_result *r,
		       char error[NODE_ERROR_MAX])
{
	char text[DNS_NAME_TEXT];

	dns_name_text(text, name);
	error_set(error, "update of %s: %s, rcode %s, signature %s", text,
		  rc_name(rc), dns_rcode_name(r->rcode),
		  tsig_verdict_name(r->signature));
	return rc;
}

/* Who serves the name, past its aliases. */
static enum rc find(struct writer *w, struct authority *a,
		    const struct dns_name *name, char error[NODE_ERROR_MAX])
{
	char text[DNS_NAME_TEXT];
	enum rc rc = RC_DENIED;

	for (size_t i = 0; rc && i < w->vantage->count; i++)
		rc = authority_find(a, w->vantage->of[i], name,
				    (uint16_t)w->config->port);
	if (rc) {
		dns_name_text(text, name);
		error_set(error, "who serves %s cannot be found: %s", text,
			  rc_name(rc));
	}
	return rc;
}

static enum rc wait_for(struct writer *w, const struct authority *a,
			const struct authority_want *want,
			char error[NODE_ERROR_MAX])
{
	struct authority_report report;
	enum rc rc = authority_wait(&report, a, want,
				    (unsigned)w->config->propagation_ms);
	char text[DNS_NAME_TEXT];

	if (!rc)
		return RC_OK;
	dns_name_text(text, &a->target);
	for (size_t i = 0; i < a->count; i++) {
		char at[128] = "";
		struct wr wr = wr_over(at, sizeof(at) - 1);

		if (report.states[i] == AUTHORITY_AS_WANTED)
			continue;
		sock_addr_write(&wr, &a->servers[i].address);
		error_set(error, "%s at %s: %s, of %zu servers %zu are right",
			  text, at, authority_state_name(report.states[i]),
			  a->count, report.as_wanted);
		return rc;
	}
	error_set(error, "%s: %s", text, rc_name(rc));
	return rc;
}

/* ---- challenges ---- */

static enum rc proof_name(struct dns_name *out, const struct proof *p,
			  char error[NODE_ERROR_MAX])
{
	enum rc rc = dns_name_parse(out, span_str(p->where));

	if (rc)
		error_set(error, "%s: no name of a record", p->where);
	return rc;
}

static bool is_enough(const struct proof *p, struct span rdata)
{
	char text[PROOF_VALUE_MAX];
	struct wr w = WR_ARRAY(text);
	struct persist want, has;

	if (!dns_txt_join(&w, rdata) || w.over ||
	    persist_read(&has, wr_span(&w)) ||
	    persist_read(&want, span_str(p->value)))
		return false;
	for (size_t i = 0; i < p->issuer_count; i++) {
		const struct span issuer = span_str(p->issuer[i]);
		const struct caa_pin pin = {
			.issuers = &issuer,
			.issuer_count = 1,
			.account = want.account,
		};

		if (persist_permits(&has, &pin, want.is_wildcard,
				    clock_unix_s()))
			return true;
	}
	return false;
}

/* dns-persist-01: the owner's record, that nobody else can make. */
static enum rc look_for(struct writer *w, const struct proof *p,
			const struct dns_name *name,
			char error[NODE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena;
	struct validator_answer answer = { 0 };
	enum rc rc = RC_DENIED;

	arena_init(&arena, ARENA_MAX);
	for (size_t i = 0; i < w->vantage->count; i++) {
		rc = validator_ask(w->vantage->of[i], &answer, &arena, name,
				   DNS_TXT);
		if (rc)
			break;
		for (size_t k = 0; k < answer.count; k++)
			if (is_enough(p, answer.rdatas[k]))
				return RC_OK;
	}
	error_set(error, "there has to be: %s TXT \"%s\"", p->where, p->value);
	return rc ? rc : RC_DENIED;
}

static enum rc wait_for_txt(struct writer *w, const struct authority *a,
			    const struct proof *p, char error[NODE_ERROR_MAX])
{
	uint8_t rdata[RDATA_MAX];
	struct wr wr = WR_ARRAY(rdata);
	struct span value;

	dns_txt_write(&wr, span_str(p->value));
	value = wr_span(&wr);
	return wait_for(w, a,
			&(struct authority_want){
				.type = DNS_TXT,
				.present = &value,
				.present_count = 1,
			},
			error);
}

enum rc writer_show(struct writer *w, const struct proof *p,
		    char error[NODE_ERROR_MAX])
{
	const struct sender s = sender_of(w);
	struct sender_result result = { 0 };
	struct authority a;
	struct dns_name name;
	enum rc rc = proof_name(&name, p, error);

	if (rc)
		return rc;
	if (p->type == CHALLENGE_DNS_PERSIST_01)
		return look_for(w, p, &name, error);
	rc = find(w, &a, &name, error);
	if (rc)
		return rc;
	if (!w->has_update) {
		error_set(error, "nobody here may write: %s TXT \"%s\"",
			  p->where, p->value);
		return RC_DENIED;
	}
	rc = sender_txt_add(&result, &s, &a.zone, &a.target,
			    (uint32_t)w->config->ttl_s, span_str(p->value));
	if (rc)
		return refused(&a.target, rc, &result, error);
	return wait_for_txt(w, &a, p, error);
}

enum rc writer_see(struct writer *w, const struct proof *p,
		   char error[NODE_ERROR_MAX])
{
	struct authority a;
	struct dns_name name;
	enum rc rc = proof_name(&name, p, error);

	if (!rc)
		rc = find(w, &a, &name, error);
	return rc ? rc : wait_for_txt(w, &a, p, error);
}

enum rc writer_hide(struct writer *w, const struct proof *p,
		    char error[NODE_ERROR_MAX])
{
	const struct sender s = sender_of(w);
	struct sender_result result = { 0 };
	struct authority a;
	struct dns_name name;
	enum rc rc = proof_name(&name, p, error);

	if (rc || p->type == CHALLENGE_DNS_PERSIST_01 || !w->has_update)
		return rc;
	rc = find(w, &a, &name, error);
	if (rc)
		return rc;
	rc = sender_txt_remove(&result, &s, &a.zone, &a.target,
			       span_str(p->value));
	return rc ? refused(&a.target, rc, &result, error) : RC_OK;
}

/* ---- CAA ---- */

struct rdatas {
	uint8_t room[WANTED_MAX][RDATA_MAX];
	struct span of[WANTED_MAX];
	size_t count;
};

static void write_rdatas(struct rdatas *out, const struct wanted *wanted)
{
	out->count = wanted->count;
	for (size_t i = 0; i < wanted->count; i++) {
		struct wr w = WR_ARRAY(out->room[i]);

		wanted_rdata(&w, &wanted->items[i]);
		out->of[i] = wr_span(&w);
	}
}

static bool is_same(const struct rdatas *want,
		    const struct validator_answer *is)
{
	size_t found = 0;

	for (size_t i = 0; i < want->count; i++)
		for (size_t k = 0; k < is->count; k++)
			if (span_equal(want->of[i], is->rdatas[k])) {
				found++;
				break;
			}
	return found == want->count && is->count == want->count;
}

/* What stands there now, asked of the zone's own servers. */
static enum rc served(struct writer *w, struct validator_answer *out,
		      struct arena *arena, const struct authority *a,
		      char error[NODE_ERROR_MAX])
{
	AUTO(validator_fini)
	struct validator *direct = NULL;
	enum rc rc = vantage_direct(w->vantage, &direct, a);

	if (!rc)
		rc = validator_ask(direct, out, arena, &a->target, DNS_CAA);
	if (!rc && (out->trust == DNS_FAILED || out->trust == DNS_BOGUS))
		rc = RC_DENIED;
	if (rc)
		error_set(error, "the CAA set cannot be read: %s",
			  out->why && out->why[0] ? out->why : rc_name(rc));
	return rc;
}

static enum rc swap(struct writer *w, const struct authority *a,
		    const struct rdatas *want, bool *changed,
		    char error[NODE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena;
	const struct sender s = sender_of(w);
	struct sender_result result = { 0 };
	struct validator_answer is = { 0 };
	enum rc rc;

	arena_init(&arena, ARENA_MAX);
	rc = served(w, &is, &arena, a, error);
	if (rc || is_same(want, &is))
		return rc;
	if (!w->has_update) {
		error_set(error, "nobody here may write it");
		return RC_DENIED;
	}
	rc = sender_caa_swap(&result, &s, &a->zone, &a->target,
			     (uint32_t)w->config->ttl_s, is.rdatas, is.count,
			     want->of, want->count);
	*changed = *changed || !rc;
	return rc ? refused(&a->target, rc, &result, error) : RC_OK;
}

enum rc writer_caa(struct writer *w, const struct dns_name *name,
		   const struct wanted *wanted, bool *changed,
		   char error[NODE_ERROR_MAX])
{
	AUTO(mem_auto_free)
	struct rdatas *want = mem_new(sizeof(*want));
	struct authority a;
	enum rc rc = find(w, &a, name, error);
	unsigned tries = 0;

	*changed = false;
	if (rc)
		return rc;
	write_rdatas(want, wanted);
	do
		rc = swap(w, &a, want, changed, error);
	while (rc == RC_STALE && ++tries < SWAPS_MAX);
	if (rc)
		return rc;
	return wait_for(w, &a,
			&(struct authority_want){
				.type = DNS_CAA,
				.present = want->of,
				.present_count = want->count,
				.exactly = true,
			},
			error);
}
