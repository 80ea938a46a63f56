#include "resolve/authority.h"

#include <string.h>
#include <time.h>

#include "io/clock.h"
#include "resolve/query.h"

enum {
	SCRATCH_MAX = 2 * 1024 * 1024,
	ASK_MS = 3000,
	PAUSE_MS = 500, /* between looks, growing */
	PAUSE_MAX_MS = 5000,
};

const char *authority_state_name(enum authority_state s)
{
	static const char *const names[] = {
		[AUTHORITY_AS_WANTED] = "as_wanted",
		[AUTHORITY_MISSING] = "missing",
		[AUTHORITY_STALE] = "stale",
		[AUTHORITY_SILENT] = "silent",
		[AUTHORITY_ERROR] = "error",
	};

	return names[s];
}

/* Finding them. */

struct finding {
	struct authority *a;
	struct validator *r;
	struct arena *arena;
	uint16_t port;
};

/* One look-up whose failure ends the search; lowers what is trusted. */
static enum rc look(struct finding *f, struct validator_answer *out,
		    const struct dns_name *name, unsigned type)
{
	enum rc rc = validator_ask(f->r, out, f->arena, name, type);

	if (rc)
		return rc;
	if (out->trust < f->a->trust)
		f->a->trust = out->trust;
	return out->trust <= DNS_BOGUS ? RC_DENIED : RC_OK;
}

static enum rc name_of(struct dns_name *out, struct span rdata)
{
	if (!dns_name_read_plain(out, &rdata) || !rd_end(&rdata))
		return RC_MALFORMED;
	return RC_OK;
}

static enum rc follow_aliases(struct finding *f)
{
	struct validator_answer answer;
	enum rc rc;
	int i;

	for (i = 0; i < AUTHORITY_ALIASES_MAX; i++) {
		rc = look(f, &answer, &f->a->target, DNS_CNAME);
		if (rc || answer.count == 0)
			return rc;
		rc = name_of(&f->a->target, answer.rdatas[0]);
		if (rc)
			return rc;
	}
	return RC_LIMIT;
}

static uint32_t last_number(struct span soa)
{
	uint32_t v = 0;

	if (rd_skip(&soa, soa.n - sizeof(v)))
		(void)rd_be32(&soa, &v);
	return v;
}

/* The nearest name at or above the target with a SOA record: RFC 1034 §4.2. */
static enum rc find_zone(struct finding *f)
{
	struct dns_name at = f->a->target;
	struct validator_answer answer;
	enum rc rc;

	for (;;) {
		rc = look(f, &answer, &at, DNS_SOA);
		if (rc)
			return rc;
		if (answer.count && dns_name_equal(&answer.at, &at))
			break;
		if (!dns_name_parent(&at, &at) || dns_name_labels(&at) == 0)
			return RC_DENIED;
	}
	f->a->zone = at;
	f->a->negative_ttl_s = last_number(answer.rdatas[0]);
	if (answer.ttl_s < f->a->negative_ttl_s)
		f->a->negative_ttl_s = answer.ttl_s;
	return RC_OK;
}

static void set_address(struct sock_addr *out, struct span rdata, uint16_t port)
{
	struct sock_addr a = { 0 };

	if (rdata.n == sizeof(a.in.sin_addr)) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		memcpy(&a.in.sin_addr, rdata.p, rdata.n);
		a.len = sizeof(a.in);
	} else {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(port);
		memcpy(&a.in6.sin6_addr, rdata.p, rdata.n);
		a.len = sizeof(a.in6);
	}
	*out = a;
}

static enum rc add_addresses(struct finding *f, const struct dns_name *server,
			     unsigned type, size_t rdata_len)
{
	struct validator_answer answer;
	enum rc rc = validator_ask(f->r, &answer, f->arena, server, type);
	size_t i;

	if (rc || answer.trust <= DNS_BOGUS)
		return rc;
	for (i = 0; i < answer.count; i++) {
		struct authority_server *s = &f->a->servers[f->a->count];

		if (f->a->count == AUTHORITY_SERVERS_MAX)
			return RC_LIMIT;
		if (answer.rdatas[i].n != rdata_len)
			continue;
		s->name = *server;
		set_address(&s->address, answer.rdatas[i], f->port);
		f->a->count++;
	}
	return RC_OK;
}

static enum rc find_servers(struct finding *f)
{
	struct validator_answer ns;
	enum rc rc = look(f, &ns, &f->a->zone, DNS_NS);
	size_t i;

	for (i = 0; !rc && i < ns.count; i++) {
		size_t before = f->a->count;
		struct dns_name server;

		rc = name_of(&server, ns.rdatas[i]);
		if (!rc)
			rc = add_addresses(f, &server, DNS_A,
					   sizeof(struct in_addr));
		if (!rc)
			rc = add_addresses(f, &server, DNS_AAAA,
					   sizeof(struct in6_addr));
		if (f->a->count == before)
			f->a->unresolved++;
	}
	if (!rc && f->a->count == 0)
		rc = RC_DENIED;
	return rc;
}

enum rc authority_find(struct authority *out, struct validator *r,
		       const struct dns_name *name, uint16_t port)
{
	struct authority a = { .target = *name, .trust = DNS_SECURE };
	struct arena scratch;
	struct finding f = { &a, r, &scratch, port };
	enum rc rc;

	arena_init(&scratch, SCRATCH_MAX);
	rc = follow_aliases(&f);
	if (!rc)
		rc = find_zone(&f);
	if (!rc)
		rc = find_servers(&f);
	arena_fini(&scratch);
	if (!rc)
		*out = a;
	return rc;
}

/* Asking them. */

static bool has(const struct span *values, size_t count, struct span one)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (span_equal(values[i], one))
			return true;
	return false;
}

static enum authority_state compare(const struct dns_found *found,
				    const struct authority_want *want)
{
	size_t i;

	for (i = 0; i < found->count; i++) {
		struct span one = found->rdatas[i];

		if (has(want->absent, want->absent_count, one) ||
		    (want->exactly &&
		     !has(want->present, want->present_count, one)))
			return AUTHORITY_STALE;
	}
	for (i = 0; i < want->present_count; i++)
		if (!has(found->rdatas, found->count, want->present[i]))
			return AUTHORITY_MISSING;
	return AUTHORITY_AS_WANTED;
}

static enum authority_state ask_one(uint8_t *rcode, const struct authority *a,
				    const struct authority_server *server,
				    const struct authority_want *want,
				    struct arena *scratch, unsigned timeout_ms)
{
	const struct dns_ask ask = { .wants_recursion = false };
	struct dns_message m;
	struct dns_found found;

	if (query_ask(&m, scratch, &server->address, &ask, &a->target,
		      (uint16_t)want->type, timeout_ms))
		return AUTHORITY_SILENT;
	*rcode = (uint8_t)m.rcode;
	if ((m.rcode != DNS_NOERROR && m.rcode != DNS_NXDOMAIN) ||
	    !(m.flags & DNS_FLAG_AA) ||
	    dns_message_find(&found, scratch, &m, &a->target,
			     (uint16_t)want->type) ||
	    found.is_alias)
		return AUTHORITY_ERROR;
	return compare(&found, want);
}

void authority_check(struct authority_report *out, const struct authority *a,
		     const struct authority_want *want, unsigned timeout_ms)
{
	struct authority_report report = { 0 };
	size_t i;

	for (i = 0; i < a->count; i++) {
		struct arena scratch;

		arena_init(&scratch, SCRATCH_MAX);
		report.states[i] =
			ask_one(&report.rcodes[i], a, &a->servers[i], want,
				&scratch, timeout_ms);
		arena_fini(&scratch);
		if (report.states[i] == AUTHORITY_AS_WANTED)
			report.as_wanted++;
	}
	*out = report;
}

static void pause_for(unsigned ms)
{
	const struct timespec t = { .tv_sec = ms / 1000,
				    .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL); /* early is no harm */
}

enum rc authority_wait(struct authority_report *out, const struct authority *a,
		       const struct authority_want *want, unsigned wait_ms)
{
	uint64_t until_ms = clock_boot_ms() + wait_ms;
	unsigned pause_ms = PAUSE_MS;

	for (;;) {
		authority_check(out, a, want, ASK_MS);
		if (out->as_wanted == a->count)
			return RC_OK;
		if (clock_boot_ms() + pause_ms > until_ms)
			return RC_LIMIT;
		pause_for(pause_ms);
		if (pause_ms < PAUSE_MAX_MS)
			pause_ms *= 2;
	}
}
