/*
 * The rooms dns and resolve, driven from the command line by test_dns.py.
 *
 *	dnstool [option=value ...] COMMAND ARGUMENT...
 *
 * Options: stub=ZONE@ADDRESS:PORT  forward=ADDRESS:PORT  anchor=FILE  now=TIME
 *          server=ADDRESS:PORT  key=NAME:ALGORITHM:BASE64  zone=ZONE  port=N
 *          pin=ISSUER,ACCOUNT,METHOD
 * Prints one fact a line, "word value"; exits 0 when the call was RC_OK.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/file.h"
#include "dns/provider.h"
#include "http/fetch.h"
#include "resolve/authority.h"
#include "resolve/climbing.h"
#include "resolve/hook.h"
#include "resolve/proof.h"
#include "resolve/sender.h"

enum {
	ARENA_MAX = 8 * 1024 * 1024,
	VALUES_MAX = 16,
};

struct tool {
	struct arena arena;
	struct validator_stub stubs[4];
	struct sock_addr stub_servers[4], forwards[4], server;
	size_t stub_count, forward_count;
	struct buf anchors;
	int64_t now;
	struct tsig_key key;
	struct dns_name zone;
	uint16_t port;
	struct span issuer, account, method;
	struct caa_pin pin;
};

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "dnstool: %s\n", what);
	exit(2);
}

static struct dns_name name_of(const char *text)
{
	struct dns_name n = { 0 };

	need(!dns_name_parse(&n, span_str(text)), text);
	return n;
}

static struct span next(struct span *s, uint8_t sep)
{
	struct span part = { 0 };

	(void)rd_until(s, &part, sep);
	return part;
}

static void option(struct tool *t, struct span name, struct span value)
{
	uint64_t n = 0;

	if (span_equal_str(name, "stub")) {
		struct sock_addr *a = &t->stub_servers[t->stub_count];
		char *zone = mem_dup_n(value.p, value.n);

		*strchr(zone, '@') = '\0';
		(void)next(&value, '@');
		need(sock_addr_parse(a, value), "stub");
		t->stubs[t->stub_count++] = (struct validator_stub){ zone, a, 1 };
	} else if (span_equal_str(name, "forward")) {
		need(sock_addr_parse(&t->forwards[t->forward_count++], value), "forward");
	} else if (span_equal_str(name, "server")) {
		need(sock_addr_parse(&t->server, value), "server");
	} else if (span_equal_str(name, "anchor")) {
		char *path = mem_dup_n(value.p, value.n);

		need(!file_read(&t->anchors, path), "anchor");
		free(path);
	} else if (span_equal_str(name, "now")) {
		need(text_u64(&n, value, INT64_MAX), "now");
		t->now = (int64_t)n;
	} else if (span_equal_str(name, "port")) {
		need(text_u64(&n, value, UINT16_MAX), "port");
		t->port = (uint16_t)n;
	} else if (span_equal_str(name, "zone")) {
		need(!dns_name_parse(&t->zone, value), "zone");
	} else if (span_equal_str(name, "key")) {
		struct span id = next(&value, ':'), algorithm = next(&value, ':');

		need(!tsig_key_read(&t->key, id, algorithm, value), "key");
	} else if (span_equal_str(name, "pin")) {
		t->issuer = next(&value, ',');
		t->account = next(&value, ',');
		t->method = value;
		t->pin = (struct caa_pin){ &t->issuer, 1, t->account, &t->method, 1 };
	} else {
		need(false, "option");
	}
}

static struct validator *validator_of(struct tool *t)
{
	const struct validator_config config = {
		.anchors = buf_span(&t->anchors),
		.forwarders = t->forwards,
		.forwarder_count = t->forward_count,
		.stubs = t->stubs,
		.stub_count = t->stub_count,
		.now = t->now,
	};
	struct validator *r = NULL;

	need(!validator_new(&r, &config), "resolver");
	return r;
}

static void print(const char *word, struct span s)
{
	printf("%s %.*s\n", word, (int)s.n, (const char *)s.p);
}

static void print_property(const char *word, const struct caa_property *p)
{
	char text[4096];
	struct wr w = WR_ARRAY(text);

	caa_write_text(&w, p);
	print(word, wr_span(&w));
}

static void print_climb(const struct tool *t, const struct climb *c)
{
	const struct caa_pins mine = { &t->pin, 1 };
	struct caa_request request = { t->issuer, t->account, t->method, false };
	struct climb_decision d = climb_decide(c, &request);
	struct climb_exclusivity e;
	char text[DNS_NAME_TEXT];
	size_t i, k;

	for (i = 0; i < c->count; i++) {
		dns_name_text(text, &c->levels[i].name);
		printf("level %s %s %zu", text, dns_trust_name(c->levels[i].trust),
		       c->levels[i].set.count);
		dns_name_text(text, &c->levels[i].at);
		printf(" %s\n", text);
		for (k = 0; k < c->levels[i].set.count; k++)
			print_property("property", &c->levels[i].set.items[k]);
	}
	if (!t->issuer.n)
		return;
	printf("decided %d\n", d.is_decided);
	if (d.is_decided)
		printf("answer %s %s\n", d.judgement.answer == CAA_PERMITTED ? "yes" : "no",
		       caa_reason_name(d.judgement.reason));
	need(!climb_others(&e, c, &mine), "others");
	printf("others %zu %zu\n", e.covering_count, e.count);
	for (i = 0; i < e.count; i++) {
		dns_name_text(text, &e.findings[i].subject);
		printf("hole %s %s%s %d\n", caa_hole_name(e.findings[i].hole),
		       e.findings[i].is_wildcard ? "*." : "", text, e.findings[i].covers);
	}
}

static enum rc run_ask(struct tool *t, char **a)
{
	struct dns_name name = name_of(a[0]);
	struct validator *r = validator_of(t);
	struct validator_answer answer;
	enum rc rc = validator_ask(r, &answer, &t->arena, &name, (unsigned)atoi(a[1]));

	need(!rc, "ask");
	printf("trust %s\nrcode %u\ncount %zu\nwhy %s\n", dns_trust_name(answer.trust),
	       answer.rcode, answer.count, answer.why);
	validator_free(r);
	return rc;
}

static enum rc run_caa(struct tool *t, char **a)
{
	struct dns_name name = name_of(a[0]);
	struct validator *r = validator_of(t);
	struct climb c;
	enum rc rc = climbing_do(&c, r, &t->arena, &name, CLIMB_ALL);

	if (!rc)
		print_climb(t, &c);
	validator_free(r);
	return rc;
}

/* Each stub's server as a vantage of its own, for the first stub's zone. */
static enum rc run_views(struct tool *t, char **a)
{
	struct dns_name name = name_of(a[0]);
	struct validator *vantages[4] = { 0 };
	struct climbing_views v;
	struct wanted wanted;
	struct wanted_drift drift;
	const struct caa_pins pins = { &t->pin, 1 };
	size_t n = t->stub_count, i, unknown;
	enum rc rc;

	for (i = 0; i < n; i++) {
		struct tool one = *t;

		one.stubs[0] = t->stubs[i];
		one.stub_count = 1;
		vantages[i] = validator_of(&one);
	}
	rc = climbing_views(&v, vantages, n, &t->arena, &name);
	need(!rc, "views");
	need(!wanted_make(&wanted, &t->arena, &pins, WANTED_WILDCARDS_TOO, (struct span){ 0 }),
	     "wanted");
	printf("disagree %d %zu\ntrust %s\n", v.disagree, v.disagrees_with_first,
	       dns_trust_name(v.trust));
	printf("drift %d", climbing_drift(&drift, &unknown, &v, &wanted));
	printf(" unknown %zu\n", unknown);
	for (i = 0; i < n; i++)
		validator_free(vantages[i]);
	return rc;
}

static enum rc say_result(enum rc rc, const struct sender_result *r)
{
	printf("rcode %s\nsignature %s\nerror %s\nserver_time %lld\n", dns_rcode_name(r->rcode),
	       tsig_verdict_name(r->signature), dns_rcode_name(r->tsig_error),
	       (long long)r->server_time);
	return rc;
}

static enum rc run_txt(struct tool *t, char **a, bool add)
{
	const struct sender s = { t->server, &t->key, 5000 };
	struct dns_name name = name_of(a[0]);
	struct sender_result result;
	enum rc rc;

	if (add)
		rc = sender_txt_add(&result, &s, &t->zone, &name, 5, span_str(a[1]));
	else
		rc = sender_txt_remove(&result, &s, &t->zone, &name, span_str(a[1]));
	return say_result(rc, &result);
}

static size_t rdatas_of(struct tool *t, struct span *out, char **from)
{
	size_t n = 0;

	for (; *from && strcmp(*from, "--"); from++) {
		uint8_t bytes[2048];
		struct wr w = WR_ARRAY(bytes);

		need(n < VALUES_MAX && !caa_text_rdata(&w, span_str(*from)), "caa text");
		out[n++] = span_of(arena_dup(&t->arena, wr_span(&w)), w.n);
	}
	return n;
}

static enum rc run_swap(struct tool *t, char **a)
{
	const struct sender s = { t->server, &t->key, 5000 };
	struct dns_name name = name_of(a[0]);
	struct span before[VALUES_MAX], after[VALUES_MAX];
	size_t m = rdatas_of(t, before, a + 1), n = rdatas_of(t, after, a + 1 + m + 1);
	struct sender_result result;

	return say_result(sender_caa_swap(&result, &s, &t->zone, &name, 5, before, m, after, n),
			  &result);
}

/* An address record, which a key for TXT and CAA must not be able to write. */
static enum rc run_address(struct tool *t, char **a)
{
	const struct sender s = { t->server, &t->key, 5000 };
	struct dns_name name = name_of(a[0]);
	const uint8_t address[4] = { 192, 0, 2, 1 };
	uint8_t bytes[512];
	struct dns_update u;
	struct span message;
	struct sender_result result;

	dns_update_begin(&u, bytes, sizeof(bytes), 1, &t->zone);
	dns_update_add(&u, &name, DNS_A, 5, SPAN_ARRAY(address));
	need(dns_update_end(&u, &message), "update");
	return say_result(sender_send(&result, &s, message), &result);
}

static enum rc run_wait(struct tool *t, char **a)
{
	struct dns_name name = name_of(a[0]);
	struct validator *r = validator_of(t);
	uint8_t bytes[2][512];
	struct wr w[2] = { WR_ARRAY(bytes[0]), WR_ARRAY(bytes[1]) };
	struct span present, absent;
	struct authority_want want = { .type = DNS_TXT, .present = &present, .absent = &absent };
	struct authority_report report;
	struct authority authority;
	char text[DNS_NAME_TEXT];
	enum rc rc = authority_find(&authority, r, &name, t->port);
	size_t i;

	validator_free(r);
	if (rc)
		return rc;
	dns_name_text(text, &authority.zone);
	printf("zone %s\n", text);
	dns_name_text(text, &authority.target);
	printf("target %s\ntrust %s\nnegative %u\nunresolved %zu\n", text,
	       dns_trust_name(authority.trust), authority.negative_ttl_s, authority.unresolved);
	dns_txt_write(&w[0], span_str(a[1]));
	present = wr_span(&w[0]);
	want.present_count = a[1][0] != '\0';
	if (a[2]) {
		dns_txt_write(&w[1], span_str(a[2]));
		absent = wr_span(&w[1]);
		want.absent_count = 1;
	}
	rc = authority_wait(&report, &authority, &want, 3000);
	for (i = 0; i < authority.count; i++)
		printf("server %s %u\n", authority_state_name(report.states[i]), report.rcodes[i]);
	return rc;
}

static enum rc run_prove(struct tool *t, char **a)
{
	const struct proof_source source = { &t->server, 1, buf_span(&t->anchors), 3000 };
	struct dns_name name = name_of(a[0]);
	struct buf proof;
	enum rc rc;

	buf_init(&proof, PROOF_MAX);
	rc = proof_collect(&proof, &source, &name);
	if (!rc)
		rc = file_replace(a[1], buf_span(&proof), 0600);
	printf("bytes %zu\n", buf_span(&proof).n);
	buf_fini(&proof);
	return rc;
}

static enum rc run_check(struct tool *t, char **a)
{
	struct dns_name name = name_of(a[0]);
	int64_t at = t->now ? t->now : clock_unix_s();
	struct buf proof;
	struct climb c;
	enum rc rc;

	buf_init(&proof, PROOF_MAX);
	need(!file_read(&proof, a[1]), "proof file");
	rc = proof_check(&c, &t->arena, buf_span(&proof), &name, buf_span(&t->anchors), at);
	if (!rc)
		print_climb(t, &c);
	buf_fini(&proof);
	return rc;
}

static enum rc run_hook(char **a)
{
	const struct hook_call call = {
		.program = a[0],
		.moment = HOOK_BEGIN,
		.type = a[1],
		.ident = a[2],
		.token = a[3],
		.auth = a[4],
		.timeout_ms = 2000,
	};
	struct buf output;
	enum rc rc;

	buf_init(&output, 4096);
	rc = hook_run(&call, &output);
	print("output", buf_span(&output));
	buf_fini(&output);
	return rc;
}

/* KIND BASE CREDENTIAL add|remove|replace NAME txt|caa VALUE...; CREDENTIAL is a token, or
 * ID:SECRET. */
static enum rc run_provider(struct tool *t, char **a)
{
	struct provider_settings settings = { .base_url = span_str(a[1]), .token = span_str(a[2]) };
	struct span credential = settings.token, values[VALUES_MAX];
	struct provider_want want = { .name = name_of(a[4]), .ttl_s = 5, .values = values };
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	struct provider_job job;
	enum provider_state state;
	unsigned requests = 0;

	need(provider_by_name(&settings.kind, span_str(a[0])), "kind");
	settings.key_id = next(&credential, ':');
	settings.secret = credential;
	want.change = a[3][0] == 'a' ? PROVIDER_ADD : PROVIDER_REPLACE;
	if (!strcmp(a[3], "remove"))
		want.change = PROVIDER_REMOVE;
	want.type = !strcmp(a[5], "txt") ? DNS_TXT : DNS_CAA;
	if (want.type == DNS_CAA)
		want.count = rdatas_of(t, values, a + 6);
	else
		for (; a[6 + want.count]; want.count++)
			values[want.count] = span_str(a[6 + want.count]);
	need(!provider_job_init(&job, &t->arena, &settings, &want), "job");
	while ((state = provider_job_ask(&job, &ask, clock_unix_s())) == PROVIDER_ASK) {
		AUTO(web_answer_fini)
		struct web_answer answer = { 0 };
		char error[FETCH_ERROR_MAX];
		const struct fetch_options options = { .timeout_ms = 5000 };

		if (fetch(&answer, error, &ask, &options) != FETCH_OK) {
			printf("fetch %s\n", error);
			return RC_CLOSED;
		}
		requests++;
		provider_job_answer(&job, &answer);
	}
	printf("fault %s\nstatus %u\nretry %u\ntext %s\nrequests %u\n",
	       provider_fault_name(job.failure.fault), job.failure.status,
	       job.failure.retry_after_s, job.failure.text, requests);
	return state == PROVIDER_DONE ? RC_OK : RC_DENIED;
}

static enum rc run(struct tool *t, const char *command, char **a)
{
	if (!strcmp(command, "ask"))
		return run_ask(t, a);
	if (!strcmp(command, "caa"))
		return run_caa(t, a);
	if (!strcmp(command, "views"))
		return run_views(t, a);
	if (!strcmp(command, "txt-add"))
		return run_txt(t, a, true);
	if (!strcmp(command, "txt-remove"))
		return run_txt(t, a, false);
	if (!strcmp(command, "swap"))
		return run_swap(t, a);
	if (!strcmp(command, "address"))
		return run_address(t, a);
	if (!strcmp(command, "wait"))
		return run_wait(t, a);
	if (!strcmp(command, "prove"))
		return run_prove(t, a);
	if (!strcmp(command, "check"))
		return run_check(t, a);
	if (!strcmp(command, "provider"))
		return run_provider(t, a);
	need(!strcmp(command, "hook"), "command");
	return run_hook(a);
}

int main(int argc, char **argv)
{
	struct tool t = { .port = 53 };
	enum rc rc;
	int i;

	arena_init(&t.arena, ARENA_MAX);
	buf_init(&t.anchors, 64 * 1024);
	for (i = 1; i < argc && strchr(argv[i], '='); i++) {
		struct span value = span_str(argv[i]), name = next(&value, '=');

		option(&t, name, value);
	}
	need(i + 1 < argc, "usage");
	rc = run(&t, argv[i], argv + i + 1);
	printf("rc %s\n", rc_name(rc));
	arena_fini(&t.arena);
	buf_fini(&t.anchors);
	for (i = 0; i < (int)t.stub_count; i++)
		free((void *)(uintptr_t)t.stubs[i].zone);
	return rc != RC_OK;
}
