/*
 * report_data: what a quote is asked to carry, as a person gives it: hex on
 * the command line, or a file.
 */
#ifndef POSTERN_CLI_REPORT_DATA_H
#define POSTERN_CLI_REPORT_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "tee/quote.h"

struct report_data {
	uint8_t bytes[QUOTE_REPORT_DATA_LEN]; /* zero after n */
	size_t n; /* 0: none given */
};

enum {
	REPORT_DATA_ERROR_MAX = 512,
};

/*
 * 'text' of 2 to 128 hex digits, an even number, is the bytes; anything else
 * is the name of a file that holds them raw ("-": standard input; "./abcd" for
 * a file whose name is hex).  False, *out untouched: no such file, or not 1 to
 * 64 bytes; error says which.
 */
bool report_data_read(struct report_data *out, const char *text,
		      char error[REPORT_DATA_ERROR_MAX]);

#endif
