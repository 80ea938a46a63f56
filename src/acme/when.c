#include "acme/when.h"

#include <string.h>

#include "base/text.h"

enum {
	MINUTE = 60,
	HOUR = 3'600,
	DAY = 86'400,
};

/* Exactly n digits. */
static bool rd_digits(struct span *s, unsigned *v, size_t n)
{
	struct span digits;
	unsigned sum = 0;

	if (!rd_n(s, &digits, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		sum = sum * 10 + (unsigned)(digits.p[i] - '0');
	}
	*v = sum;
	return true;
}

static bool rd_char(struct span *s, char want)
{
	uint8_t c;

	return rd_u8(s, &c) && c == (uint8_t)want;
}

/* HH:MM:SS */
static bool rd_clock(struct span *s, int64_t *seconds)
{
	unsigned h, m, sec;

	if (!rd_digits(s, &h, 2) || !rd_char(s, ':') || !rd_digits(s, &m, 2) ||
	    !rd_char(s, ':') || !rd_digits(s, &sec, 2) ||
	    h > 23 || m > 59 || sec > 60)
		return false;
	if (sec == 60)
		sec = 59;
	*seconds = (int64_t)h * HOUR + (int64_t)m * MINUTE + sec;
	return true;
}

static bool skip_fraction(struct span *s)
{
	size_t n = 1;

	if (!s->n || s->p[0] != '.')
		return true;
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	return n > 1 && rd_skip(s, n);
}

/* Z, +HH:MM or -HH:MM: what is to be taken away to have UTC. */
static bool rd_offset(struct span *s, int64_t *seconds)
{
	uint8_t sign;
	unsigned h, m;

	if (!rd_u8(s, &sign))
		return false;
	if (sign == 'Z' || sign == 'z') {
		*seconds = 0;
		return true;
	}
	if ((sign != '+' && sign != '-') || !rd_digits(s, &h, 2) ||
	    !rd_char(s, ':') || !rd_digits(s, &m, 2) || h > 23 || m > 59)
		return false;
	*seconds = (int64_t)h * HOUR + (int64_t)m * MINUTE;
	if (sign == '-')
		*seconds = -*seconds;
	return true;
}

bool when_stamp(int64_t *unix_s, struct span text)
{
	unsigned year, month, day;
	int64_t days, clock, offset;
	uint8_t t;

	if (!rd_digits(&text, &year, 4) || !rd_char(&text, '-') ||
	    !rd_digits(&text, &month, 2) || !rd_char(&text, '-') ||
	    !rd_digits(&text, &day, 2) || !rd_u8(&text, &t) ||
	    (t != 'T' && t != 't') || !rd_clock(&text, &clock) ||
	    !skip_fraction(&text) || !rd_offset(&text, &offset) ||
	    !rd_end(&text) || year < 1970 ||
	    !text_days(&days, year, month, day))
		return false;
	*unix_s = days * DAY + clock - offset;
	return true;
}

static bool rd_month(struct span *s, unsigned *month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct span name;

	if (!rd_n(s, &name, 3))
		return false;
	for (unsigned i = 0; i < 12; i++)
		if (span_equal(name, span_of(names + 3 * i, 3))) {
			*month = i + 1;
			return true;
		}
	return false;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; the two older forms are not sent. */
static bool rd_fixdate(int64_t *unix_s, struct span text)
{
	unsigned year, month, day;
	int64_t days, clock;

	if (!rd_skip(&text, 3) || !rd_char(&text, ',') ||
	    !rd_char(&text, ' ') || !rd_digits(&text, &day, 2) ||
	    !rd_char(&text, ' ') || !rd_month(&text, &month) ||
	    !rd_char(&text, ' ') || !rd_digits(&text, &year, 4) ||
	    !rd_char(&text, ' ') || !rd_clock(&text, &clock) ||
	    !span_equal_str(text, " GMT") || year < 1970 ||
	    !text_days(&days, year, month, day))
		return false;
	*unix_s = days * DAY + clock;
	return true;
}

int64_t when_retry(const struct web_answer *a, int64_t now)
{
	struct span value;
	uint64_t seconds;
	int64_t at;

	if (!web_answer_only(a, "Retry-After", &value))
		return 0;
	if (text_u64(&seconds, value, UINT64_MAX)) {
		if (seconds > WHEN_RETRY_MAX)
			seconds = WHEN_RETRY_MAX;
		return now + (int64_t)seconds;
	}
	if (!rd_fixdate(&at, value))
		return 0;
	if (at < now)
		return now;
	return at < now + WHEN_RETRY_MAX ? at : now + WHEN_RETRY_MAX;
}
