/*
 * verify_gather: everything about a host that is to be had now: its documents
 * over one TLS connection, DNS, the history of its certificates.
 *
 * What cannot be had is left out, with a line on standard error; the checks
 * say what follows.
 */
#ifndef POSTERN_CLI_VERIFY_GATHER_H
#define POSTERN_CLI_VERIFY_GATHER_H

#include "cli/verify_options.h"
#include "http/fetch.h"

/* verify_documents.c: over TLS. */
void verify_gather_documents(struct gathered *out, struct arena *arena,
			     const struct verify_options *o);
/* verify_dns.c: CAA at every level, _validation-persist, _acme-challenge. */
void verify_gather_dns(struct gathered *out, struct arena *arena,
		       const struct verify_options *o,
		       const struct verify_grounds *g);
/* verify_history.c: the sources, and the list of logs. */
void verify_gather_history(struct gathered *out, struct arena *arena,
			   const struct verify_options *o);
/* verify_crls.c: of what the sources know that is not the service's own: who
 * issued it (the server's chain, or where it points), and the revocation list
 * that it points to. */
void verify_gather_crls(struct gathered *out, struct arena *arena,
			const struct verify_options *o);
/* verify_logs.c: that the logs of the evidence, and of the last visit, have
 * only grown. */
void verify_gather_logs(struct gathered *out, struct arena *arena,
			const struct verify_options *o,
			const struct material_memory *memory);

/* fetch() within the time that is left; a failure was told already. */
enum fetch_result verify_fetch(struct web_answer *out,
			       const struct web_ask *ask,
			       const struct verify_options *o,
			       const char *what);

/* A line for a person about what could not be had. */
void verify_miss(const char *what, const char *why);

#endif
