#include "keys/quorum.h"

#include <string.h>

struct keys_node *keys_quorum_node(struct keys_quorum *q,
				   const uint8_t id[KEYS_ID_LEN])
{
	struct keys_node *n;

	for (size_t i = 0; i < q->count; i++)
		if (span_equal(SPAN_ARRAY(q->nodes[i].id),
			       span_of(id, KEYS_ID_LEN)))
			return &q->nodes[i];
	if (q->count == KEYS_QUORUM_MAX)
		return NULL;
	n = &q->nodes[q->count++];
	*n = (struct keys_node){ 0 };
	memcpy(n->id, id, sizeof(n->id));
	return n;
}

/* A node that the policy lists and that is not this one. */
static bool counts(const struct keys_quorum *q, const struct keys_policy *p,
		   const struct keys_node *n)
{
	return keys_policy_has_node(p, n->id) &&
	       !span_equal(SPAN_ARRAY(n->id), SPAN_ARRAY(q->own));
}

size_t keys_quorum_holders(const struct keys_quorum *q,
			   const struct keys_policy *p, uint64_t version)
{
	size_t count = keys_policy_has_node(p, q->own);

	for (size_t i = 0; i < q->count; i++)
		count += counts(q, p, &q->nodes[i]) &&
			 q->nodes[i].confirmed >= version;
	return count;
}

size_t keys_quorum_linked(const struct keys_quorum *q,
			  const struct keys_policy *p)
{
	size_t count = keys_policy_has_node(p, q->own);

	for (size_t i = 0; i < q->count; i++)
		count += counts(q, p, &q->nodes[i]) && q->nodes[i].is_linked;
	return count;
}

bool keys_quorum_is_settled(const struct keys_quorum *q,
			    const struct keys_policy *p, uint64_t version)
{
	for (size_t i = 0; i < q->count; i++)
		if (counts(q, p, &q->nodes[i]) && q->nodes[i].is_linked &&
		    q->nodes[i].confirmed < version)
			return false;
	return true;
}

bool keys_quorum_is_fresh(const struct keys_quorum *q,
			  const struct keys_policy *p, uint64_t now_ms,
			  uint64_t within_ms)
{
	size_t count = keys_policy_has_node(p, q->own);

	for (size_t i = 0; i < q->count; i++)
		count += counts(q, p, &q->nodes[i]) && q->nodes[i].was_heard &&
			 now_ms - q->nodes[i].heard_at_ms <= within_ms;
	return count >= keys_majority(p->node_count);
}
