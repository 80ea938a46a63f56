/*
 * Release policies, as documents and as objects.  An object that is read is
 * within its bounds, a document that splits joins to one that splits alike, and
 * nothing unsigned is ever accepted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keys/document.h"
#include "keys/policy_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_object(struct span object)
{
	char error[KEYS_POLICY_ERROR_MAX] = "";
	struct keys_policy p = { 0 };
	struct arena arena;

	arena_init(&arena, KEYS_POLICY_TREE_MAX);
	if (keys_policy_read_object(&p, &arena, object, error) == KEYS_OK) {
		if (!p.serial || !p.node_count || p.node_count > KEYS_NODES_MAX ||
		    p.image_count > KEYS_IMAGES_MAX || p.app_count > KEYS_APPS_MAX)
			abort();
		for (size_t i = 0; i < p.app_count; i++)
			if (!p.apps[i].per_minute ||
			    p.apps[i].manifest_count > KEYS_MANIFESTS_MAX ||
			    (p.apps[i].manifest_count && !p.apps[i].lists_manifests) ||
			    keys_policy_app(&p, p.apps[i].id) != &p.apps[i])
				abort();
	} else if (!error[0] || p.serial) {
		abort();
	}
	arena_fini(&arena);
}

static void fuzz_document(struct span text)
{
	struct keys_signature s[KEYS_ADMINS_MAX], again[KEYS_ADMINS_MAX];
	uint8_t *room = mem_new(2 * KEYS_POLICY_MAX);
	struct wr w = wr_over(room, 2 * KEYS_POLICY_MAX);
	struct span object, object_again, joined;
	size_t count, count_again;

	if (keys_document_split(&object, s, &count, text)) {
		fuzz_object(object);
		keys_document_join(&w, object, s, count);
		if (!wr_done(&w, &joined))
			abort();
		if (joined.n <= KEYS_POLICY_MAX &&
		    (!keys_document_split(&object_again, again, &count_again, joined) ||
		     count_again != count || !span_equal(object, object_again)))
			abort();
	}
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys_authority a = { .admin_count = 1, .quorum = 1 }, read;
	char error[KEYS_POLICY_ERROR_MAX] = "";
	struct span text = span_of(data, size);
	struct keys_policy p;
	struct arena arena;

	arena_init(&arena, KEYS_POLICY_TREE_MAX);
	if (keys_policy_read(&p, &arena, text, &a, error) == KEYS_OK)
		abort();
	arena_fini(&arena);
	if (keys_authority_read(&read, text, error) == RC_OK &&
	    (!read.quorum || read.quorum > read.admin_count))
		abort();
	fuzz_document(text);
	return 0;
}
