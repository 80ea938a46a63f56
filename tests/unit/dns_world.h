/* A toy world of CAA records for tests of dns: names and their sets as zone files have them,
 * aliases, and names that cannot be looked up. */
#ifndef POSTERN_TESTS_DNS_WORLD_H
#define POSTERN_TESTS_DNS_WORLD_H

#include <string.h>

#include "dns/climb.h"

enum {
	WORLD_MAX = 16,
};

/* 'records' separated by '|'; "-> name" an alias; "!bogus", "!failed", "!insecure" first. */
struct world_entry {
	const char *name;
	const char *records;
};

static inline struct dns_name world_name(const char *text)
{
	struct dns_name n = { 0 };

	assert_int_equal(dns_name_parse(&n, span_str(text)), RC_OK);
	return n;
}

static inline const char *world_at(const struct world_entry *world, const char *name)
{
	for (; world->name; world++)
		if (!strcmp(world->name, name))
			return world->records;
	return "";
}

/* Fills an answer; texts become RDATA in the arena. */
static inline void world_look(struct climb_found *out, struct arena *arena,
			      const struct world_entry *world, const struct dns_name *name)
{
	struct span *rdatas = arena_new(arena, WORLD_MAX, sizeof(*rdatas));
	char text[DNS_NAME_TEXT];
	const char *records;
	struct span rest, one;

	*out = (struct climb_found){ .trust = DNS_SECURE, .at = *name, .rdatas = rdatas };
	dns_name_text(text, name);
	records = world_at(world, text);
	while (!strncmp(records, "-> ", 3)) {
		out->at = world_name(records + 3);
		records = world_at(world, records + 3);
	}
	rest = span_str(records);
	while (rd_until(&rest, &one, '|')) {
		uint8_t bytes[1024];
		struct wr w = WR_ARRAY(bytes);

		if (span_equal_str(one, "!bogus"))
			out->trust = DNS_BOGUS;
		else if (span_equal_str(one, "!failed"))
			out->trust = DNS_FAILED;
		else if (span_equal_str(one, "!insecure"))
			out->trust = DNS_INSECURE;
		else {
			assert_int_equal(caa_text_rdata(&w, one), RC_OK);
			rdatas[out->count++] =
				span_of(arena_dup(arena, wr_span(&w)), wr_span(&w).n);
		}
	}
}

static inline void world_climb(struct climb *c, struct arena *arena,
			       const struct world_entry *world, const char *name,
			       enum climb_scope scope)
{
	struct dns_name n = world_name(name);
	const struct dns_name *ask;

	assert_int_equal(climb_init(c, arena, &n, scope), RC_OK);
	while ((ask = climb_next(c))) {
		struct climb_found found;

		world_look(&found, arena, world, ask);
		assert_int_equal(climb_answer(c, &found), RC_OK);
	}
}

#endif
