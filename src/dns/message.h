/*
 * message: DNS messages, read strictly and written.
 *
 * Read: one question at most, every record of the counts and nothing after
 * them; the names inside the RDATA of the types that have any are checked, so
 * that dns_rdata_name() of a message that was read cannot meet a broken one.
 * Record types that are not understood stay opaque.
 *
 * Pure; memory only from the arena.
 *
 * Source: RFC 1035 §4.1; RFC 6891 §6.1 (OPT); RFC 3597 (unknown types); RFC
 *         6672 (DNAME); RFC 8945 §5.1 (TSIG stands last).
 */
#ifndef POSTERN_DNS_MESSAGE_H
#define POSTERN_DNS_MESSAGE_H

#include "base/arena.h"
#include "base/rc.h"
#include "dns/name.h"

/* Types, RFC 1035 §3.2.2 and after; any other number may occur. */
enum {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_TXT = 16,
	DNS_AAAA = 28, /* RFC 3596 */
	DNS_DNAME = 39, /* RFC 6672 */
	DNS_OPT = 41, /* RFC 6891 */
	DNS_DS = 43, /* RFC 4034 */
	DNS_RRSIG = 46,
	DNS_NSEC = 47,
	DNS_DNSKEY = 48,
	DNS_NSEC3 = 50, /* RFC 5155 */
	DNS_TSIG = 250, /* RFC 8945 */
	DNS_TYPE_ANY = 255,
	DNS_CAA = 257, /* RFC 8659 */
};
/* Classes, RFC 1035 §3.2.4, RFC 2136 §2.4. */
enum {
	DNS_IN = 1,
	DNS_CLASS_NONE = 254,
	DNS_CLASS_ANY = 255,
};
/* RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8945 §3. */
enum {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_YXDOMAIN = 6,
	DNS_YXRRSET = 7,
	DNS_NXRRSET = 8,
	DNS_NOTAUTH = 9,
	DNS_NOTZONE = 10,
	DNS_BADSIG = 16,
	DNS_BADKEY = 17,
	DNS_BADTIME = 18,
	DNS_BADTRUNC = 22,
};
/* "NOERROR", ...; "rcode" for a number without a name. */
const char *dns_rcode_name(unsigned rcode);

enum {
	DNS_HEADER_LEN = 12,
	DNS_RECORDS_MAX = 1024, /* of one message that we read */
	DNS_MESSAGE_MAX = 65535,
	/* Bits of the header's second word. */
	DNS_FLAG_QR = 0x8000,
	DNS_FLAG_AA = 0x0400,
	DNS_FLAG_TC = 0x0200,
	DNS_FLAG_RD = 0x0100,
	DNS_FLAG_RA = 0x0080,
	DNS_FLAG_AD = 0x0020,
	DNS_FLAG_CD = 0x0010,
	DNS_OPCODE_QUERY = 0,
	DNS_OPCODE_UPDATE = 5,
};

struct dns_record {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl;
	struct span rdata; /* in the message; its names may point */
};

enum dns_section {
	DNS_ANSWER, /* of an update: prerequisites */
	DNS_AUTHORITY, /* updates */
	DNS_ADDITIONAL,
	DNS_SECTIONS,
};

/* Spans borrow the message's bytes, records lie in the arena. */
struct dns_message {
	struct span whole;
	uint16_t id, flags; /* flags: the word, DNS_FLAG_* */
	unsigned opcode;
	unsigned rcode; /* with OPT's upper bits */
	bool has_question; /* of an update: its zone */
	struct dns_name qname;
	uint16_t qtype, qclass;
	struct dns_record *records[DNS_SECTIONS]; /* OPT and TSIG are in it */
	size_t counts[DNS_SECTIONS];
};

/*
 * RC_MALFORMED  the rules above; OPT or TSIG twice or elsewhere than additional
 * RC_LIMIT      over DNS_RECORDS_MAX, or the arena has no room
 *
 * On failure *out is untouched.
 */
enum rc dns_message_read(struct dns_message *out, struct arena *arena,
			 struct span bytes);

/* The name that a CNAME, DNAME, NS or SOA record of the message begins with. */
void dns_rdata_name(struct dns_name *out, const struct dns_message *m,
		    const struct dns_record *r);
/* The last number of a SOA record: RFC 2308 §4, how long absence is kept. */
uint32_t dns_soa_minimum(const struct dns_message *m,
			 const struct dns_record *r);
/* The strings of TXT RDATA, joined.  False: its lengths do not tile. */
bool dns_txt_join(struct wr *w, struct span rdata);
/* A text as TXT RDATA, in strings of 255 bytes; empty: one empty string. */
void dns_txt_write(struct wr *w, struct span text);

/* What an answer section has for a name and type. */
struct dns_found {
	struct dns_name at; /* the end of the aliases */
	/* In the arena; of CNAME, DNAME and NS the name, written out. */
	const struct span *rdatas;
	size_t count;
	uint32_t ttl; /* the least on the way */
	bool is_alias; /* at least one was followed */
};
/*
 * Follows CNAME and DNAME records from 'name' and collects the records of
 * 'type' at the end.  RC_MALFORMED: two CNAMEs at one name, or a circle.
 * RC_LIMIT: no room.
 */
enum rc dns_message_find(struct dns_found *out, struct arena *arena,
			 const struct dns_message *m,
			 const struct dns_name *name, uint16_t type);

/* How a question is asked. */
struct dns_ask {
	uint16_t id;
	bool wants_recursion;
	bool wants_dnssec; /* the DO bit */
};
/* Writes a query with EDNS of 1232 bytes (RFC 6891; DNS flag day 2020). */
void dns_message_query(struct wr *w, const struct dns_ask *ask,
		       const struct dns_name *name, uint16_t type);
/* It is an answer to just that question (RFC 5452 §9.1). */
bool dns_message_answers(const struct dns_message *m, uint16_t id,
			 const struct dns_name *name, uint16_t type);

/* Writing records: a name without compression, and a whole record as it is. */
void dns_write_name(struct wr *w, const struct dns_name *name);
void dns_write_record(struct wr *w, const struct dns_record *r);
/* A record of a message that was read, with the names in the RDATA of CNAME,
 * DNAME, NS and SOA written out, so that it can stand alone. */
void dns_write_plain(struct wr *w, const struct dns_message *m,
		     const struct dns_record *r);

#endif
