#include <string.h>

#include "cli/verify_gather.h"
#include "dns/message.h"
#include "dns/persist.h"
#include "io/clock.h"
#include "resolve/climbing.h"

enum {
	LOOKUP_MS = 6 * 1000, /* of each; a resolver asks again meanwhile */
};

/* One resolver, which is asked no more once it was silent: the checks have
 * failed look-ups instead, and the visitor waits once. */
struct asked {
	struct validator *r;
	struct arena *arena;
	const struct verify_options *o;
	bool is_silent;
};

static enum rc ask(struct validator_answer *out, struct asked *d,
		   const struct dns_name *name, unsigned type)
{
	uint64_t begun = clock_boot_ms();
	enum rc rc;

	if (d->is_silent || !verify_time_left(d->o, LOOKUP_MS)) {
		*out = (struct validator_answer){ .trust = DNS_FAILED,
						  .at = *name,
						  .why = "not asked any more" };
		return RC_OK;
	}
	rc = validator_ask(d->r, out, d->arena, name, type);
	if (!rc && out->trust == DNS_FAILED)
		d->is_silent = clock_boot_ms() - begun >= LOOKUP_MS;
	return rc;
}

/* ---- a climb, as bytes */

static struct span text_of(struct arena *arena, const struct dns_name *name)
{
	char text[DNS_NAME_TEXT];
	const char *copy;

	dns_name_text(text, name);
	copy = arena_dup(arena, span_str(text));
	return span_of(copy, copy ? strlen(copy) : 0);
}

/* One look-up of CAA: what climbing_do() does, with the bytes kept. */
static enum rc ask_level(struct gathered_level *out, struct climb *c,
			 struct asked *d, const struct dns_name *name)
{
	struct validator_answer a;
	enum rc rc = ask(&a, d, name, DNS_CAA);

	if (rc)
		return rc;
	*out = (struct gathered_level){
		.name = text_of(d->arena, name),
		.at = text_of(d->arena, &a.at),
		.trust = a.trust,
		.rdatas = a.rdatas,
		.count = a.count,
	};
	if (a.trust == DNS_FAILED || a.trust == DNS_BOGUS)
		verify_miss((const char *)out->name.p, a.why);
	return climb_answer(c, &(struct climb_found){ a.trust, a.at, a.rdatas,
						      a.count });
}

static void climb(struct gathered *out, struct asked *d,
		  const struct dns_name *name)
{
	struct gathered_level *levels =
		arena_new(d->arena, GATHERED_LEVELS_MAX, sizeof(*levels));
	const struct dns_name *next;
	struct climb c;

	if (!levels || climb_init(&c, d->arena, name, CLIMB_ALL))
		return;
	while ((next = climb_next(&c)) &&
	       out->level_count < GATHERED_LEVELS_MAX)
		if (ask_level(&levels[out->level_count++], &c, d, next))
			return;
	out->levels = levels;
	out->has_dns = true;
}

/* ---- records that let strangers in */

/* The strings of a TXT record, joined. */
static struct span joined(struct arena *arena, struct span rdata)
{
	uint8_t *room = arena_new(arena, rdata.n + 1, 1);
	struct wr w = wr_over(room, room ? rdata.n : 0);
	struct span part;

	while (rdata.n && rd_vec8(&rdata, &part))
		wr_bytes(&w, part);
	return wr_span(&w);
}

static void ask_persist(struct gathered *out, struct asked *d,
			const struct dns_name *host)
{
	struct dns_name name;
	struct validator_answer a;
	struct span *texts;

	if (!dns_name_prefix(&name, PERSIST_LABEL, host) ||
	    ask(&a, d, &name, DNS_TXT))
		return;
	texts = arena_new(d->arena, a.count + 1, sizeof(*texts));
	if (!texts || a.count > GATHERED_LISTS_MAX)
		return;
	for (size_t i = 0; i < a.count; i++)
		texts[i] = joined(d->arena, a.rdatas[i]);
	out->persist = (struct material_txt){ true, a.trust, texts, a.count };
}

static void ask_challenge(struct gathered *out, struct asked *d,
			  const struct dns_name *host)
{
	struct dns_name name;
	struct validator_answer a;

	if (!dns_name_prefix(&name, "_acme-challenge", host) ||
	    ask(&a, d, &name, DNS_TXT) ||
	    dns_name_equal(&a.at, &name) || !a.at.n)
		return;
	out->challenge = text_of(d->arena, &a.at);
}

void verify_gather_dns(struct gathered *out, struct arena *arena,
		       const struct verify_options *o,
		       const struct verify_grounds *g)
{
	const struct validator_config config = {
		.timeout_ms = LOOKUP_MS,
		.anchors = g->dns_anchors,
		.forwarders = o->forwarders,
		.forwarder_count = o->forwarder_count,
		.now = o->has_at ? o->at : 0,
	};
	struct asked d = { .arena = arena, .o = o };
	struct dns_name host;

	if (dns_name_parse(&host, out->host) || validator_new(&d.r, &config)) {
		verify_miss("DNS", "no validating resolver");
		return;
	}
	climb(out, &d, &host);
	ask_persist(out, &d, &host);
	ask_challenge(out, &d, &host);
	validator_free(d.r);
}
