/* Envelopes: sealed and opened, and every reason not to. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/x25519.h"
#include "secrets/envelope.h"

struct world {
	struct key32 secret, signer;
	struct manifest_guest rules;
	struct envs envs;
	struct envelope_recipe recipe;
	struct envelope_terms terms;
	struct buf text;
};

static void fini(struct world *w)
{
	envs_fini(&w->envs);
	buf_fini(&w->text);
}

static void begin(struct world *w)
{
	size_t line;

	*w = (struct world){ .signer = { { 4, 5, 6 } } };
	x25519_generate(&w->secret);
	memcpy(w->rules.envs[0], "A", 2);
	memcpy(w->rules.envs[1], "B", 2);
	w->rules.env_count = 2;
	assert_int_equal(envs_read_lines(&w->envs,
					 span_str("A=secret value\nB=x\n"), &line),
			 RC_OK);
	w->recipe = (struct envelope_recipe){ .app_id = { 1, 2 }, .serial = 10, .envs = &w->envs };
	x25519_public(w->recipe.to,
		      &w->secret);
	w->terms = (struct envelope_terms){
		.app_id = { 1, 2 },
		.secret = &w->secret,
		.rules = &w->rules,
	};
	buf_init(&w->text, ENVELOPE_TEXT_MAX);
}

static enum envelope_verdict open_text(struct world *w, struct span text)
{
	struct envelope_seen seen = { .serial = 99 };
	struct envs out = { 0 };
	enum envelope_verdict v = envelope_open(&out, &seen, text, &w->terms);

	if (v) {
		assert_int_equal(seen.serial, 99);
		assert_int_equal(out.count, 0);
	} else {
		assert_string_equal(out.list[0].value, "secret value");
		w->terms.seen = seen;
		envs_fini(&out);
	}
	return v;
}

static enum envelope_verdict seal_and_open(struct world *w)
{
	buf_reset(&w->text);
	assert_int_equal(envelope_seal(&w->text, &w->recipe), RC_OK);
	return open_text(w, buf_span(&w->text));
}

static void sign_by(struct world *w, const struct key32 *signer)
{
	w->recipe.signer = signer;
}

static void list_signer(struct world *w)
{
	ed25519_public(w->rules.signers[0], &w->signer);
	w->rules.signer_count = 1;
}

static void sealed_is_opened(void **state)
{
	struct envelope_facts facts;
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(seal_and_open(&w), ENVELOPE_OK);
	assert_null(memmem(buf_span(&w.text).p, buf_span(&w.text).n, "secret", 6));
	assert_true(envelope_look(&facts, buf_span(&w.text)));
	assert_int_equal(facts.serial, 10);
	assert_false(facts.is_signed);
	/* Signed, listed or not. */
	sign_by(&w, &w.signer);
	w.recipe.serial++;
	assert_int_equal(seal_and_open(&w), ENVELOPE_OK);
	list_signer(&w);
	w.recipe.serial++;
	assert_int_equal(seal_and_open(&w), ENVELOPE_OK);
	assert_true(envelope_look(&facts, buf_span(&w.text)));
	assert_true(facts.is_signed && facts.is_signature_good);
	assert_memory_equal(facts.signer, w.rules.signers[0], 32);
	fini(&w);
}

static void age_is_minded(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(seal_and_open(&w), ENVELOPE_OK);
	assert_int_equal(open_text(&w, buf_span(&w.text)), ENVELOPE_OK); /* itself, again */
	assert_int_equal(seal_and_open(&w), ENVELOPE_REUSED_SERIAL);
	w.recipe.serial = 9;
	assert_int_equal(seal_and_open(&w), ENVELOPE_STALE);
	w.recipe.serial = 11;
	assert_int_equal(seal_and_open(&w), ENVELOPE_OK);
	fini(&w);
}

static void who_made_it_is_minded(void **state)
{
	const struct key32 other = { { 9 } };
	struct world w;

	(void)state;
	begin(&w);
	list_signer(&w);
	assert_int_equal(seal_and_open(&w), ENVELOPE_UNSIGNED);
	sign_by(&w, &other);
	assert_int_equal(seal_and_open(&w), ENVELOPE_UNKNOWN_SIGNER);
	sign_by(&w, &w.signer);
	assert_int_equal(seal_and_open(&w), ENVELOPE_OK);
	fini(&w);
}

static void other_apps_keys_and_names_refused(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.terms.app_id[19] = 1;
	assert_int_equal(seal_and_open(&w), ENVELOPE_OTHER_APP);
	/* Its id written over, its bytes for the other. */
	w.terms.app_id[19] = 0;
	w.recipe.to[3] ^= 1;
	assert_int_equal(seal_and_open(&w), ENVELOPE_NOT_OPENED);
	w.recipe.to[3] ^= 1;
	w.rules.env_count = 1;
	assert_int_equal(seal_and_open(&w), ENVELOPE_NOT_ALLOWED);
	fini(&w);
}

/* Every byte of an envelope changed: none opens with another meaning. */
static void no_changed_byte_opens(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *bent = NULL;
	struct span text;
	struct world w;

	(void)state;
	begin(&w);
	list_signer(&w);
	sign_by(&w, &w.signer);
	assert_int_equal(envelope_seal(&w.text, &w.recipe), RC_OK);
	text = buf_span(&w.text);
	bent = mem_new(text.n);
	for (size_t i = 0; i + 1 < text.n; i++) {
		memcpy(bent, text.p, text.n);
		bent[i] ^= 1;
		if (open_text(&w, span_of(bent, text.n)) == ENVELOPE_OK)
			fail_msg("byte %zu, '%c'", i, text.p[i]);
	}
	for (size_t n = 0; n + 1 < text.n; n++) {
		char *cut = mem_dup_n(text.p, n);

		assert_int_equal(open_text(&w, span_of(cut, n)), ENVELOPE_MALFORMED);
		free(cut);
	}
	assert_int_equal(open_text(&w, text), ENVELOPE_OK);
	fini(&w);
}

/* Unsigned, where anybody may have made it: the app's id and serial are still
 * bound to the ciphertext. */
static void header_is_bound_without_a_signature(void **state)
{
	static const char serial[] = "\"serial\":10";
	struct world w;
	uint8_t *at;

	(void)state;
	begin(&w);
	assert_int_equal(envelope_seal(&w.text, &w.recipe), RC_OK);
	at = memmem(w.text.p, w.text.n, serial, sizeof(serial) - 1);
	assert_non_null(at);
	at[9] = '2'; /* 20: newer than it is */
	assert_int_equal(open_text(&w, buf_span(&w.text)), ENVELOPE_NOT_OPENED);
	fini(&w);
}

static void names_of_verdicts(void **state)
{
	(void)state;
	for (unsigned v = 0; v < ENVELOPE_VERDICT_COUNT; v++)
		assert_non_null(envelope_verdict_name((enum envelope_verdict)v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_is_opened),
		cmocka_unit_test(age_is_minded),
		cmocka_unit_test(who_made_it_is_minded),
		cmocka_unit_test(other_apps_keys_and_names_refused),
		cmocka_unit_test(no_changed_byte_opens),
		cmocka_unit_test(header_is_bound_without_a_signature),
		cmocka_unit_test(names_of_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
