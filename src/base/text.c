#include "base/text.h"

enum {
	SECONDS_A_DAY = 86400,
	NOT_A_DIGIT = 0xff,
};

/* All ones when low <= c <= high, else 0.  Keys pass through here as text:
 * neither a branch nor an address may depend on a digit. */
static unsigned mask_of(unsigned c, unsigned low, unsigned high)
{
	return 0u - (((low - 1 - c) & (c - high - 1)) >> 31);
}

/* 0..15, or NOT_A_DIGIT. */
static unsigned hex_digit(unsigned c)
{
	unsigned number = mask_of(c, '0', '9');
	unsigned lower = mask_of(c, 'a', 'f'), upper = mask_of(c, 'A', 'F');

	return (number & (c - '0')) | (lower & (c - 'a' + 10)) |
	       (upper & (c - 'A' + 10)) |
	       (~(number | lower | upper) & NOT_A_DIGIT);
}

/* The lower-case digit of 0..15. */
static uint8_t hex_char(unsigned v)
{
	return (uint8_t)('0' + v + (mask_of(v, 10, 15) & ('a' - '0' - 10)));
}

bool text_hex_decode(void *out, size_t n, struct span hex)
{
	uint8_t *to = out;

	if (hex.n / 2 != n || hex.n % 2)
		return false;
	for (size_t i = 0; i < hex.n; i++)
		if (hex_digit(hex.p[i]) == NOT_A_DIGIT)
			return false;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(hex_digit(hex.p[2 * i]) << 4 |
				  hex_digit(hex.p[2 * i + 1]));
	return true;
}

bool text_hex_decode_any(void *out, size_t cap, size_t *n, struct span hex)
{
	if (hex.n / 2 > cap || !text_hex_decode(out, hex.n / 2, hex))
		return false;
	*n = hex.n / 2;
	return true;
}

void text_hex(struct wr *w, struct span b)
{
	for (size_t i = 0; i < b.n; i++) {
		wr_u8(w, hex_char(b.p[i] >> 4));
		wr_u8(w, hex_char(b.p[i] & 15));
	}
}

/* 0..63, or NOT_A_DIGIT. */
static unsigned base64_digit(unsigned c)
{
	unsigned upper = mask_of(c, 'A', 'Z'), lower = mask_of(c, 'a', 'z');
	unsigned number = mask_of(c, '0', '9');
	unsigned plus = mask_of(c, '+', '+'), slash = mask_of(c, '/', '/');

	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) |
	       (number & (c - '0' + 52)) | (plus & 62) | (slash & 63) |
	       (~(upper | lower | number | plus | slash) & NOT_A_DIGIT);
}

/* The digit of 0..63. */
static uint8_t base64_char(unsigned v)
{
	return (uint8_t)((mask_of(v, 0, 25) & (v + 'A')) |
			 (mask_of(v, 26, 51) & (v - 26 + 'a')) |
			 (mask_of(v, 52, 61) & (v - 52 + '0')) |
			 (mask_of(v, 62, 62) & '+') |
			 (mask_of(v, 63, 63) & '/'));
}

/* How many '=' end the text; false when the text is not canonical base64. */
static bool base64_check(size_t *pads, struct span text)
{
	size_t pad = 0;

	if (text.n % 4)
		return false;
	while (pad < 2 && pad < text.n && text.p[text.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < text.n - pad; i++)
		if (base64_digit(text.p[i]) == NOT_A_DIGIT)
			return false;
	/* The bits that no byte uses are zero, so each value has one text. */
	if (pad == 1 && base64_digit(text.p[text.n - 2]) & 3)
		return false;
	if (pad == 2 && base64_digit(text.p[text.n - 3]) & 15)
		return false;
	*pads = pad;
	return true;
}

bool text_base64_decode(void *out, size_t cap, size_t *n, struct span text)
{
	uint8_t *to = out;
	size_t pads, len, at = 0;

	if (!base64_check(&pads, text))
		return false;
	len = text.n / 4 * 3 - pads;
	if (len > cap)
		return false;
	for (size_t i = 0; i < text.n; i += 4) {
		uint32_t bits = 0;

		for (size_t k = 0; k < 4; k++) {
			uint8_t c = text.p[i + k];

			bits = bits << 6 |
			       (c == '=' ? 0 : base64_digit(c));
		}
		for (size_t k = 0; k < 3 && at < len; k++)
			to[at++] = (uint8_t)(bits >> (16 - 8 * k));
	}
	*n = len;
	return true;
}

void text_base64(struct wr *w, struct span b)
{
	for (size_t i = 0; i < b.n; i += 3) {
		size_t left = b.n - i < 3 ? b.n - i : 3;
		uint32_t bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < left ? b.p[i + k] : 0);
		for (size_t k = 0; k < 4; k++) {
			uint8_t c = base64_char(bits >> (18 - 6 * k) & 63);

			wr_u8(w, k <= left ? c : '=');
		}
	}
}

/* What c of the one alphabet is in the other; '=' stays, as do all others. */
static uint8_t base64_other(uint8_t c, const char from[2], const char to[2])
{
	for (int i = 0; i < 2; i++) {
		uint8_t is = (uint8_t)mask_of(c, (uint8_t)from[i],
					      (uint8_t)from[i]);

		c = (uint8_t)((is & (uint8_t)to[i]) | (~is & c));
	}
	return c;
}

/* One group of 2 to 4 digits, padded and in the alphabet of base64. */
static bool base64url_group(uint8_t group[4], struct span digits)
{
	if (digits.n == 1)
		return false;
	memset(group, '=', 4);
	for (size_t i = 0; i < digits.n; i++) {
		uint8_t c = digits.p[i];

		if (c == '+' || c == '/' || c == '=')
			return false;
		group[i] = base64_other(c, "-_", "+/");
	}
	return true;
}

/* The bytes of all groups to 'to', or to nowhere. */
static bool base64url_groups(uint8_t *to, struct span text)
{
	size_t at = 0;

	while (text.n) {
		struct span digits;
		uint8_t group[4], bytes[3];
		size_t got;

		if (!rd_n(&text, &digits, text.n < 4 ? text.n : 4) ||
		    !base64url_group(group, digits) ||
		    !text_base64_decode(bytes, 3, &got, span_of(group, 4)))
			return false;
		for (size_t i = 0; to && i < got; i++)
			to[at++] = bytes[i];
	}
	return true;
}

bool text_base64url_decode(void *out, size_t cap, size_t *n, struct span text)
{
	size_t len = text.n / 4 * 3 + text.n % 4 * 3 / 4;

	if (len > cap || !base64url_groups(NULL, text))
		return false;
	(void)base64url_groups(out, text); /* it is right: just checked */
	*n = len;
	return true;
}

void text_base64url(struct wr *w, struct span b)
{
	while (b.n) {
		size_t n = b.n < 3 ? b.n : 3;
		struct span bytes;
		uint8_t group[4];
		struct wr g = WR_ARRAY(group);

		(void)rd_n(&b, &bytes, n); /* n is at most b.n */
		text_base64(&g, bytes);
		for (size_t i = 0; i <= n; i++)
			wr_u8(w, base64_other(group[i], "+/", "-_"));
	}
}

bool text_u64(uint64_t *v, struct span digits, uint64_t max)
{
	uint64_t x = 0;

	if (digits.n == 0 || (digits.n > 1 && digits.p[0] == '0'))
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		uint8_t c = digits.p[i];

		if (c < '0' || c > '9' ||
		    __builtin_mul_overflow(x, (uint64_t)10, &x) ||
		    __builtin_add_overflow(x, (uint64_t)(c - '0'), &x))
			return false;
	}
	if (x > max)
		return false;
	*v = x;
	return true;
}

void text_lower(void *p, size_t n)
{
	uint8_t *c = p;

	for (size_t i = 0; i < n; i++)
		if (c[i] >= 'A' && c[i] <= 'Z')
			c[i] = (uint8_t)(c[i] + ('a' - 'A'));
}

static bool is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool text_days(int64_t *days, unsigned year, unsigned month, unsigned day)
{
	static const unsigned before[13] = { 0, 31, 59, 90, 120, 151, 181,
					     212, 243, 273, 304, 334, 365 };
	unsigned past = year - 1;
	unsigned length, of_year;

	if (year < 1 || month < 1 || month > 12 || day < 1)
		return false;
	length = before[month] - before[month - 1] +
		 (month == 2 && is_leap(year));
	if (day > length)
		return false;
	of_year = before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
	/* 719162 days from 0001-01-01 to 1970-01-01. */
	*days = (int64_t)past * 365 + past / 4 - past / 100 + past / 400 +
		of_year - 719162;
	return true;
}

/* 'n' digits, leading zeros allowed. */
static bool rd_digits(struct span *s, unsigned *v, size_t n)
{
	struct span b;
	unsigned x = 0;

	if (!rd_n(s, &b, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (b.p[i] < '0' || b.p[i] > '9')
			return false;
		x = x * 10 + (b.p[i] - '0');
	}
	*v = x;
	return true;
}

static bool rd_char(struct span *s, char c)
{
	uint8_t got;

	return rd_u8(s, &got) && got == (uint8_t)c;
}

bool text_utc(int64_t *unix_s, struct span text)
{
	unsigned year, month, day, hour, minute, second;
	int64_t days;

	if (!rd_digits(&text, &year, 4) || !rd_char(&text, '-') ||
	    !rd_digits(&text, &month, 2) || !rd_char(&text, '-') ||
	    !rd_digits(&text, &day, 2) || !rd_char(&text, 'T') ||
	    !rd_digits(&text, &hour, 2) || !rd_char(&text, ':') ||
	    !rd_digits(&text, &minute, 2) || !rd_char(&text, ':') ||
	    !rd_digits(&text, &second, 2) || !rd_char(&text, 'Z') ||
	    !rd_end(&text))
		return false;
	if (year < 1970 || hour > 23 || minute > 59 || second > 59 ||
	    !text_days(&days, year, month, day))
		return false;
	*unix_s = days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second;
	return true;
}

void text_utc_write(struct wr *w, int64_t unix_s)
{
	int64_t days = unix_s / SECONDS_A_DAY, at = 0;
	unsigned rest = (unsigned)(unix_s % SECONDS_A_DAY);
	unsigned year = 1970 + (unsigned)(days / 366), month = 1, day;

	/* year is a lower bound now; at most a few steps are left. */
	while (text_days(&at, year + 1, 1, 1) && at <= days)
		year++;
	while (month < 12 && text_days(&at, year, month + 1, 1) && at <= days)
		month++;
	(void)text_days(&at, year, month, 1);
	day = (unsigned)(days - at) + 1;
	wr_printf(w, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month, day,
		  rest / 3600, rest / 60 % 60, rest % 60);
}

void text_escape(struct wr *w, struct span b, size_t max)
{
	size_t n = b.n < max ? b.n : max;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = b.p[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			wr_u8(w, c);
		else
			wr_printf(w, "\\x%02x", c);
	}
	if (n < b.n)
		wr_str(w, "...");
}

/* How many bytes of continuation follow a first byte, and from which code
 * point such a sequence is the shortest; 4: no first byte (RFC 3629 §3). */
static unsigned tail_of(uint8_t first, uint32_t *code, uint32_t *least)
{
	if (first < 0x80) {
		*code = first;
		*least = 0;
		return 0;
	}
	if ((first & 0xe0) == 0xc0) {
		*code = first & 0x1f;
		*least = 0x80;
		return 1;
	}
	if ((first & 0xf0) == 0xe0) {
		*code = first & 0x0f;
		*least = 0x800;
		return 2;
	}
	*code = first & 0x07;
	*least = 0x10000;
	return (first & 0xf8) == 0xf0 ? 3 : 4;
}

bool text_is_utf8(struct span s)
{
	uint8_t c;

	while (rd_u8(&s, &c)) {
		uint32_t code, least;
		unsigned tail = tail_of(c, &code, &least);

		if (tail == 4)
			return false;
		for (; tail; tail--) {
			if (!rd_u8(&s, &c) || (c & 0xc0) != 0x80)
				return false;
			code = code << 6 | (c & 0x3f);
		}
		/* U+D800 to U+DFFF are surrogates. */
		if (code < least || code > 0x10ffff || code >> 11 == 0x1b)
			return false;
	}
	return true;
}
