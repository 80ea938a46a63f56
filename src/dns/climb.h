/*
 * climb: which CAA set governs a name, and who may issue for it.
 *
 * A climb asks for the CAA records of the name, then of each ancestor up to
 * the top-level domain; the first set with a record in it governs, and sets are
 * never merged.  It asks, the caller looks up:
 *
 *	climb_init(&c, &arena, &name, CLIMB_ALL);
 *	while ((ask = climb_next(&c)))
 *		... look 'ask' up, following CNAME and DNAME ...
 *		rc = climb_answer(&c, &found);
 *
 * so that live look-ups and a recorded proof (resolve/proof.h) are judged by
 * the same code.  Aliases are followed by whoever looks up; the parents of
 * their target are never climbed (RFC 8659 §3).
 *
 * A look-up that failed, or whose DNSSEC signatures are wrong, is not "no
 * records": what depends on it is undecided, whatever stands above.
 *
 * Pure; memory only from the arena, which outlives the climb.
 *
 * Source: RFC 8659 §3; CA/Browser Forum Baseline Requirements §3.2.2.8 (a
 *         failed look-up, DNSSEC).
 */
#ifndef POSTERN_DNS_CLIMB_H
#define POSTERN_DNS_CLIMB_H

#include "dns/caa.h"
#include "dns/name.h"
#include "dns/trust.h"

/* What came of one look-up. */
struct climb_found {
	enum dns_trust trust;
	struct dns_name at; /* the end of the aliases; the name asked: none */
	const struct span *rdatas; /* of the CAA records there; */
	size_t count; /* 0: it is known that there is none */
};

enum climb_scope {
	CLIMB_FIRST, /* up to the set that governs */
	CLIMB_ALL, /* to the top: what the ancestors' wildcards need */
};

/* One step of the climb. */
struct climb_level {
	struct dns_name name; /* where it was asked */
	struct dns_name at; /* where its aliases led; usually 'name' */
	enum dns_trust trust;
	/* It came, and cannot be read (caa_set_read()); then trust is FAILED */
	bool is_malformed;
	struct caa_set set;
};

struct climb {
	struct arena *arena;
	enum climb_scope scope;
	bool is_wildcard; /* of the name it was made for */
	struct climb_level *levels; /* from the name to one label */
	size_t count, answered;
};

/*
 * 'name' may begin with "*", which is left out of the climb (RFC 8659 §3).
 * RC_MALFORMED: the root, or "*" alone.  RC_LIMIT: no room in the arena.
 */
enum rc climb_init(struct climb *c, struct arena *arena,
		   const struct dns_name *name, enum climb_scope scope);
/* The name to look up next; NULL: finished. */
const struct dns_name *climb_next(const struct climb *c);
/* What came of it; copies.  RC_LIMIT: no room in the arena, nothing taken. */
enum rc climb_answer(struct climb *c, const struct climb_found *found);

/* The set that governs a name. */
struct climb_governing {
	enum {
		CLIMB_GOVERNED, /* by 'level' */
		CLIMB_UNRESTRICTED, /* no record at any level */
		CLIMB_UNDECIDED, /* what 'level' holds is not known */
	} state;
	const struct climb_level *level; /* NULL: UNRESTRICTED */
	/* The weakest of the answers it rests on: the set's, and of the absence
	 * at each level below it. */
	enum dns_trust trust;
};
/* Of the climb's name or an ancestor of it with at least one label. */
struct climb_governing climb_governing(const struct climb *c,
				       const struct dns_name *name);

/* What a CA would decide for the climb's name, its wildcard if it is one. */
struct climb_decision {
	bool is_decided; /* false: no CA may issue, and we cannot tell */
	struct caa_judgement judgement; /* of a decided one */
	struct climb_governing governing;
};
struct climb_decision climb_decide(const struct climb *c,
				   const struct caa_request *request);

/* A way in which somebody else could get a certificate. */
struct climb_finding {
	/* CAA_HOLE_NONE: undecided, so it could be any */
	enum caa_hole hole;
	struct dns_name subject; /* the name on the certificate, without "*." */
	bool is_wildcard; /* it is *.subject */
	/* Clients would take such a certificate for a name we serve.  Others
	 * are reported because tomorrow's names may stand there. */
	bool covers;
	const struct climb_level *level; /* where; NULL: no set at any level */
	const struct caa_property *by; /* NULL: OPEN, or undecided */
};
enum {
	CLIMB_FINDINGS_MAX = 512,
};
struct climb_exclusivity {
	const struct climb_finding *findings; /* in the arena */
	size_t count, covering_count;
	/* A critical property that RFC 8659 does not know, in the name's set:
	 * it stops every CA that does not know it either, ours too.  What the
	 * other properties leave open is listed all the same. */
	const struct caa_property *blocked;
	enum dns_trust trust; /* the weakest it rests on */
};

/*
 * Who else could issue, of a finished CLIMB_ALL climb:
 *
 *   for the name and for its wildcard (of a served wildcard *.n: for the names
 *   under n and for *.n), and for the wildcard of each ancestor of two labels
 *   or more; *.parent covers the name as well as its own certificate would,
 *   and its CAA look-up never sees the name's own set.
 *
 * A name is held by 'mine' alone when covering_count is 0.
 * RC_LIMIT: over CLIMB_FINDINGS_MAX, or no room in the arena.
 */
enum rc climb_others(struct climb_exclusivity *out, const struct climb *c,
		     const struct caa_pins *mine);

#endif
