/*
 * postern-cert's document.  Promised: what is accepted is within its bounds,
 * with names a certificate or a proof may have, and nothing of it is empty.
 */
#include <assert.h>
#include <string.h>

#include "edge/issued.h"
#include "edge/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct issued_entry *e, size_t count, size_t names_max)
{
	for (size_t i = 0; i < count; i++) {
		assert(e[i].chain.n && e[i].key.n);
		assert(e[i].name_count > 0 && e[i].name_count <= names_max);
		for (size_t k = 0; k < e[i].name_count; k++)
			assert(names_is_pattern(e[i].names[k]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct issued i;
	struct arena arena;

	arena_init(&arena, ISSUED_ARENA_MAX);
	if (issued_read(&i, &arena, span_of(data, n)) == RC_OK) {
		assert(i.certificate_count <= ISSUED_CERTIFICATES_MAX);
		assert(i.proof_count <= ISSUED_PROOFS_MAX);
		check(i.certificates, i.certificate_count, ISSUED_NAMES_MAX);
		check(i.proofs, i.proof_count, 1);
		for (size_t k = 0; k < i.proof_count; k++)
			assert(i.proofs[k].names[0].p[0] != '*');
		assert(i.answer_count <= ISSUED_ANSWERS_MAX);
		for (size_t k = 0; k < i.answer_count; k++) {
			const struct issued_answer *a = &i.answers[k];

			assert(names_is_pattern(a->name) && a->name.p[0] != '*');
			assert(a->token.n && a->token.n <= ISSUED_TOKEN_MAX);
			assert(a->value.n && a->value.n <= ISSUED_VALUE_MAX);
			assert(!memchr(a->value.p, '\n', a->value.n));
		}
	}
	arena_wipe(&arena);
	return 0;
}
