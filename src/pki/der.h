/*
 * der: reading ASN.1 in the distinguished encoding, from spans.
 *
 * Strict where BER is loose: definite and shortest lengths, one-byte tags,
 * shortest integers, booleans 00 or FF, times in one form.  Each der_* takes
 * one element from the front or changes nothing, as the rd_* of base/span.h.
 *
 * Source: X.690 §8, §10, §11; times: RFC 5280 §4.1.2.5.
 */
#ifndef POSTERN_PKI_DER_H
#define POSTERN_PKI_DER_H

#include "base/span.h"

/* Identifier octets, X.690 §8.1.2. */
enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_IMPLICIT_0 = 0x80, /* context-specific 0, primitive */
	DER_EXPLICIT_0 = 0xa0, /* context-specific 0, constructed */
	DER_EXPLICIT_3 = 0xa3,
};

/* The next element whatever its tag: its content, and it whole. */
bool der_any(struct span *s, uint8_t *tag, struct span *content,
	     struct span *whole);
/* The content of the next element, which has this tag. */
bool der_take(struct span *s, enum der_tag tag, struct span *content);
/* The same, giving the element whole: tag, length and content. */
bool der_whole(struct span *s, enum der_tag tag, struct span *whole);
/* The next element has this tag (for OPTIONAL). */
bool der_next_is(const struct span *s, enum der_tag tag);

bool der_boolean(struct span *s, bool *v);
/* The content octets of an INTEGER: shortest form, not negative. */
bool der_integer(struct span *s, struct span *content);
/* An INTEGER or ENUMERATED of 0..max. */
bool der_uint(struct span *s, enum der_tag tag, uint32_t *v, uint32_t max);
/* A BIT STRING of whole bytes. */
bool der_bits(struct span *s, struct span *bytes);
/* The content octets of an OBJECT IDENTIFIER: at least one number, each whole
 * and in its shortest form. */
bool der_oid(struct span *s, struct span *oid);
/* The next element is the OBJECT IDENTIFIER with these content octets. */
bool der_oid_is(struct span *s, struct span oid);

/*
 * Extension ::= SEQUENCE { OID, critical DEFAULT FALSE, OCTET STRING }: the
 * content octets of its identifier, and what is in the OCTET STRING.
 */
bool der_extension(struct span *s, struct span *oid, bool *is_critical,
		   struct span *value);

/*
 * A Time as certificates have it: UTCTime until 2049, GeneralizedTime from
 * 2050 on, both with seconds and in Z.  Seconds since 1970; earlier is refused.
 */
bool der_time(struct span *s, int64_t *unix_s);

#endif
