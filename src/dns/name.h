/*
 * name: a domain name, as messages carry it and as people write it.
 *
 * Kept in wire form with its letters in lower case, so that two names that DNS
 * takes for one are the same bytes.
 *
 * Written names are stricter than DNS: labels of letters, digits, '-' and '_',
 * "*" alone as the first of them.  An internationalised name comes as A-labels
 * ("xn--..."); Unicode, a NUL, an escape, an empty label are refused, since
 * two programs could read them as two names.  What a message carries may hold
 * any byte.
 *
 * Pure.
 *
 * Source: RFC 1035 §2.3.4, §3.1, §4.1.4 (compression); RFC 4343 (case);
 *         RFC 4592 §2.1.1 (wildcards); RFC 6672 §2.2 (DNAME).
 */
#ifndef POSTERN_DNS_NAME_H
#define POSTERN_DNS_NAME_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"

enum {
	/* RFC 1035 §2.3.4 */
	DNS_NAME_MAX = 255, /* bytes on the wire, with the root's */
	DNS_LABEL_MAX = 63,
	DNS_LABELS_MAX = 127,
	/* Every byte as \DDD, dots, a NUL. */
	DNS_NAME_TEXT = 4 * DNS_NAME_MAX,
};

/* wire[0 .. n): length bytes and labels, the root's 0 last; n == 0: none. */
struct dns_name {
	uint8_t n;
	uint8_t wire[DNS_NAME_MAX];
};

/* The root, ".". */
void dns_name_root(struct dns_name *out);

/*
 * Reads a written name; one dot at its end may stand there.  "." is the root.
 * RC_MALFORMED, *out untouched: the rules above, a label over 63 bytes, a name
 * over 255.
 */
enum rc dns_name_parse(struct dns_name *out, struct span text);

/*
 * Writes the name without a dot at its end, "." for the root.  Bytes that no
 * written name has are \DDD.  DNS_NAME_TEXT is always enough for it and a NUL.
 */
void dns_name_write(struct wr *w, const struct dns_name *name);
/* The same into a string. */
void dns_name_text(char out[DNS_NAME_TEXT], const struct dns_name *name);

/*
 * Takes a name from the front of *at, which lies in 'message'; RFC 1035 §4.1.4
 * pointers must lead to an earlier place each, so that no chain of them
 * returns.  False, nothing changed: it breaks that, or is too long.
 */
bool dns_name_read(struct dns_name *out, struct span *at, struct span message);
/* The same where no pointer may stand: RDATA of a type newer than RFC 1035. */
bool dns_name_read_plain(struct dns_name *out, struct span *at);

struct span dns_name_wire(const struct dns_name *name);
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
/* 'name' is 'ancestor' or stands under it, label by label. */
bool dns_name_is_under(const struct dns_name *name,
		       const struct dns_name *ancestor);
/* Labels without the root: 3 in www.example.com. */
size_t dns_name_labels(const struct dns_name *name);
/* Its first label is "*". */
bool dns_name_is_wildcard(const struct dns_name *name);

/* The name without its first label; false of the root. */
bool dns_name_parent(struct dns_name *out, const struct dns_name *name);
/* <label>.<name>; false when that is too long.  'label' is one label or several
 * with dots, as dns_name_parse() takes them. */
bool dns_name_prefix(struct dns_name *out, const char *label,
		     const struct dns_name *name);
/* 'name', under 'from', moved under 'to'; false: it is not, or too long. */
bool dns_name_replace(struct dns_name *out, const struct dns_name *name,
		      const struct dns_name *from, const struct dns_name *to);
/*
 * What stands before 'zone' in 'name', as provider APIs call a record:
 * "_acme-challenge.www" of _acme-challenge.www.example.com in example.com,
 * empty for the zone itself.  False: it is not under it.
 */
bool dns_name_relative(char out[DNS_NAME_TEXT], const struct dns_name *name,
		       const struct dns_name *zone);

#endif
