/*
 * writer: puts records into the DNS, or has them put, and makes sure that every
 * authoritative server shows them before a CA is asked to look.
 *
 * By RFC 2136 where dns.update is configured; otherwise nobody here may write,
 * and the caller is told which record its owner has to make: with
 * dns-persist-01 or a delegated name that is once.  Blocks.
 */
#ifndef POSTERN_CERTD_WRITER_H
#define POSTERN_CERTD_WRITER_H

#include "acme/authz.h"
#include "certd/vantage.h"
#include "dns/wanted.h"
#include "resolve/sender.h"

struct writer {
	const struct config_dns *config;
	struct vantage *vantage;
	struct tsig_key key;
	bool has_update;
};

/* RC_MALFORMED, RC_SYS: error says what of dns.update is wrong.  Borrows. */
enum rc writer_open(struct writer *out, const struct config_dns *config,
		    struct vantage *v, char error[NODE_ERROR_MAX]);
/* Erases the key.  For AUTO(). */
void writer_close(struct writer *w);

bool writer_may_write(const struct writer *w);

/*
 * A challenge's TXT record: there, beside what else is at its name, and seen at
 * every server; of dns-persist-01 only looked for.  RC_DENIED, RC_LIMIT, ...:
 * error says why, and which record is wanted where nobody here may write.
 */
enum rc writer_show(struct writer *w, const struct proof *p,
		    char error[NODE_ERROR_MAX]);
/* Waits until every server shows the record that somebody else put there. */
enum rc writer_see(struct writer *w, const struct proof *p,
		   char error[NODE_ERROR_MAX]);
/* Takes it away again. */
enum rc writer_hide(struct writer *w, const struct proof *p,
		    char error[NODE_ERROR_MAX]);

/*
 * The CAA set of a name: exactly 'wanted', at every server.  Changed in one
 * step, and only if it differs: *changed says so.
 */
enum rc writer_caa(struct writer *w, const struct dns_name *name,
		   const struct wanted *wanted, bool *changed,
		   char error[NODE_ERROR_MAX]);

#endif
