/*
 * measured: this machine's quotes and its event log together, for threads: a
 * quote whose RTMR3 the log does not explain is refused by whoever reads it, so
 * no event is extended while a quote is made, and each quote is kept beside the
 * log of its moment.
 *
 * The tunnel goes first.  Its renewals wait for what is under way, one quote or
 * event at most, however many the containers ask for.
 */
#ifndef POSTERN_AGENT_MEASURED_H
#define POSTERN_AGENT_MEASURED_H

#include "base/buf.h"
#include "channel/batch.h"
#include "node/identity.h"

struct measured;

/* Borrows all three; 'state' is the identity's.  Returns owned:
 * measured_free(), after the threads that use it. */
struct measured *measured_new(struct identity *id, struct quote_source *source,
			      const char *state);
void measured_free(struct measured *m);

/* For the tunnel's batch; 'arg' is a struct measured. */
batch_quote_fn measured_quote;
/* Appends the log that goes with the last quote made so; where the next one is
 * made already, that one's: then the peer refuses, and the round is done again.
 * RC_LIMIT. */
enum rc measured_log(struct measured *m, struct buf *out);

/* For all others, from any thread: a quote and the log that goes with it,
 * appended; failures as quote_source_get(). */
enum rc measured_quote_with_log(struct measured *m, struct buf *quote,
				struct buf *log,
				const uint8_t report_data[]);
/* As identity_extend(); *rtmr3 is then the register's new value, and the log
 * with the event in it is appended to *log. */
enum rc measured_extend(struct measured *m, const char *event,
			struct span payload, struct sha384 *rtmr3,
			struct buf *log);

#endif
