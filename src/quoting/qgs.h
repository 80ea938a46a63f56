/*
 * qgs: messages to and from the host's quote generation service, which has the
 * quoting enclave turn a TD's report into a quote.
 *
 * The host is not trusted: its answer is bytes of a stranger until a verifier
 * has seen them.
 *
 *   frame     big-endian u32 length, then a message; all else little-endian
 *   message   u16 major (1), u16 minor (0), u32 type, u32 size of the message,
 *             u32 error
 *   type 0    get-quote request: u32 report length, u32 id list length (0),
 *             the report
 *   type 1    its response: u32 id length, u32 quote length, id, quote
 *
 * Pure: bytes in, views out.
 *
 * Source: Intel SGX DCAP, quote generation service, message library
 * (qgs_msg_lib.h).
 */
#ifndef POSTERN_QUOTING_QGS_H
#define POSTERN_QUOTING_QGS_H

#include "base/wr.h"
#include "tee/quote.h"
#include "tee/tdreport.h"

enum {
	QGS_HEADER_LEN = 4 + 16, /* with the frame's length */
	QGS_REQUEST_LEN = QGS_HEADER_LEN + 8 + TDREPORT_LEN,
	QGS_ID_MAX = 256,
	QGS_REPLY_MAX = QGS_HEADER_LEN + 8 + QGS_ID_MAX + QUOTE_MAX,
};

/* Writes a get-quote request with its frame: QGS_REQUEST_LEN bytes. */
void qgs_request_write(struct wr *w, const uint8_t report[TDREPORT_LEN]);

enum qgs_reading {
	QGS_QUOTE, /* *quote is it; borrows what was received */
	QGS_MORE, /* the frame is not whole yet */
	QGS_REFUSED, /* the service says *error, never 0 */
	QGS_MALFORMED,
};

/* Reads the response at the front of what was received so far; nothing may
 * follow it.  Outputs are untouched where not named. */
enum qgs_reading qgs_reply_read(struct span *quote, uint32_t *error,
				struct span received);

#endif
