#include "edge/resolver.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unbound.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	LINE_MAX_LEN = 1024,
	SERVER_MAX = INET6_ADDRSTRLEN + 8,
	/* RFC 1035 §3.2.2, §3.2.4, §4.1.1 */
	TYPE_TXT = 16,
	CLASS_IN = 1,
	RCODE_NOERROR = 0,
	RCODE_NXDOMAIN = 3,
};

struct query {
	struct query *next;
	struct resolver *resolver;
	uint64_t question;
	int id; /* libunbound's */
};

struct resolver {
	struct edge_dns config;
	struct sock_addr servers[EDGE_DNS_SERVERS_MAX];
	struct loop *loop;
	resolver_fn *fn;
	void *arg;
	struct buf anchors;
	struct ub_ctx *ub; /* NULL: not started */
	struct loop_watch watch;
	struct query *queries;
};

static void copy_servers(struct resolver *r)
{
	const struct sock_addr *from = r->config.servers.items;
	size_t i;

	assert(r->config.servers.count <= EDGE_DNS_SERVERS_MAX);
	for (i = 0; i < r->config.servers.count; i++)
		r->servers[i] = from[i];
	r->config.servers.items = r->servers;
}

static void keep_anchors(struct resolver *r, struct span anchors)
{
	buf_fini(&r->anchors);
	buf_init(&r->anchors, anchors.n);
	(void)!buf_add(&r->anchors, anchors); /* it has that room */
}

struct resolver *resolver_new(struct loop *loop, const struct edge_dns *config,
			      struct span anchors, resolver_fn *fn, void *arg)
{
	struct resolver *r = mem_new(sizeof(*r));

	*r = (struct resolver){
		.config = *config,
		.loop = loop,
		.fn = fn,
		.arg = arg,
	};
	copy_servers(r);
	keep_anchors(r, anchors);
	return r;
}

static void stop(struct resolver *r)
{
	if (!r->ub)
		return;
	loop_watch_del(r->loop, &r->watch);
	ub_ctx_delete(r->ub);
	r->ub = NULL;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	stop(r);
	while (r->queries) {
		struct query *q = r->queries;

		r->queries = q->next;
		free(q);
	}
	buf_fini(&r->anchors);
	free(r);
}

static struct query **find(struct resolver *r, uint64_t question)
{
	struct query **at = &r->queries;

	while (*at && (*at)->question != question)
		at = &(*at)->next;
	return at;
}

/* Results. */

static enum domains_outcome outcome_of(const struct resolver *r, int error,
				       const struct ub_result *u)
{
	if (error)
		return DOMAINS_UNKNOWN;
	if (u->bogus || (r->config.require_dnssec && !u->secure))
		return DOMAINS_NOT_SECURE;
	if (u->rcode != RCODE_NOERROR && u->rcode != RCODE_NXDOMAIN)
		return DOMAINS_UNKNOWN;
	return u->havedata ? DOMAINS_RECORDS : DOMAINS_NOTHING;
}

static void read_records(struct domains_result *out, const struct ub_result *u)
{
	for (; u->data[out->count]; out->count++)
		if (out->count < DOMAINS_RECORDS_MAX)
			out->records[out->count] =
				span_of(u->data[out->count],
					(size_t)u->len[out->count]);
}

static void on_answer(void *arg, int error, struct ub_result *u)
{
	struct query *q = arg;
	struct resolver *r = q->resolver;
	uint64_t question = q->question;
	struct domains_result result = { .outcome = outcome_of(r, error, u) };

	*find(r, question) = q->next;
	free(q);
	if (!error && u->ttl > 0)
		result.ttl_s = (uint32_t)u->ttl;
	if (result.outcome == DOMAINS_RECORDS)
		read_records(&result, u);
	r->fn(r->arg, question, &result);
	ub_resolve_free(u);
}

/* Its thread is gone: what is open has failed, and the next question starts
 * another one. */
static void fail_all(struct resolver *r)
{
	const struct domains_result failed = { .outcome = DOMAINS_UNKNOWN };
	struct query *q;

	stop(r);
	while ((q = r->queries)) {
		uint64_t question = q->question;

		r->queries = q->next;
		free(q);
		r->fn(r->arg, question, &failed);
	}
}

void resolver_trust(struct resolver *r, struct span anchors)
{
	if (span_equal(buf_span(&r->anchors), anchors))
		return;
	keep_anchors(r, anchors);
	fail_all(r);
}

static void on_ready(void *arg, uint32_t events)
{
	struct resolver *r = arg;

	(void)events;
	if (ub_process(r->ub) != 0)
		fail_all(r);
}

/* Start. */

/*
 * What it keeps itself counts, too, for how long a target may live: an answer
 * out of its cache in the last moment is kept for DOMAINS_TTL_MIN_MS once more,
 * and it counts whole seconds.
 */
static int set_ttl_max(struct ub_ctx *ub, const struct edge_dns *config)
{
	uint64_t again_ms = DOMAINS_TTL_MIN_MS + 1000, ms = config->ttl_max;
	char seconds[32];

	ms = ms > again_ms ? ms - again_ms : 0;
	(void)snprintf(seconds, sizeof(seconds), "%llu",
		       (unsigned long long)ms / 1000);
	return ub_ctx_set_option(ub, "cache-max-ttl:", seconds);
}

/* Bounds of its own memory; what is kept for long is kept by domains. */
static int set_options(struct ub_ctx *ub)
{
	static const char *const options[][2] = {
		{ "msg-cache-size:", "1m" },
		{ "rrset-cache-size:", "1m" },
		{ "key-cache-size:", "1m" },
		{ "neg-cache-size:", "1m" },
		{ "cache-max-negative-ttl:", "60" },
		{ "use-caps-for-id:", "yes" },
		{ "do-not-query-localhost:", "no" },
		{ "num-queries-per-thread:", "512" },
		{ "edns-buffer-size:", "1232" },
	};
	size_t i;
	int error = 0;

	for (i = 0; i < sizeof(options) / sizeof(options[0]) && !error; i++)
		error = ub_ctx_set_option(ub, options[i][0], options[i][1]);
	return error;
}

static int add_server(struct ub_ctx *ub, const struct sock_addr *a)
{
	char host[INET6_ADDRSTRLEN] = "", text[SERVER_MAX];
	bool is_v6 = a->sa.sa_family == AF_INET6;
	const void *address = &a->in.sin_addr;

	if (is_v6)
		address = &a->in6.sin6_addr;
	(void)inet_ntop(a->sa.sa_family, address, host, sizeof(host));
	(void)snprintf(text, sizeof(text), "%s@%u", host,
		       ntohs(is_v6 ? a->in6.sin6_port : a->in.sin_port));
	return ub_ctx_set_fwd(ub, text);
}

static int add_anchors(struct ub_ctx *ub, struct span text)
{
	struct span line;
	int error = 0;

	while (!error && rd_until(&text, &line, '\n')) {
		char copy[LINE_MAX_LEN] = "";

		if (line.n == 0 || line.p[0] == ';')
			continue;
		if (line.n >= sizeof(copy))
			return -1;
		memcpy(copy, line.p, line.n);
		error = ub_ctx_add_ta(ub, copy);
	}
	return error;
}

static bool start(struct resolver *r)
{
	const struct sock_addr *servers = r->config.servers.items;
	struct ub_ctx *ub = ub_ctx_create();
	size_t i;
	int error;

	if (!ub)
		return false;
	/* Its messages would go to standard error in a form of their own. */
	error = ub_ctx_debugout(ub, NULL);
	if (!error)
		error = set_options(ub);
	if (!error)
		error = set_ttl_max(ub, &r->config);
	for (i = 0; i < r->config.servers.count && !error; i++)
		error = add_server(ub, &servers[i]);
	if (!error)
		error = add_anchors(ub, buf_span(&r->anchors));
	if (!error)
		error = ub_ctx_async(ub, 1); /* a thread, no process */
	if (error || loop_watch_add(r->loop, &r->watch, ub_fd(ub), EPOLLIN,
				    on_ready, r)) {
		ub_ctx_delete(ub);
		return false;
	}
	r->ub = ub;
	return true;
}

bool resolver_ask(void *arg, uint64_t question, const char *name)
{
	struct resolver *r = arg;
	struct query *q;

	if (!r->ub && !start(r))
		return false;
	q = mem_new(sizeof(*q));
	*q = (struct query){ .resolver = r, .question = question };
	if (ub_resolve_async(r->ub, name, TYPE_TXT, CLASS_IN, q, on_answer,
			     &q->id)) {
		free(q);
		return false;
	}
	q->next = r->queries;
	r->queries = q;
	return true;
}

void resolver_drop(void *arg, uint64_t question)
{
	struct resolver *r = arg;
	struct query **at = find(r, question), *q = *at;

	if (!q)
		return;
	*at = q->next;
	/* No such query: it is answered, and the answer on its way here. */
	if (r->ub)
		(void)ub_cancel(r->ub, q->id);
	free(q);
}
