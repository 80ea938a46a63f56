/*
 * caa: one CAA record set and what it lets a certification authority do.
 *
 * Two questions are answered.  caa_may_issue() is what a CA that follows the
 * RFCs decides for one of its accounts.  caa_others() is what whoever owns the
 * name wants to know: who beside the ways in 'mine' could get a certificate.
 * Where a value could be read in two ways each question takes the reading that
 * is worse for the asker: the first then refuses, the second lists it.
 *
 * Which set governs a name is climb.h.
 *
 * Pure; memory only from the arena.
 *
 * Source: RFC 8659 §4 (records, issue, issuewild, iodef), §3 (critical flag);
 *         RFC 8657 §3 (accounturi), §4 (validationmethods).
 */
#ifndef POSTERN_DNS_CAA_H
#define POSTERN_DNS_CAA_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/wr.h"

enum {
	CAA_FLAG_CRITICAL = 128, /* RFC 8659 §4.1 */
	CAA_PROPERTIES_MAX = 64, /* of one set that we read */
};

enum caa_tag {
	CAA_ISSUE,
	CAA_ISSUEWILD,
	CAA_IODEF,
	CAA_OTHER, /* unknown to RFC 8659; refuses all if it is critical */
};

/* One property.  Its spans borrow the arena the set was read into. */
struct caa_property {
	uint8_t flags;
	enum caa_tag tag;
	struct span tag_text; /* as served */
	struct span value; /* as served */
	/* Of ISSUE and ISSUEWILD: */
	bool is_well_formed; /* RFC 8659 §4.2; if not it permits nobody */
	/* A parameter of RFC 8657 in other letter case: readers differ. */
	bool is_ambiguous;
	struct span issuer; /* n == 0: nobody */
	unsigned account_count, methods_count; /* of each parameter */
	struct span account; /* accounturi, the first */
	struct span methods; /* validationmethods, the first: "a,b" */
};

struct caa_set {
	const struct caa_property *items;
	size_t count; /* 0: no record, so no restriction here */
};

/*
 * Reads the RDATA of every CAA record of one name; copies what it keeps.
 *
 * RC_MALFORMED  a record is no CAA record (RFC 8659 §4.1: a tag of 1..255
 *               letters and digits): what it says is unknown
 * RC_LIMIT      over CAA_PROPERTIES_MAX, or the arena has no room
 *
 * A malformed *value* is no failure.  On failure *out is untouched.
 */
enum rc caa_set_read(struct caa_set *out, struct arena *arena,
		     const struct span *rdatas, size_t count);
/* Writes one record's RDATA. */
void caa_write_rdata(struct wr *w, uint8_t flags, struct span tag,
		     struct span value);
/* As zone files have it: 0 issue "ca.example; ..."; bytes out of printable
 * ASCII, '"' and '\' are escaped. */
void caa_write_text(struct wr *w, const struct caa_property *p);
/* Reads that form: flags, tag and value, quoted or not.  RC_MALFORMED. */
enum rc caa_text_rdata(struct wr *w, struct span text);

/* Who asks for what. */
struct caa_request {
	struct span issuer; /* the CA's issuer domain name */
	struct span account; /* its URI of the account; n == 0: none */
	struct span method; /* "dns-01", ... */
	bool is_wildcard;
};

enum caa_answer {
	CAA_PERMITTED,
	CAA_FORBIDDEN,
};

/* Why; each names the rule it comes from, see caa_reason_rule(). */
enum caa_reason {
	CAA_NO_RECORDS, /* permitted: nothing restricts */
	CAA_NO_ISSUE, /* permitted: records, but none about this kind */
	CAA_MATCHES, /* permitted by a property */
	CAA_CRITICAL, /* forbidden: an unknown critical property */
	CAA_NOT_NAMED, /* forbidden: no property names the issuer */
	CAA_OTHER_ACCOUNT, /* named, with other accounts only */
	CAA_OTHER_METHOD, /* named, with other validation methods only */
	CAA_UNSATISFIABLE, /* named, malformed or parameters twice */
};

/* "no_records", ... and "RFC 8659 4.2", ...: constant. */
const char *caa_reason_name(enum caa_reason r);
const char *caa_reason_rule(enum caa_reason r);

struct caa_judgement {
	enum caa_answer answer;
	enum caa_reason reason;
	const struct caa_property *by; /* MATCHES, CRITICAL; or NULL */
};

/* What the set that governs a name says; an empty set restricts nothing. */
struct caa_judgement caa_may_issue(const struct caa_set *set,
				   const struct caa_request *request);

/*
 * One way in which we get certificates: this CA, with this account, by these
 * methods.  'issuers' are the CA's names (its directory's caaIdentities).
 */
struct caa_pin {
	const struct span *issuers;
	size_t issuer_count;
	struct span account;
	const struct span *methods; /* the only ones that may be allowed */
	size_t method_count; /* 0: any will do */
};
struct caa_pins {
	const struct caa_pin *items;
	size_t count;
};

/* In which way others could get a certificate. */
enum caa_hole {
	CAA_HOLE_NONE, /* only what the pins say */
	CAA_HOLE_OPEN, /* nothing restricts this kind: any CA, any account */
	CAA_HOLE_ISSUER, /* another CA */
	CAA_HOLE_NO_ACCOUNT, /* our CA, any account of it */
	CAA_HOLE_ACCOUNT, /* our CA, another account */
	CAA_HOLE_METHOD, /* our account, by a method not ours, or by any */
};
const char *caa_hole_name(enum caa_hole h);
const char *caa_hole_rule(enum caa_hole h);

/* The hole that one ISSUE or ISSUEWILD property is. */
enum caa_hole caa_property_hole(const struct caa_property *p,
				const struct caa_pins *mine);
/*
 * The properties that count for a kind of name: 'issuewild' where there is one,
 * else 'issue' (RFC 8659 §4.3).  NULL: none is left.  Begin with *at = 0.
 */
const struct caa_property *caa_next_relevant(const struct caa_set *set,
					     bool is_wildcard, size_t *at);
/* A critical property that RFC 8659 does not know: nobody may issue. */
const struct caa_property *caa_blocked(const struct caa_set *set);

/*
 * The grammar that 'issue' values and dns-persist-01 records share (RFC 8659
 * §4.2): a domain name, then ';' and parameters.  Consumes; each false is the
 * end or a breach, which is told by what is left.
 */
struct caa_parameter {
	struct span tag, value;
};
/* The name and the white space around it; an empty one where ';' or the end
 * comes first. */
bool caa_rd_issuer(struct span *value, struct span *issuer);
/* The next "; tag=value". */
bool caa_rd_parameter(struct span *value, struct caa_parameter *out);

#endif
