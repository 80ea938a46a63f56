/*
 * The input as a note, a checkpoint, a verifier key and a witness policy: what
 * is read has parts inside of it and counts within their bounds; a policy's
 * groups can be reached. Refusals touch nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ct/witness.h"

static bool is_inside(struct span part, struct span whole)
{
	return !part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void check_note(struct span s)
{
	static struct note n;
	struct checkpoint c;

	n.count = 999;
	if (note_parse(&n, s)) {
		assert(n.count == 999);
		return;
	}
	assert(n.count >= 1 && n.count <= NOTE_SIGNATURES_MAX);
	assert(n.text.n && n.text.p == s.p && n.text.p[n.text.n - 1] == '\n');
	for (size_t i = 0; i < n.count; i++)
		assert(note_is_name(n.signature[i].name) &&
		       is_inside(n.signature[i].base64, s));
	if (checkpoint_parse(&c, n.text) == RC_OK)
		assert(c.origin.n && is_inside(c.extensions, s));
}

static void check_policy(struct span s)
{
	static struct witness_policy p;
	static struct witness_verdict v;
	size_t line;

	p.log_count = 999;
	if (witness_policy_read(&p, &line, s)) {
		assert(p.log_count == 999);
		return;
	}
	assert(p.has_quorum && p.log_count <= WITNESS_LOGS_MAX);
	assert(p.name_count <= WITNESS_NAMES_MAX);
	assert(p.quorum_is_none || p.quorum < p.name_count);
	for (size_t i = 0; i < p.name_count; i++)
		assert(!p.name[i].is_member || (p.name[i].group > i &&
						p.name[p.name[i].group].is_group));
	witness_judge(&v, s, &p, NULL, 0);
	assert(v.answer != WITNESS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of(data, size);
	struct note_key k;

	check_note(s);
	check_policy(s);
	if (note_key_read(&k, s) == RC_OK)
		assert(note_is_name(k.name) &&
		       (k.type == NOTE_ED25519 || k.type == NOTE_COSIGNATURE));
	return 0;
}
