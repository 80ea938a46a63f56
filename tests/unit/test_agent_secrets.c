/* secrets: an envelope on its way to containers, and what is remembered of it. */
#include "agent_world.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/secrets.h"
#include "seal/hardware.h"
#include "secrets/keyproof.h"

struct world {
	struct agent_world a;
	struct log log;
	struct appkeys keys;
	struct seal_provider seal;
	struct secrets_options o;
	struct secrets *s;
	char envelope[128], error[NODE_ERROR_MAX];
	enum rc key_rc;
};

static enum rc give_key(void *arg, struct key32 *out, const char *purpose,
			char error[NODE_ERROR_MAX])
{
	struct world *w = arg;

	assert_string_equal(purpose, "env");
	if (w->key_rc) {
		error_set(error, "no key today");
		return w->key_rc;
	}
	memset(out->b, 7, sizeof(out->b));
	return RC_OK;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	(void)agent_world_setup(&w->a);
	w->log = (struct log){ .fd = memfd_create("log", MFD_CLOEXEC), .program = "agent" };
	w->log.max = LOG_INFO;
	w->keys = (struct appkeys){ .name = "test", .get = give_key, .arg = w };
	w->seal = hardware_provider(w->a.source);
	w->o = (struct secrets_options){
		.log = &w->log,
		.identity = &w->a.id,
		.measured = w->a.m,
		.keys = &w->keys,
		.seal = &w->seal,
		.state = w->a.state,
		.envelope = folder_file(w->envelope, &w->a.platform.folder, "env"),
	};
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	secrets_free(w->s);
	close(w->log.fd);
	agent_world_teardown(&w->a);
	free(w);
	return 0;
}

/* As after the agent's start, perhaps once more. */
static void begin(struct world *w)
{
	secrets_free(w->s);
	w->s = NULL;
	if (secrets_new(&w->s, &w->o, w->error))
		fail_msg("%s", w->error);
}

static struct keyproof proof_of(const struct world *w, struct arena *arena)
{
	struct keyproof p;

	arena_init(arena, KEYPROOF_ARENA_MAX);
	assert_true(keyproof_read(&p, arena, secrets_proof(w->s)));
	return p;
}

/* The host puts an envelope with these lines there. */
static void put(struct world *w, uint64_t serial, const char *lines)
{
	struct envelope_recipe r = { .serial = serial };
	struct envs envs = { 0 };
	struct arena arena;
	struct keyproof p = proof_of(w, &arena);
	struct buf text;
	size_t line;

	assert_int_equal(envs_read_lines(&envs, span_str(lines), &line), RC_OK);
	memcpy(r.app_id, p.app_id, sizeof(r.app_id));
	memcpy(r.to, p.public_key, sizeof(r.to));
	r.envs = &envs;
	buf_init(&text, ENVELOPE_TEXT_MAX);
	assert_int_equal(envelope_seal(&text, &r), RC_OK);
	assert_int_equal(file_replace(w->envelope, buf_span(&text), 0600), RC_OK);
	buf_fini(&text);
	envs_fini(&envs);
	arena_fini(&arena);
}

static enum rc take(struct world *w, const char *want)
{
	struct envs envs = { 0 };
	enum rc rc;

	w->error[0] = '\0';
	rc = secrets_take(w->s, &envs, w->error);
	if (rc) {
		assert_int_equal(envs.count, 0);
		assert_string_not_equal(w->error, "");
	} else {
		assert_int_equal(envs.count, 1);
		assert_string_equal(envs.list[0].name, "A");
		assert_string_equal(envs.list[0].value, want);
	}
	envs_fini(&envs);
	return rc;
}

static size_t logged(const struct world *w, const char *what)
{
	char text[65536] = "";
	size_t found = 0;

	assert_true(pread(w->log.fd, text, sizeof(text) - 1, 0) >= 0);
	for (const char *at = text; (at = strstr(at, what)); at++)
		found++;
	return found;
}

static void proof_is_quoted_and_lasts(void **state)
{
	struct world *w = *state;
	struct arena arena, again_arena;
	struct eventlog_registers replayed;
	struct keyproof p, again;
	struct sha512 report_data;
	struct quote q;

	begin(w);
	p = proof_of(w, &arena);
	assert_memory_equal(p.app_id, w->a.id.manifest.app_id, sizeof(p.app_id));
	assert_memory_equal(p.instance_id, w->a.id.instance_id, sizeof(p.instance_id));
	keyproof_report_data(&report_data, &p);
	assert_int_equal(quote_parse(&q, p.quote), TEE_OK);
	assert_memory_equal(q.td.report_data.p, report_data.b, sizeof(report_data.b));
	assert_int_equal(eventlog_replay(&replayed, p.event_log), TEE_OK);
	assert_memory_equal(q.td.rtmr[3].p, replayed.rtmr[3].b, sizeof(replayed.rtmr[3].b));
	begin(w);
	again = proof_of(w, &again_arena);
	assert_memory_equal(p.public_key, again.public_key, sizeof(p.public_key));
	arena_fini(&again_arena);
	arena_fini(&arena);
}

static void envelope_is_waited_for_and_opened(void **state)
{
	struct world *w = *state;

	begin(w);
	assert_int_equal(take(w, NULL), RC_CLOSED);
	assert_non_null(strstr(w->error, "waiting for the environment at"));
	put(w, 10, "A=hunter2\n");
	assert_int_equal(take(w, "hunter2"), RC_OK);
	assert_int_equal(logged(w, "event=environment_opened"), 1);
	assert_int_equal(logged(w, "hunter2"), 0);
	/* The same one again, and after a start. */
	assert_int_equal(take(w, "hunter2"), RC_OK);
	begin(w);
	assert_int_equal(take(w, "hunter2"), RC_OK);
	put(w, 11, "A=other\n");
	assert_int_equal(take(w, "other"), RC_OK);
}

/* The host puts back what it has. */
static void older_envelopes_are_refused_after_a_restart(void **state)
{
	struct world *w = *state;

	begin(w);
	put(w, 10, "A=new\n");
	assert_int_equal(take(w, "new"), RC_OK);
	for (int start = 0; start < 2; start++) {
		put(w, 9, "A=old\n");
		assert_int_equal(take(w, NULL), RC_DENIED);
		assert_string_equal(w->error, "environment refused: stale");
		put(w, 10, "A=another of that serial\n");
		assert_int_equal(take(w, NULL), RC_DENIED);
		begin(w);
	}
	put(w, 11, "A=newer\n");
	assert_int_equal(take(w, "newer"), RC_OK);
}

/* A refusal is a line in the log when it is another than the last. */
static void refusals_are_logged_once(void **state)
{
	struct world *w = *state;

	begin(w);
	assert_int_equal(file_replace(w->envelope, span_str("{}"), 0600), RC_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(take(w, NULL), RC_DENIED);
	assert_int_equal(logged(w, "event=environment_refused"), 1);
	assert_int_equal(logged(w, "reason=malformed"), 1);
	put(w, 10, "C=not in the manifest\n");
	assert_int_equal(take(w, NULL), RC_DENIED);
	assert_int_equal(logged(w, "event=environment_refused"), 2);
	assert_int_equal(logged(w, "not in the manifest"), 0);
	put(w, 10, "A=x\n");
	assert_int_equal(take(w, "x"), RC_OK);
	assert_int_equal(file_replace(w->envelope, span_str("{}"), 0600), RC_OK);
	assert_int_equal(take(w, NULL), RC_DENIED);
	assert_int_equal(logged(w, "event=environment_refused"), 3);
}

static void files_that_cannot_be_read_are_no_envelope(void **state)
{
	struct world *w = *state;
	char *large = calloc(1, ENVELOPE_TEXT_MAX + 1);

	begin(w);
	assert_int_equal(file_replace(w->envelope, span_of(large, ENVELOPE_TEXT_MAX + 1), 0600),
			 RC_OK);
	assert_int_equal(take(w, NULL), RC_LIMIT);
	assert_int_equal(unlink(w->envelope), 0);
	assert_int_equal(mkdir(w->envelope, 0700), 0);
	assert_int_equal(take(w, NULL), RC_SYS);
	free(large);
}

static const char *sealed_file(const struct world *w, char out[256])
{
	snprintf(out, 256, "%s/env-seal/env-seen.sealed", w->a.state);
	return out;
}

/* Without the memory of the newest nothing is opened; what cannot be remembered is not used. */
static void memory_that_is_gone_opens_nothing(void **state)
{
	struct world *w = *state;
	char path[256];

	begin(w);
	put(w, 10, "A=x\n");
	assert_int_equal(take(w, "x"), RC_OK);
	assert_int_equal(unlink(sealed_file(w, path)), 0);
	assert_int_equal(take(w, NULL), RC_DENIED);
	assert_string_equal(w->error, "sealed memory of the last envelope: missing");
}

static void what_cannot_be_remembered_is_not_used(void **state)
{
	struct world *w = *state;
	struct folder sealed;

	begin(w);
	put(w, 10, "A=x\n");
	snprintf(sealed.path, sizeof(sealed.path), "%.48s/env-seal", w->a.state);
	folder_remove(&sealed);
	assert_int_equal(take(w, NULL), RC_SYS);
	assert_string_equal(w->error, "sealed memory of the last envelope: io");
	assert_int_equal(logged(w, "event=environment_opened"), 0);
}

static void starts_that_fail(void **state)
{
	struct world *w = *state;
	char *deep = malloc(1000);

	w->key_rc = RC_DENIED;
	assert_int_equal(secrets_new(&w->s, &w->o, w->error), RC_DENIED);
	assert_string_equal(w->error, "no key today");
	w->key_rc = RC_OK;
	memset(deep, 'x', 999);
	deep[999] = '\0';
	w->o.state = deep;
	assert_int_equal(secrets_new(&w->s, &w->o, w->error), RC_LIMIT);
	assert_string_equal(w->error, "state folder: path too long");
	w->o.state = w->a.state;
	w->a.platform.fails = 1u << SIMPROTO_KEY;
	assert_int_equal(secrets_new(&w->s, &w->o, w->error), RC_DENIED);
	assert_non_null(strstr(w->error, "no_key"));
	w->a.platform.fails = 0;
	begin(w); /* now the folder knows its measurement */
	secrets_free(w->s);
	w->s = NULL;
	w->a.platform.quotes_nonsense = true;
	assert_int_not_equal(secrets_new(&w->s, &w->o, w->error), RC_OK);
	assert_null(w->s);
	w->a.platform.quotes_nonsense = false;
	secrets_free(NULL);
	free(deep);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(proof_is_quoted_and_lasts),
		T(envelope_is_waited_for_and_opened),
		T(older_envelopes_are_refused_after_a_restart),
		T(refusals_are_logged_once),
		T(files_that_cannot_be_read_are_no_envelope),
		T(memory_that_is_gone_opens_nothing),
		T(what_cannot_be_remembered_is_not_used),
		T(starts_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
