/*
 * account: the account at one CA: what of it is kept, what is said about it.
 *
 * The account's URL is what CAA records pin, so an account is never replaced
 * behind anybody's back: once it has a URL, the only ways on are the states
 * below, and from ACCOUNT_LOST none.
 *
 * Source: RFC 8555 §7.1.2 (object), §7.3 (new, find, update, terms, binding,
 * key change, deactivation).
 */
#ifndef POSTERN_ACME_ACCOUNT_H
#define POSTERN_ACME_ACCOUNT_H

#include "acme/directory.h"
#include "acme/jws.h"

enum account_status {
	ACCOUNT_NONE, /* never asked for; a key may be ready */
	ACCOUNT_VALID,
	ACCOUNT_DEACTIVATED, /* by us */
	ACCOUNT_REVOKED, /* by the CA */
	ACCOUNT_LOST, /* it had a URL, and the CA no longer knows its key */
};

enum {
	ACCOUNT_CONTACTS_MAX = 8,
	ACCOUNT_CONTACT_MAX = 256,
	ACCOUNT_BINDING_KEY_MAX = 128,
};

struct account {
	enum account_status status;
	char url[ACME_URL_MAX]; /* empty until the CA gave it one */
	struct jws_thumbprint key; /* of the key it is under */
	/* A key change was begun, and its end is not known: the new key. */
	struct jws_thumbprint next_key;
};

/* What newAccount and the update of an account say.  Borrows. */
struct account_wish {
	const char *const *contacts; /* "mailto:..." */
	size_t contact_count;
	bool agrees; /* to the terms of service */
	bool only_existing; /* onlyReturnExisting */
	/* externalAccountBinding; kid.n == 0: none */
	struct span binding_kid, binding_key;
};

/* "none", "valid", ... and back; false: no such word. */
const char *account_status_name(enum account_status s);
bool account_status_of(enum account_status *out, struct span name);

/*
 * The payloads, appended.  RC_LIMIT: too long; RC_MALFORMED: a text is not
 * UTF-8.
 */
enum rc account_new_payload(struct buf *out, const struct account_wish *w,
			    struct span url, const struct p256_point *key);
enum rc account_update_payload(struct buf *out, const struct account_wish *w);
enum rc account_deactivate_payload(struct buf *out);
/* The inner JWS of §7.3.5, signed by the new key. */
enum rc account_key_change_payload(struct buf *out, struct span url,
				   const char *account,
				   const struct p256_private *new_key,
				   const struct p256_point *old_key);

/* The status in an account object; RC_MALFORMED: it is none. */
enum rc account_read(enum account_status *out, struct span json);

#endif
