#include "edge/router.h"

#include "crypto/rng.h"
#include "io/clock.h"

static uint64_t random_key(void)
{
	uint64_t key = 0;

	rng_bytes(&key, sizeof(key));
	return key;
}

static void arm(struct router *r)
{
	uint64_t at_ms = domains_deadline(r->domains);

	if (at_ms == UINT64_MAX)
		loop_timer_disarm(r->loop, &r->expire);
	else
		loop_timer_arm(r->loop, &r->expire, at_ms);
}

static void on_expire(void *arg)
{
	struct router *r = arg;

	domains_expire(r->domains, loop_now_ms(r->loop));
	arm(r);
}

static void on_result(void *arg, uint64_t question,
		      const struct domains_result *result)
{
	struct router *r = arg;

	domains_result(r->domains, question, result, loop_now_ms(r->loop));
	arm(r);
}

void router_init(struct router *r, const struct setup *setup,
		 struct store *store, struct loop *loop,
		 const struct board *board)
{
	const struct edge_dns *dns = &setup->config.dns;
	const struct domains_limits limits = {
		.names = dns->names,
		.asking = dns->asking,
		.timeout_ms = dns->timeout,
		.ttl_max_ms = dns->ttl_max,
	};
	struct domains_carrier carrier = {
		.ask = resolver_ask,
		.drop = resolver_drop,
	};

	*r = (struct router){
		.config = &setup->config,
		.certs = &setup->certs,
		.terms = &setup->terms,
		.backends = &setup->backends,
		.store = store,
		.board = board,
		.loop = loop,
		.expire = { .fn = on_expire, .arg = r },
	};
	balance_init(&r->balance, random_key());
	health_reader_init(&r->health, &board->health);
	if (dns->servers.count == 0)
		return;
	r->resolver = resolver_new(loop, dns, buf_span(&setup->anchors),
				   on_result, r);
	carrier.arg = r->resolver;
	r->domains = domains_new(&limits, &carrier, random_key());
}

void router_configure(struct router *r, const struct setup *setup)
{
	r->config = &setup->config;
	r->certs = &setup->certs;
	r->terms = &setup->terms;
	r->backends = &setup->backends;
	if (r->resolver)
		resolver_trust(r->resolver, buf_span(&setup->anchors));
}

void router_fini(struct router *r)
{
	/* Questions under way are dropped first. */
	domains_free(r->domains);
	resolver_free(r->resolver);
	health_reader_fini(&r->health);
	balance_fini(&r->balance);
	*r = (struct router){ 0 };
}

struct route_input router_input(struct router *r, unsigned turn)
{
	return (struct route_input){
		.config = r->config,
		.certs = r->certs,
		.terms = r->terms,
		.backends = r->backends,
		.store = r->store,
		.board = r->board,
		.now_unix_ms = clock_unix_ms(),
		.now_ms = loop_now_ms(r->loop),
		.turn = turn,
		.balance = &r->balance,
		.health = health_read(&r->health),
	};
}

bool router_look_up(struct router *r, struct domain_answer *out,
		    const char *name, uint64_t source, struct domains_waiter *w)
{
	bool is_answered = domains_look(r->domains, out, name, source, w,
					loop_now_ms(r->loop));

	arm(r);
	return is_answered;
}
