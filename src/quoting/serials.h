/*
 * serials: the highest serial seen of each signed list of platforms, kept on
 * disk, so that a list cannot go back across a restart either.
 *
 * A list is known by its name, its use and its signer's key.  The file lies in
 * the node's state folder:
 *
 *   postern-platform-serials 1
 *   deny 12 <key: 128 hex digits> example-datacentres
 *
 * Who can replace that folder can replace this, too: it stands against whoever
 * serves the lists, not against whoever owns the disk.
 *
 * Source: docs/PLATFORMS.md.
 */
#ifndef POSTERN_QUOTING_SERIALS_H
#define POSTERN_QUOTING_SERIALS_H

#include "base/rc.h"
#include "base/wr.h"
#include "tee/policy.h"

enum {
	SERIALS_MAX = 256, /* lists; a policy has at most 16 */
	SERIALS_TEXT_MAX = 64 * 1024, /* is always enough */
};

struct serial {
	char name[PLATFORM_NAME_MAX + 1];
	enum platform_use use;
	struct p256_point key;
	uint32_t serial;
};

/* Zeroed: none was seen. */
struct serials {
	struct serial entries[SERIALS_MAX];
	size_t count;
};

/* RC_MALFORMED, *out untouched: not what serials_write() writes. */
enum rc serials_parse(struct serials *out, struct span text);
void serials_write(struct wr *w, const struct serials *s);

/*
 * Takes in what a policy's lists bear, of those that are in order; *is_new:
 * something was not known.  RC_LIMIT, and nothing taken in: too many lists.
 */
enum rc serials_learn(struct serials *s, bool *is_new,
		      const struct tee_policy *policy);

/*
 * What is known in the form of a policy before, for policy_load().  'lists' is
 * its storage; it borrows s.
 */
struct tee_policy serials_as_policy(const struct serials *s,
				    struct policy_list lists[SERIALS_MAX]);

/*
 * From and to the file 'path'.  One that is not there is none seen; what cannot
 * be read is RC_SYS (errno), RC_UNSUPPORTED, RC_LIMIT or RC_MALFORMED.  Saving
 * fails with RC_SYS; the file is then the old one.
 */
enum rc serials_load(struct serials *out, const char *path);
enum rc serials_save(const struct serials *s, const char *path);

#endif
