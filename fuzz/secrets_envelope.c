/* Bytes that are no envelope of this key and signer never open; what can be
 * looked at keeps its bounds; the proof of a key likewise. */
#include <stdlib.h>

#include "crypto/x25519.h"
#include "secrets/envelope.h"
#include "secrets/keyproof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void read_proof(struct span json)
{
	struct keyproof p;
	struct arena arena;

	arena_init(&arena, KEYPROOF_ARENA_MAX);
	if (keyproof_read(&p, &arena, json))
		require(p.quote.n <= json.n && p.event_log.n <= json.n);
	arena_fini(&arena);
}

static void read_lines(struct span text)
{
	struct envs e;
	size_t line;

	if (envs_read_lines(&e, text, &line))
		return;
	require(e.count <= GUEST_ENVS_MAX);
	envs_fini(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span json = span_of(data, size);
	const struct manifest_guest rules = { .signers = { { 1 } }, .signer_count = 1 };
	const struct key32 secret = { { 8, 1 } };
	const struct envelope_terms terms = { .secret = &secret, .rules = &rules };
	struct envelope_seen seen = { .serial = 7 };
	struct envelope_facts facts;
	struct envs out = { 0 };

	/* Nobody has a signature of that key, which is no point. */
	require(envelope_open(&out, &seen, json, &terms) != ENVELOPE_OK);
	require(out.count == 0 && seen.serial == 7);
	if (envelope_look(&facts, json))
		require(facts.serial > 0 &&
			facts.ciphertext_len >= HPKE_TAG_LEN && facts.ciphertext_len < size);
	read_proof(json);
	read_lines(json);
	return 0;
}
