#include "resolve/validator.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>

#include "base/mem.h"
#include "dns/message.h"
#include "io/clock.h"

enum {
	LINE_MAX_LEN = 1024,
	SERVER_TEXT_MAX = INET6_ADDRSTRLEN + 8,
	DATE_MAX = 16,
	/* One message: its records, and copies of those that count. */
	SCRATCH_MAX = 1024 * 1024,
};

struct validator {
	struct ub_ctx *ub;
	unsigned timeout_ms;
};

void validator_free(struct validator *r)
{
	if (!r)
		return;
	ub_ctx_delete(r->ub);
	free(r);
}

void validator_fini(struct validator **r)
{
	validator_free(*r);
}

/* Start. */

static int set_options(struct ub_ctx *ub)
{
	static const char *const options[][2] = {
		{ "module-config:", "validator iterator" },
		{ "do-not-query-localhost:", "no" },
		{ "edns-buffer-size:", "1232" },
		{ "use-caps-for-id:", "no" },
		/* What a CA sees now is what counts. */
		{ "cache-max-ttl:", "60" },
		{ "cache-max-negative-ttl:", "60" },
		{ "val-bogus-ttl:", "5" },
		{ "infra-host-ttl:", "5" },
		{ "harden-glue:", "yes" },
		{ "harden-dnssec-stripped:", "yes" },
		{ "val-permissive-mode:", "no" },
		{ "qname-minimisation:", "yes" },
		{ "msg-cache-size:", "1m" },
		{ "rrset-cache-size:", "1m" },
		{ "key-cache-size:", "1m" },
	};
	size_t i;
	int error = 0;

	for (i = 0; i < sizeof(options) / sizeof(options[0]) && !error; i++)
		error = ub_ctx_set_option(ub, options[i][0], options[i][1]);
	return error;
}

/* "192.0.2.1@53", as libunbound wants it. */
static void server_text(char text[SERVER_TEXT_MAX], const struct sock_addr *a)
{
	char host[INET6_ADDRSTRLEN] = "";
	bool is_v6 = a->sa.sa_family == AF_INET6;
	const void *address = &a->in.sin_addr;

	if (is_v6)
		address = &a->in6.sin6_addr;
	(void)inet_ntop(a->sa.sa_family, address, host, sizeof(host));
	(void)snprintf(text, SERVER_TEXT_MAX, "%s@%u", host,
		       ntohs(is_v6 ? a->in6.sin6_port : a->in.sin_port));
}

static enum rc add_anchors(struct ub_ctx *ub, struct span text)
{
	struct span line;

	while (rd_until(&text, &line, '\n')) {
		char copy[LINE_MAX_LEN] = "";

		if (line.n == 0 || line.p[0] == ';')
			continue;
		if (line.n >= sizeof(copy))
			return RC_MALFORMED;
		memcpy(copy, line.p, line.n);
		if (ub_ctx_add_ta(ub, copy))
			return RC_MALFORMED;
	}
	return RC_OK;
}

static enum rc add_stub(struct ub_ctx *ub, const struct validator_stub *s)
{
	char text[SERVER_TEXT_MAX];
	size_t i;

	for (i = 0; i < s->server_count; i++) {
		server_text(text, &s->servers[i]);
		if (ub_ctx_set_stub(ub, s->zone, text, 0))
			return RC_MALFORMED;
	}
	return RC_OK;
}

static enum rc set_date(struct ub_ctx *ub, int64_t now)
{
	char text[DATE_MAX];

	if (now == 0)
		return RC_OK;
	/* A decimal number is a time in seconds, unbound.conf(5). */
	if (now < 0 || now > UINT32_MAX)
		return RC_MALFORMED;
	(void)snprintf(text, sizeof(text), "%u", (unsigned)now);
	return ub_ctx_set_option(ub, "val-override-date:", text) ? RC_SYS
								 : RC_OK;
}

/*
 * libunbound answers for some names of special use (test., home.arpa., ...)
 * itself, RFC 6761; a stub of ours is meant.  Its zone is taken away: one made
 * transparent would still answer, unsigned, for its top.  Last of all, since it
 * ends the set-up.
 */
static enum rc open_zone(struct ub_ctx *ub, const struct validator_stub *s)
{
	struct dns_name zone;
	char text[DNS_NAME_TEXT];

	if (dns_name_parse(&zone, span_str(s->zone)))
		return RC_MALFORMED;
	while (dns_name_labels(&zone)) {
		dns_name_text(text, &zone);
		if (ub_ctx_zone_remove(ub, text))
			return RC_SYS;
		if (!dns_name_parent(&zone, &zone))
			break;
	}
	return RC_OK;
}

/* Forwarders are asked of every name: what is behind them may have such. */
static enum rc open_special(struct ub_ctx *ub)
{
	static const char *const zones[] = { "test.", "localhost.",
					     "home.arpa." };
	size_t i;

	for (i = 0; i < sizeof(zones) / sizeof(*zones); i++)
		if (ub_ctx_zone_remove(ub, zones[i]))
			return RC_SYS;
	return RC_OK;
}

static enum rc set_up(struct ub_ctx *ub, const struct validator_config *config)
{
	char text[SERVER_TEXT_MAX];
	enum rc rc = RC_OK;
	size_t i;

	/* Its messages would go to standard error in a form of their own. */
	if (ub_ctx_debugout(ub, NULL) || set_options(ub))
		return RC_SYS;
	if (config->timeout_ms && ub_ctx_async(ub, 1))
		return RC_SYS;
	rc = set_date(ub, config->now);
	for (i = 0; i < config->forwarder_count && !rc; i++) {
		server_text(text, &config->forwarders[i]);
		rc = ub_ctx_set_fwd(ub, text) ? RC_SYS : RC_OK;
	}
	for (i = 0; i < config->stub_count && !rc; i++)
		rc = add_stub(ub, &config->stubs[i]);
	if (!rc)
		rc = add_anchors(ub, config->anchors);
	for (i = 0; i < config->stub_count && !rc; i++)
		rc = open_zone(ub, &config->stubs[i]);
	if (!rc && config->forwarder_count)
		rc = open_special(ub);
	return rc;
}

enum rc validator_new(struct validator **out,
		      const struct validator_config *config)
{
	struct ub_ctx *ub;
	enum rc rc;

	if (config->forwarder_count > VALIDATOR_SERVERS_MAX ||
	    config->stub_count > VALIDATOR_STUBS_MAX)
		return RC_LIMIT;
	ub = ub_ctx_create();
	if (!ub)
		return RC_SYS;
	rc = set_up(ub, config);
	if (rc) {
		ub_ctx_delete(ub);
		return rc;
	}
	*out = mem_new(sizeof(**out));
	(*out)->ub = ub;
	(*out)->timeout_ms = config->timeout_ms;
	return RC_OK;
}

/* Asking. */

/* A copy in the arena, which outlives libunbound's result. */
static bool keep(struct span *out, struct arena *arena, struct span from)
{
	char *copy = arena_dup(arena, from);

	*out = span_of(copy, from.n);
	return copy != NULL;
}

static enum rc keep_data(struct validator_answer *a, struct arena *arena,
			 const struct dns_found *found)
{
	struct span *kept = arena_new(arena, found->count + 1, sizeof(*kept));
	size_t i;

	if (!kept)
		return RC_LIMIT;
	for (i = 0; i < found->count; i++)
		if (!keep(&kept[i], arena, found->rdatas[i]))
			return RC_LIMIT;
	a->rdatas = kept;
	a->count = found->count;
	a->at = found->at;
	a->ttl_s = found->ttl;
	return RC_OK;
}

static enum rc fail(struct validator_answer *a, struct arena *arena,
		    enum dns_trust trust, const char *why)
{
	a->trust = trust;
	a->why = arena_dup(arena, span_str(why ? why : "no answer"));
	return a->why ? RC_OK : RC_LIMIT;
}

/*
 * libunbound's result holds data also when it is bogus, so that comes first;
 * and the packet is read by our own reader, since the result does not say where
 * aliases led when nothing is there.
 */
static enum rc read_result(struct validator_answer *a, struct arena *arena,
			   const struct ub_result *u,
			   const struct dns_name *name, unsigned type)
{
	struct arena scratch;
	struct dns_message m;
	struct dns_found found;
	enum rc rc;

	a->rcode = (unsigned)u->rcode;
	if (u->bogus)
		return fail(a, arena, DNS_BOGUS, u->why_bogus);
	if (u->rcode != DNS_NOERROR && u->rcode != DNS_NXDOMAIN)
		return fail(a, arena, DNS_FAILED, dns_rcode_name(a->rcode));
	arena_init(&scratch, SCRATCH_MAX);
	rc = dns_message_read(&m, &scratch,
			      span_of(u->answer_packet, (size_t)u->answer_len));
	if (!rc)
		rc = dns_message_find(&found, &scratch, &m, name,
				      (uint16_t)type);
	if (rc)
		rc = fail(a, arena, DNS_FAILED, "malformed answer");
	else
		rc = keep_data(a, arena, &found);
	if (!rc && !a->why) {
		a->trust = u->secure ? DNS_SECURE : DNS_INSECURE;
		a->why = "";
	}
	arena_fini(&scratch);
	return rc;
}

/* A look-up of libunbound's thread. */
struct waiting {
	bool is_done;
	int error;
	struct ub_result *result;
};

static void on_result(void *arg, int error, struct ub_result *result)
{
	struct waiting *w = arg;

	*w = (struct waiting){ true, error, result };
}

/* ub_resolve() with an end.  NULL, or what went wrong. */
static const char *resolve(struct ub_result **out, struct validator *r,
			   const char *name, unsigned type)
{
	struct waiting w = { 0 };
	uint64_t now = clock_boot_ms(), end = now + r->timeout_ms;
	int id, error;

	if (!r->timeout_ms) {
		error = ub_resolve(r->ub, name, (int)type, DNS_IN, out);
		return error ? ub_strerror(error) : NULL;
	}
	error = ub_resolve_async(r->ub, name, (int)type, DNS_IN, &w, on_result,
				 &id);
	while (!error && !w.is_done && now < end) {
		struct pollfd p = { .fd = ub_fd(r->ub), .events = POLLIN };

		(void)poll(&p, 1, (int)(end - now)); /* asked below */
		error = ub_process(r->ub);
		now = clock_boot_ms();
	}
	if (!error && !w.is_done) {
		(void)ub_cancel(r->ub, id); /* it never calls back */
		return "no answer in time";
	}
	*out = w.result;
	error = error ? error : w.error;
	return error ? ub_strerror(error) : NULL;
}

enum rc validator_ask(struct validator *r, struct validator_answer *out,
		      struct arena *arena, const struct dns_name *name,
		      unsigned type)
{
	struct validator_answer a = { .at = *name };
	struct ub_result *u = NULL;
	char text[DNS_NAME_TEXT];
	const char *error;
	enum rc rc;

	dns_name_text(text, name);
	error = resolve(&u, r, text, type);
	if (error)
		rc = fail(&a, arena, DNS_FAILED, error);
	else
		rc = read_result(&a, arena, u, name, type);
	ub_resolve_free(u);
	if (!rc)
		*out = a;
	return rc;
}
