/*
 * query: one DNS message to one address, and the answer.  Blocks.
 *
 * Source: RFC 1035 §4.2; RFC 7766 (TCP); RFC 5452 §9 (which answers count).
 */
#ifndef POSTERN_RESOLVE_QUERY_H
#define POSTERN_RESOLVE_QUERY_H

#include "base/buf.h"
#include "dns/message.h"
#include "io/sock.h"

/*
 * Sends a message over TCP and reads one.
 *
 * RC_SYS    no connection; errno says
 * RC_LIMIT  no whole answer in time
 * RC_CLOSED it hung up
 */
enum rc query_tcp(struct buf *answer, const struct sock_addr *to,
		  struct span message, unsigned timeout_ms);

/*
 * Asks a question, with an id of its own, over UDP, thrice at most, and over
 * TCP when the answer was cut.  The answer is read into *out, whose bytes and
 * records lie in the arena; datagrams that are no answer to it are dropped.  As
 * query_tcp(), and RC_MALFORMED.
 */
enum rc query_ask(struct dns_message *out, struct arena *arena,
		  const struct sock_addr *to, const struct dns_ask *ask,
		  const struct dns_name *name, uint16_t type,
		  unsigned timeout_ms);

#endif
