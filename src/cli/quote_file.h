/*
 * quote_file: a quote as somebody kept it: raw bytes, hex, base64, or a JSON
 * object with the quote in hex and perhaps dstack's event log beside it.
 */
#ifndef POSTERN_CLI_QUOTE_FILE_H
#define POSTERN_CLI_QUOTE_FILE_H

#include "base/buf.h"
#include "base/rc.h"

/* Zeroed: empty. */
struct quote_file {
	struct buf quote;
	struct buf event_log; /* JSON; empty: none was there */
};

enum {
	QUOTE_FILE_ERROR_MAX = 512,
};

/*
 * RC_OK         *out is filled: quote_file_fini()
 * RC_SYS        the file cannot be read
 * RC_LIMIT      it is larger than 1 MiB, or what it holds than a quote may be
 * RC_MALFORMED  it begins as JSON and is no such object
 *
 * On failure error names the file and says why.  What is none of the texts is
 * taken for raw bytes, which the verifier then judges.
 */
enum rc quote_file_read(struct quote_file *out, const char *path,
			char error[QUOTE_FILE_ERROR_MAX]);
void quote_file_fini(struct quote_file *f);

#endif
