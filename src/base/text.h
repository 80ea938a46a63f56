/*
 * text: bytes as people and files write them: hex, base64, decimal numbers,
 * UTC times, host names' ASCII, escaped log values.
 *
 * Pure and strict: a reader consumes the whole span or fails; outputs are
 * untouched on failure.
 */
#ifndef POSTERN_BASE_TEXT_H
#define POSTERN_BASE_TEXT_H

#include "base/span.h"
#include "base/wr.h"

/* Exactly 2 * n hex digits of either case to n bytes. */
bool text_hex_decode(void *out, size_t n, struct span hex);
/* Any even number of digits, at most cap bytes of result; *n is how many. */
bool text_hex_decode_any(void *out, size_t cap, size_t *n, struct span hex);
/* Lower-case digits. */
void text_hex(struct wr *w, struct span b);

/* RFC 4648 §4, padding required, no line breaks.  At most cap bytes. */
bool text_base64_decode(void *out, size_t cap, size_t *n, struct span text);
void text_base64(struct wr *w, struct span b);
/* RFC 4648 §5 without padding, as JOSE has it; otherwise as above. */
bool text_base64url_decode(void *out, size_t cap, size_t *n, struct span text);
void text_base64url(struct wr *w, struct span b);

/* Decimal digits only, no sign, no leading zero but "0" itself, <= max. */
bool text_u64(uint64_t *v, struct span digits, uint64_t max);

/* Lower-cases A-Z in place. */
void text_lower(void *p, size_t n);

/*
 * YYYY-MM-DDTHH:MM:SSZ exactly (RFC 3339 §5.6 in UTC, no fraction), years
 * 1970..9999, calendar checked, no leap second.  Seconds since 1970.
 */
bool text_utc(int64_t *unix_s, struct span text);
/* The same form written; unix_s within the years above. */
void text_utc_write(struct wr *w, int64_t unix_s);
/* Days since 1970-01-01 of a proleptic Gregorian date; month 1..12. */
bool text_days(int64_t *days, unsigned year, unsigned month, unsigned day);

/* Shortest forms only, no surrogates, up to U+10FFFF (RFC 3629 §3). */
bool text_is_utf8(struct span text);

/*
 * Somebody else's bytes made safe for a log line: printable ASCII but '"' and
 * '\', everything else as \xNN, cut after max input bytes with "..." .
 */
void text_escape(struct wr *w, struct span b, size_t max);

#endif
