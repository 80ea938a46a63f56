/*
 * climbing: the CAA climb of dns/climb.h, done live.  Blocks.
 *
 * Source: RFC 8659 §3; CA/Browser Forum Baseline Requirements §3.2.2.9
 *         (several perspectives).
 */
#ifndef POSTERN_RESOLVE_CLIMBING_H
#define POSTERN_RESOLVE_CLIMBING_H

#include "dns/climb.h"
#include "dns/wanted.h"
#include "resolve/validator.h"

/*
 * Climbs from 'name' (perhaps a wildcard) with one resolver.  The climb lies in
 * the arena.  Look-ups that fail are in it; RC_MALFORMED and RC_LIMIT as
 * climb_init() and climb_answer().
 */
enum rc climbing_do(struct climb *out, struct validator *r, struct arena *arena,
		    const struct dns_name *name, enum climb_scope scope);

enum {
	CLIMBING_VANTAGES_MAX = 16,
};

/* What several vantages see of one name. */
struct climbing_views {
	struct climb climbs[CLIMBING_VANTAGES_MAX];
	size_t count;
	/* Two of them see another governing set, or one sees none where another
	 * sees one: an attack on one path, or a change on its way. */
	bool disagree;
	size_t disagrees_with_first; /* the first that does, of 'climbs' */
	/* The weakest trust of any. */
	enum dns_trust trust;
};

/*
 * Climbs with each.  RC_LIMIT: over CLIMBING_VANTAGES_MAX, or the arena is too
 * small; none is RC_MALFORMED.
 */
enum rc climbing_views(struct climbing_views *out,
		       struct validator *const *vantages, size_t count,
		       struct arena *arena, const struct dns_name *name);

/*
 * Drift of the set at 'name' itself from what we wrote, in the view where it is
 * worst: *unknown counts the views that could not tell.  True: some view has
 * drifted, and *out is the first such one's.
 */
bool climbing_drift(struct wanted_drift *out, size_t *unknown,
		    const struct climbing_views *views,
		    const struct wanted *wanted);

#endif
