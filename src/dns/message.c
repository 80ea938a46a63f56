#include "dns/message.h"

#include <assert.h>

enum {
	/* RFC 6891 §6.1.3: in OPT's TTL */
	OPT_RCODE_SHIFT = 24,
	OPT_DO = 0x8000,
	EDNS_SIZE = 1232,
	RCODE_MASK = 0xf,
	OPCODE_SHIFT = 11,
	/* RFC 1035 §3.3.13: what follows a SOA's names */
	SOA_NUMBERS_LEN = 20,
	ALIASES_MAX = 16,
	STRING_MAX = 255,
};

const char *dns_rcode_name(unsigned rcode)
{
	static const char *const names[] = {
		[DNS_NOERROR] = "NOERROR",
		[DNS_FORMERR] = "FORMERR",
		[DNS_SERVFAIL] = "SERVFAIL",
		[DNS_NXDOMAIN] = "NXDOMAIN",
		[DNS_NOTIMP] = "NOTIMP",
		[DNS_REFUSED] = "REFUSED",
		[DNS_YXDOMAIN] = "YXDOMAIN",
		[DNS_YXRRSET] = "YXRRSET",
		[DNS_NXRRSET] = "NXRRSET",
		[DNS_NOTAUTH] = "NOTAUTH",
		[DNS_NOTZONE] = "NOTZONE",
		[DNS_BADSIG] = "BADSIG",
		[DNS_BADKEY] = "BADKEY",
		[DNS_BADTIME] = "BADTIME",
		[DNS_BADTRUNC] = "BADTRUNC",
	};

	if (rcode >= sizeof(names) / sizeof(names[0]) || !names[rcode])
		return "rcode";
	return names[rcode];
}

/* The rest of the message from a span inside it. */
static struct span from(struct span whole, struct span inside)
{
	return span_of(inside.p, (size_t)(whole.p + whole.n - inside.p));
}

/*
 * A name at the front of RDATA that may point into the message, but must end
 * where the RDATA does or before.
 */
static bool rd_rdata_name(struct dns_name *out, struct span *rdata,
			  struct span whole)
{
	struct span at = from(whole, *rdata);
	size_t before = at.n;

	return dns_name_read(out, &at, whole) &&
	       rd_skip(rdata, before - at.n);
}

/* MNAME and RNAME (RFC 1035 §3.3.13). */
static bool rd_soa_names(struct span *s, struct span whole)
{
	struct dns_name primary, mailbox;

	return rd_rdata_name(&primary, s, whole) &&
	       rd_rdata_name(&mailbox, s, whole);
}

static bool is_good_rdata(const struct dns_record *r, struct span whole)
{
	struct dns_name name;
	struct span rest = r->rdata, text;

	/* RFC 2136 §2.4, §2.5: conditions and deletions have none. */
	if (rest.n == 0 && r->class != DNS_IN)
		return true;
	switch (r->type) {
	case DNS_A:
		return rest.n == 4;
	case DNS_AAAA:
		return rest.n == 16;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_DNAME:
		return rd_rdata_name(&name, &rest, whole) && rd_end(&rest);
	case DNS_SOA:
		return rd_soa_names(&rest, whole) && rest.n == SOA_NUMBERS_LEN;
	case DNS_TXT:
		if (rest.n == 0)
			return false;
		while (rd_vec8(&rest, &text))
			;
		return rd_end(&rest);
	default:
		return true;
	}
}

static bool rd_record(struct span *at, struct dns_record *out,
		      struct span whole)
{
	struct dns_record r;

	if (!dns_name_read(&r.owner, at, whole) || !rd_be16(at, &r.type) ||
	    !rd_be16(at, &r.class) || !rd_be32(at, &r.ttl) ||
	    !rd_vec16(at, &r.rdata) || !is_good_rdata(&r, whole))
		return false;
	*out = r;
	return true;
}

/* OPT and TSIG: once, in additional; TSIG last, OPT at the root. */
static bool is_meta_in_place(const struct dns_message *m)
{
	size_t opt = 0, i;
	int s;

	for (s = 0; s < DNS_SECTIONS; s++)
		for (i = 0; i < m->counts[s]; i++) {
			const struct dns_record *r = &m->records[s][i];

			if (r->type == DNS_OPT &&
			    (s != DNS_ADDITIONAL || opt++ || r->owner.n != 1))
				return false;
			if (r->type == DNS_TSIG &&
			    (s != DNS_ADDITIONAL || i + 1 != m->counts[s]))
				return false;
		}
	return true;
}

static void add_opt(struct dns_message *m)
{
	size_t i;

	for (i = 0; i < m->counts[DNS_ADDITIONAL]; i++) {
		const struct dns_record *r = &m->records[DNS_ADDITIONAL][i];

		if (r->type == DNS_OPT)
			m->rcode |= r->ttl >> OPT_RCODE_SHIFT << 4;
	}
}

static bool rd_question(struct dns_message *m, struct span *at, uint16_t count)
{
	m->has_question = count == 1;
	return count == 0 ||
	       (count == 1 && dns_name_read(&m->qname, at, m->whole) &&
		rd_be16(at, &m->qtype) && rd_be16(at, &m->qclass));
}

static enum rc read_sections(struct dns_message *m, struct arena *arena,
			     struct span *at, const uint16_t *counts)
{
	int s;

	for (s = 0; s < DNS_SECTIONS; s++) {
		size_t n = counts[s], i;

		/* A record takes 11 bytes at least: no room is made for more
		 * than there can be. */
		if (n > at->n / 11)
			return RC_MALFORMED;
		m->records[s] = arena_new(arena, n ? n : 1,
					  sizeof(*m->records[s]));
		if (!m->records[s])
			return RC_LIMIT;
		for (i = 0; i < n; i++)
			if (!rd_record(at, &m->records[s][i], m->whole))
				return RC_MALFORMED;
		m->counts[s] = n;
	}
	return rd_end(at) ? RC_OK : RC_MALFORMED;
}

enum rc dns_message_read(struct dns_message *out, struct arena *arena,
			 struct span bytes)
{
	struct dns_message m = { .whole = bytes };
	struct span at = bytes;
	uint16_t questions, counts[DNS_SECTIONS];
	enum rc rc;

	if (bytes.n > DNS_MESSAGE_MAX || !rd_be16(&at, &m.id) ||
	    !rd_be16(&at, &m.flags) || !rd_be16(&at, &questions) ||
	    !rd_be16(&at, &counts[0]) || !rd_be16(&at, &counts[1]) ||
	    !rd_be16(&at, &counts[2]) || !rd_question(&m, &at, questions))
		return RC_MALFORMED;
	if (counts[0] + counts[1] + counts[2] > DNS_RECORDS_MAX)
		return RC_LIMIT;
	m.opcode = m.flags >> OPCODE_SHIFT & RCODE_MASK;
	m.rcode = m.flags & RCODE_MASK;
	rc = read_sections(&m, arena, &at, counts);
	if (rc)
		return rc;
	if (!is_meta_in_place(&m))
		return RC_MALFORMED;
	add_opt(&m);
	*out = m;
	return RC_OK;
}

void dns_rdata_name(struct dns_name *out, const struct dns_message *m,
		    const struct dns_record *r)
{
	struct span rdata = r->rdata;
	bool ok = rd_rdata_name(out, &rdata, m->whole);

	/* dns_message_read() has seen it. */
	assert(ok);
	(void)ok;
}

uint32_t dns_soa_minimum(const struct dns_message *m,
			 const struct dns_record *r)
{
	struct span rest = r->rdata;
	uint32_t v = 0;

	if (rd_soa_names(&rest, m->whole) &&
	    rd_skip(&rest, SOA_NUMBERS_LEN - sizeof(v)))
		(void)rd_be32(&rest, &v);
	return v;
}

bool dns_txt_join(struct wr *w, struct span rdata)
{
	struct span rest = rdata, text;

	while (rd_vec8(&rest, &text))
		;
	if (!rd_end(&rest))
		return false;
	while (rd_vec8(&rdata, &text))
		wr_bytes(w, text);
	return true;
}

void dns_txt_write(struct wr *w, struct span text)
{
	do {
		struct span part = { 0 };

		(void)rd_n(&text, &part,
			   text.n < STRING_MAX ? text.n : STRING_MAX);
		wr_vec8(w, part);
	} while (text.n);
}

/* Finding. */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * One step along an alias from f->at.  *moved: there was one.  False: two
 * CNAMEs at one name, or the name it makes is too long.
 */
static bool step(struct dns_found *f, bool *moved, const struct dns_message *m)
{
	const struct dns_record *cname = NULL, *dname = NULL;
	struct dns_name target;
	size_t i;

	*moved = false;
	for (i = 0; i < m->counts[DNS_ANSWER]; i++) {
		const struct dns_record *r = &m->records[DNS_ANSWER][i];

		if (r->class != DNS_IN)
			continue;
		if (r->type == DNS_CNAME && dns_name_equal(&r->owner, &f->at)) {
			if (cname)
				return false;
			cname = r;
		}
		if (r->type == DNS_DNAME && f->at.n > r->owner.n &&
		    dns_name_is_under(&f->at, &r->owner))
			dname = r;
	}
	if (!cname && !dname)
		return true;
	/* RFC 6672 §3.1: the server makes the CNAME of a DNAME itself; where
	 * both are there the DNAME, which is signed, says where it leads. */
	dns_rdata_name(&target, m, dname ? dname : cname);
	if (dname && !dns_name_replace(&target, &f->at, &dname->owner, &target))
		return false;
	f->ttl = least(f->ttl, (dname ? dname : cname)->ttl);
	f->at = target;
	f->is_alias = true;
	*moved = true;
	return true;
}

/* RDATA that can be understood without the message around it. */
static bool write_out(struct span *out, struct arena *arena,
		      const struct dns_message *m, const struct dns_record *r)
{
	struct dns_name name;
	char *copy;

	*out = r->rdata;
	if (r->type != DNS_CNAME && r->type != DNS_DNAME && r->type != DNS_NS)
		return true;
	dns_rdata_name(&name, m, r);
	copy = arena_dup(arena, dns_name_wire(&name));
	*out = span_of(copy, name.n);
	return copy != NULL;
}

static enum rc collect(struct dns_found *f, struct arena *arena,
		       const struct dns_message *m, uint16_t type)
{
	struct span *rdatas = arena_new(arena, m->counts[DNS_ANSWER] + 1,
					sizeof(*rdatas));
	size_t i;

	if (!rdatas)
		return RC_LIMIT;
	for (i = 0; i < m->counts[DNS_ANSWER]; i++) {
		const struct dns_record *r = &m->records[DNS_ANSWER][i];

		if (r->class != DNS_IN || r->type != type ||
		    !dns_name_equal(&r->owner, &f->at))
			continue;
		f->ttl = least(f->ttl, r->ttl);
		if (!write_out(&rdatas[f->count++], arena, m, r))
			return RC_LIMIT;
	}
	f->rdatas = rdatas;
	return RC_OK;
}

enum rc dns_message_find(struct dns_found *out, struct arena *arena,
			 const struct dns_message *m,
			 const struct dns_name *name, uint16_t type)
{
	struct dns_found f = { .at = *name, .ttl = UINT32_MAX };
	bool moved = type != DNS_CNAME;
	enum rc rc;
	int i;

	for (i = 0; moved; i++)
		if (i == ALIASES_MAX || !step(&f, &moved, m))
			return RC_MALFORMED;
	rc = collect(&f, arena, m, type);
	if (rc)
		return rc;
	if (f.ttl == UINT32_MAX)
		f.ttl = 0;
	*out = f;
	return RC_OK;
}

/* Writing. */

void dns_write_name(struct wr *w, const struct dns_name *name)
{
	wr_bytes(w, dns_name_wire(name));
}

void dns_write_record(struct wr *w, const struct dns_record *r)
{
	dns_write_name(w, &r->owner);
	wr_be16(w, r->type);
	wr_be16(w, r->class);
	wr_be32(w, r->ttl);
	wr_vec16(w, r->rdata);
}

void dns_message_query(struct wr *w, const struct dns_ask *ask,
		       const struct dns_name *name, uint16_t type)
{
	struct dns_record opt = {
		.type = DNS_OPT,
		.class = EDNS_SIZE,
		.ttl = ask->wants_dnssec ? OPT_DO : 0,
	};

	dns_name_root(&opt.owner);
	wr_be16(w, ask->id);
	wr_be16(w, ask->wants_recursion ? DNS_FLAG_RD : 0);
	wr_be16(w, 1);
	wr_zero(w, 4);
	wr_be16(w, 1);
	dns_write_name(w, name);
	wr_be16(w, type);
	wr_be16(w, DNS_IN);
	dns_write_record(w, &opt);
}

void dns_write_plain(struct wr *w, const struct dns_message *m,
		     const struct dns_record *r)
{
	struct span rest = r->rdata;
	struct wr_mark mark;
	struct dns_name name;
	int names = r->type == DNS_SOA ? 2 : 0;

	if (r->type == DNS_CNAME || r->type == DNS_DNAME || r->type == DNS_NS)
		names = 1;
	dns_write_name(w, &r->owner);
	wr_be16(w, r->type);
	wr_be16(w, r->class);
	wr_be32(w, r->ttl);
	mark = wr_open(w, 2);
	while (names-- && rd_rdata_name(&name, &rest, m->whole))
		dns_write_name(w, &name);
	wr_bytes(w, rest);
	wr_close(w, mark);
}

bool dns_message_answers(const struct dns_message *m, uint16_t id,
			 const struct dns_name *name, uint16_t type)
{
	return m->flags & DNS_FLAG_QR && m->opcode == DNS_OPCODE_QUERY &&
	       m->id == id && m->has_question && m->qclass == DNS_IN &&
	       m->qtype == type && dns_name_equal(&m->qname, name);
}
