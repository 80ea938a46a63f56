#include "pcs/refresh.h"

#include "base/mem.h"
#include "crypto/rng.h"
#include "pcs/schedule.h"

enum pcs_reason refresh_now(struct tee_prepared_info *info,
			    struct pcs_error *error,
			    const struct pcs_source *source,
			    const struct pcs_key *key, const char *dir,
			    const struct cache_terms *terms)
{
	AUTO(collateral_fini)
	struct collateral_files files = { 0 };
	enum pcs_reason reason =
		fetch_set(&files, error, source, key, terms->now);

	return reason ? reason
		      : cache_store(info, error, dir, key, &files, terms);
}

static bool is_due(const struct cache_set *s, int64_t now)
{
	return !s->is_valid ||
	       now >= schedule_refresh(s->fetched_at, s->info.valid_to,
				       rng_u32());
}

enum pcs_reason refresh_obtain(struct cache_set *out, struct pcs_error *error,
			       const struct pcs_source *source,
			       const struct pcs_key *key, const char *dir,
			       const struct cache_terms *terms)
{
	AUTO(cache_set_fini)
	struct cache_set stored = { 0 };
	struct pcs_error loading = { 0 };
	enum pcs_reason reason = cache_load(&stored, &loading, dir, key, terms);
	bool is_there = reason == PCS_OK;

	if (is_there && !is_due(&stored, terms->now)) {
		*out = stored;
		stored = (struct cache_set){ 0 };
		return PCS_OK;
	}
	reason = refresh_now(NULL, error, source, key, dir, terms);
	if (reason == PCS_OK)
		return cache_load(out, error, dir, key, terms);
	if (!is_there)
		return reason;
	*out = stored;
	stored = (struct cache_set){ 0 };
	return PCS_OK;
}
