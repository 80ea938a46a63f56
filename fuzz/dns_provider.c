/*
 * Answers of a provider's API: the first byte says whose and what is wanted, the rest are answers,
 * each a status, a length and a body; what comes after them is answered with nothing.  Promised:
 * each job ends, success only after answers with a good status, every request is under the base
 * URL.
 */
#include <assert.h>
#include <string.h>

#include "dns/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ARENA_MAX = 4 * 1024 * 1024,
	STEPS_MAX = 1000,
};

static const uint8_t caa[] = "\0\5issueca.test";

static void answer_with(struct provider_job *job, struct span *rest)
{
	static const uint16_t statuses[] = { 200, 200, 200, 201, 204, 400, 401, 404, 429, 500 };
	struct web_answer a = { 0 };
	struct span body = { 0 };
	uint8_t status = 9;

	(void)(rd_u8(rest, &status) && rd_vec16(rest, &body));
	web_answer_init(&a, statuses[status % 10], 128 * 1024);
	(void)!buf_add(&a.body, body);
	(void)!web_answer_field(&a, span_str("Retry-After"), span_str("5"));
	provider_job_answer(job, &a);
	web_answer_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), value = span_str("value");
	struct provider_settings s = {
		.base_url = span_str("https://api.test/x"),
		.token = span_str("t"),
		.key_id = span_str("k"),
		.secret = span_str("s"),
	};
	struct provider_want w = { .values = &value, .count = 1, .type = DNS_TXT };
	struct provider_job *job;
	struct web_ask ask = { 0 };
	struct arena arena;
	uint8_t what = 0;
	unsigned steps = 0;

	(void)rd_u8(&rest, &what);
	s.kind = (enum provider_kind)(what % PROVIDER_KINDS);
	w.change = (enum provider_change)(what / 8 % 3);
	if (what & 0x80) {
		w.type = DNS_CAA;
		value = span_of(caa, sizeof(caa) - 1);
	}
	assert(dns_name_parse(&w.name, span_str("_acme-challenge.example.test")) == RC_OK);
	arena_init(&arena, ARENA_MAX);
	job = arena_new(&arena, 1, sizeof(*job));
	assert(provider_job_init(job, &arena, &s, &w) == RC_OK);
	while (provider_job_ask(job, &ask, 1800000000) == PROVIDER_ASK) {
		assert(!strncmp(ask.url, "https://api.test/x/", 19));
		assert(!strstr(ask.url + 19, "/../") && steps++ < STEPS_MAX);
		answer_with(job, &rest);
	}
	web_ask_fini(&ask);
	arena_fini(&arena);
	return 0;
}
