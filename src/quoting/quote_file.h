/*
 * quote_file: a quote as somebody kept it: raw bytes, hex, base64, or a JSON
 * object with the quote in one of these texts and perhaps dstack's event log
 * beside it.
 *
 * Hex may begin with 0x; base64 may be that of URLs and lack its padding; white
 * space does not count in either.
 */
#ifndef POSTERN_QUOTING_QUOTE_FILE_H
#define POSTERN_QUOTING_QUOTE_FILE_H

#include "base/buf.h"
#include "base/rc.h"

/* Zeroed: empty. */
struct quote_file {
	struct buf quote;
	struct buf event_log; /* JSON; empty: none was there */
};

enum {
	QUOTE_FILE_BYTES_MAX = 1024 * 1024,
	QUOTE_FILE_ERROR_MAX = 512,
};

/*
 * From bytes in memory.  What is none of the texts is taken for raw bytes,
 * which the verifier then judges.
 *
 * RC_OK         *out is filled, with copies: quote_file_fini()
 * RC_LIMIT      more than QUOTE_FILE_BYTES_MAX
 * RC_MALFORMED  it begins as JSON and is no such object
 *
 * On failure *out is untouched.
 */
enum rc quote_file_parse(struct quote_file *out, struct span bytes);

/*
 * From a file by file_read(), or by file_read_argument(): as above, and their
 * failures.  On failure error names the file and says why.
 */
enum rc quote_file_read(struct quote_file *out, const char *path,
			char error[QUOTE_FILE_ERROR_MAX]);
enum rc quote_file_argument(struct quote_file *out, const char *path,
			    char error[QUOTE_FILE_ERROR_MAX]);
void quote_file_fini(struct quote_file *f);

#endif
