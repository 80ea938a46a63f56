/*
 * A LUKS2 header's JSON as whoever signed it may have written it, with binary
 * headers around it that are right.  Promises: what passes says so in words
 * that the kernel is told: this cipher, this keyslot, this offset, and no null
 * cipher anywhere; and a header that is wrong in its binary part never passes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "disk/luks.h"

static void put_copy(uint8_t *copy, const char *magic, uint8_t at_high, const uint8_t *json,
		     size_t n)
{
	static const char uuid[] = "12345678-1234-1234-1234-123456789abc";
	struct sha256 sum;

	memcpy(copy, magic, 6);
	copy[7] = 2;
	copy[14] = 0x40;
	copy[23] = 3;
	memcpy(copy + 72, "sha256", 6);
	memcpy(copy + 168, uuid, sizeof(uuid));
	copy[262] = at_high;
	memcpy(copy + LUKS_BINARY_LEN, json, n);
	sha256_of(&sum, span_of(copy, LUKS_COPY_LEN));
	memcpy(copy + 448, sum.b, sizeof(sum.b));
}

static bool has(const uint8_t *json, size_t n, const char *word)
{
	return memmem(json, n, word, strlen(word)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(mem_auto_free)
	uint8_t *header = mem_new(RECORD_HEADER_LEN);
	struct span whole = span_of(header, RECORD_HEADER_LEN);
	static const uint8_t nothing[1];
	const uint8_t *json = n ? data : nothing;

	if (n > LUKS_JSON_LEN)
		n = LUKS_JSON_LEN;
	put_copy(header, "LUKS\xba\xbe", 0, json, n);
	put_copy(header + LUKS_COPY_LEN, "SKUL\xba\xbe", 0x40, json, n);
	for (int i = RECORD_PLAIN; i <= RECORD_HMAC; i++) {
		if (luks_check(whole, (enum record_integrity)i))
			continue;
		/* Escapes could spell it otherwise, but then it is not what is
		 * spelt out; nothing of ours has the other word. */
		assert(has(json, n, "crypt") || has(json, n, "\\u"));
		assert(!has(json, n, "cipher_null"));
		header[100] ^= 1;
		assert(luks_check(whole, (enum record_integrity)i));
		header[100] ^= 1;
	}
	return 0;
}
