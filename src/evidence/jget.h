/*
 * jget: the members of this room's documents, each in the one form it may
 * have.  Internal: others read documents through the modules that own them.
 *
 * A reader remembers the first thing that went wrong and gives false from then
 * on, so that a document is read in one chain and judged at its end.
 */
#ifndef POSTERN_EVIDENCE_JGET_H
#define POSTERN_EVIDENCE_JGET_H

#include "base/arena.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "json/jtree.h"

struct jget {
	struct arena *arena;
	enum rc rc; /* RC_OK so far */
};

/* The object at the top of a text of at most 'max' bytes, or NULL: RC_LIMIT,
 * RC_MALFORMED. */
const struct jtree *jget_top(struct jget *g, struct span text, size_t max);

/* False, with this reason unless there is one. */
bool jget_fail(struct jget *g, enum rc rc);

/* It is an object, and each of its members is one of these names, which end
 * with NULL. */
bool jget_only(struct jget *g, const struct jtree *object,
	       const char *const *names);
bool jget_has(const struct jtree *object, const char *name);

/* Each is there and of its form: printable ASCII of 1..max bytes; any text of
 * at most max bytes; digits up to max; true or false. */
bool jget_ascii(struct jget *g, struct span *out, const struct jtree *object,
		const char *name, size_t max);
bool jget_text(struct jget *g, struct span *out, const struct jtree *object,
	       const char *name, size_t max);
bool jget_number(struct jget *g, uint64_t *out, const struct jtree *object,
		 const char *name, uint64_t max);
bool jget_time(struct jget *g, int64_t *out, const struct jtree *object,
	       const char *name);
bool jget_bool(struct jget *g, bool *out, const struct jtree *object,
	       const char *name);
const struct jtree *jget_object(struct jget *g, const struct jtree *object,
				const char *name);

/* 64 lower-case hex digits. */
bool jget_hash(struct jget *g, struct sha256 *out, const struct jtree *object,
	       const char *name);
bool jget_hash_value(struct jget *g, struct sha256 *out,
		     const struct jtree *value);
/* Exactly n bytes in base64url. */
bool jget_base64url(struct jget *g, void *out, size_t n,
		    const struct jtree *object, const char *name);
/* Bytes of any number, in the arena; the second of hex of either case, which
 * may be missing or empty: *out is then empty. */
bool jget_base64url_value(struct jget *g, struct span *out,
			  const struct jtree *value);
bool jget_base64(struct jget *g, struct span *out,
		 const struct jtree *object, const char *name);
bool jget_hex_if_any(struct jget *g, struct span *out,
		     const struct jtree *object, const char *name);
/* A text that may be missing, null or empty. */
bool jget_text_if_any(struct jget *g, struct span *out,
		      const struct jtree *object, const char *name);

/*
 * An array of at most max values, each read by fn into an element of 'size'
 * bytes, in the arena.
 */
typedef bool jget_fn(struct jget *g, void *element, const struct jtree *value);
struct jget_list {
	const char *name;
	size_t size, max;
	jget_fn *fn;
};
bool jget_array(struct jget *g, const void **out, size_t *count,
		const struct jtree *object, const struct jget_list *list);
/* The same of texts in ASCII (struct span), and of hashes. */
bool jget_asciis(struct jget *g, const struct span **out, size_t *count,
		 const struct jtree *object, const char *name, size_t max);
bool jget_hashes(struct jget *g, const struct sha256 **out, size_t *count,
		 const struct jtree *object, const char *name, size_t max);

/* Printable ASCII, not empty. */
bool jget_is_ascii(struct span s);

#endif
