#include "dns/proofform.h"

static const char MAGIC[] = "postern-dns-proof/1\n";

/* What proves something about a CAA set: RFC 4035 §3.1.  Of the set itself, and
 * of aliases to it, the answer section alone: elsewhere a record could be part
 * of a set that is validated, and is not read. */
static bool counts_in(enum dns_section s, uint16_t type)
{
	switch (type) {
	case DNS_CAA:
	case DNS_CNAME:
	case DNS_DNAME:
		return s == DNS_ANSWER;
	case DNS_SOA:
	case DNS_NSEC:
	case DNS_NSEC3:
	case DNS_RRSIG:
		return true;
	default:
		return false;
	}
}

static bool counts_in_chain(uint16_t type)
{
	switch (type) {
	case DNS_DS:
	case DNS_DNSKEY:
	case DNS_SOA:
	case DNS_CNAME:
	case DNS_NSEC:
	case DNS_NSEC3:
	case DNS_RRSIG:
		return true;
	default:
		return false;
	}
}

void proofform_begin(struct wr *w, size_t levels)
{
	wr_str(w, MAGIC);
	wr_u8(w, (uint8_t)levels);
}

static bool is_kept(enum dns_section s, const struct dns_record *r)
{
	return r->class == DNS_IN && counts_in(s, r->type);
}

/* Everything that is kept of one section of all answers. */
static void write_section(struct wr *w, const struct dns_message *answers,
			  size_t count, enum dns_section s)
{
	size_t i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < answers[i].counts[s]; k++)
			if (is_kept(s, &answers[i].records[s][k]))
				dns_write_plain(w, &answers[i],
						&answers[i].records[s][k]);
}

static uint16_t count_kept(const struct dns_message *answers, size_t count,
			   enum dns_section s)
{
	uint16_t n = 0;
	size_t i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < answers[i].counts[s]; k++)
			if (is_kept(s, &answers[i].records[s][k]))
				n++;
	return n;
}

static void write_message(struct wr *w, const struct dns_message *answers,
			  size_t count)
{
	const struct dns_message *last = &answers[count - 1];

	wr_be16(w, 0);
	wr_be16(w, (uint16_t)(DNS_FLAG_QR | (last->rcode & 0xf)));
	wr_be16(w, 1);
	wr_be16(w, count_kept(answers, count, DNS_ANSWER));
	wr_be16(w, count_kept(answers, count, DNS_AUTHORITY));
	wr_be16(w, 0);
	dns_write_name(w, &answers->qname);
	wr_be16(w, answers->qtype);
	wr_be16(w, answers->qclass);
	write_section(w, answers, count, DNS_ANSWER);
	write_section(w, answers, count, DNS_AUTHORITY);
}

void proofform_level(struct wr *w, const struct dns_message *answers,
		     size_t count)
{
	struct wr_mark mark = wr_open(w, 2);

	write_message(w, answers, count);
	wr_close(w, mark);
}

void proofform_chain(struct wr *w, struct span records)
{
	wr_vec24(w, records);
}

bool proofform_rd_record(struct span *at, struct span *record)
{
	struct span rest = *at, rdata;
	struct dns_name owner;

	if (!dns_name_read_plain(&owner, &rest) || !rd_skip(&rest, 8) ||
	    !rd_vec16(&rest, &rdata))
		return false;
	*record = span_of(at->p, at->n - rest.n);
	*at = rest;
	return true;
}

/* In its one form: written again it is the same. */
static bool is_normal(const struct dns_message *m, struct arena *arena)
{
	uint8_t *p = arena_new(arena, m->whole.n, 1);
	struct wr w = wr_over(p, m->whole.n);
	struct span again;

	if (!p)
		return false;
	write_message(&w, m, 1);
	return wr_done(&w, &again) && span_equal(again, m->whole);
}

static enum rc read_level(struct dns_message *out, struct arena *arena,
			  struct span bytes, const struct dns_name *name)
{
	enum rc rc = dns_message_read(out, arena, bytes);

	if (rc)
		return rc;
	if (!dns_message_answers(out, 0, name, DNS_CAA) ||
	    (out->rcode != DNS_NOERROR && out->rcode != DNS_NXDOMAIN) ||
	    !is_normal(out, arena))
		return RC_MALFORMED;
	return RC_OK;
}

static bool is_chain_record(struct span record)
{
	struct dns_name owner;
	uint16_t type, class;

	return dns_name_read_plain(&owner, &record) &&
	       rd_be16(&record, &type) && rd_be16(&record, &class) &&
	       class == DNS_IN && counts_in_chain(type);
}

static enum rc read_chain(struct proofform *f, struct arena *arena,
			  struct span records)
{
	struct span *chain = arena_new(arena, PROOFFORM_CHAIN_MAX,
				       sizeof(*chain));

	if (!chain)
		return RC_LIMIT;
	while (records.n) {
		struct span record;

		if (f->chain_count == PROOFFORM_CHAIN_MAX)
			return RC_LIMIT;
		if (!proofform_rd_record(&records, &record) ||
		    !is_chain_record(record))
			return RC_MALFORMED;
		chain[f->chain_count++] = record;
	}
	f->chain = chain;
	return RC_OK;
}

static enum rc read_levels(struct proofform *f, struct arena *arena,
			   struct span *bytes, const struct dns_name *name)
{
	struct dns_message *levels = arena_new(arena, f->count,
					       sizeof(*levels));
	struct dns_name at = *name;
	size_t i;

	if (!levels)
		return RC_LIMIT;
	for (i = 0; i < f->count; i++) {
		struct span message;
		enum rc rc = RC_MALFORMED;

		if (rd_vec16(bytes, &message))
			rc = read_level(&levels[i], arena, message, &at);
		if (rc)
			return rc;
		(void)dns_name_parent(&at, &at); /* it has that label */
	}
	f->levels = levels;
	return RC_OK;
}

enum rc proofform_read(struct proofform *out, struct arena *arena,
		       struct span bytes, const struct dns_name *name)
{
	struct proofform f = { 0 };
	struct span magic, chain;
	uint8_t count;
	enum rc rc;

	if (bytes.n > PROOFFORM_MAX)
		return RC_LIMIT;
	if (!rd_n(&bytes, &magic, sizeof(MAGIC) - 1) ||
	    !span_equal_str(magic, MAGIC) || !rd_u8(&bytes, &count) ||
	    count == 0 || count != dns_name_labels(name))
		return RC_MALFORMED;
	f.count = count;
	rc = read_levels(&f, arena, &bytes, name);
	if (rc)
		return rc;
	if (!rd_vec24(&bytes, &chain) || !rd_end(&bytes))
		return RC_MALFORMED;
	rc = read_chain(&f, arena, chain);
	if (!rc)
		*out = f;
	return rc;
}
