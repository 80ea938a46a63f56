#include "registrar/refusals.h"

void refusals_add(struct refusals *r, const struct refusal *refusal)
{
	r->ring[r->total++ % REFUSALS_MAX] = *refusal;
}

size_t refusals_count(const struct refusals *r)
{
	return r->total < REFUSALS_MAX ? (size_t)r->total : REFUSALS_MAX;
}

const struct refusal *refusals_at(const struct refusals *r, size_t index)
{
	return &r->ring[(r->total - 1 - index) % REFUSALS_MAX];
}
