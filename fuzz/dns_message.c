/*
 * Messages as they come.  Promised: nothing is written on failure; names inside can be had; written
 * out plainly the records are read as the same; following aliases ends.
 */
#include <assert.h>
#include <string.h>

#include "dns/message.h"
#include "dns/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ARENA_MAX = 16 * 1024 * 1024,
};

static void check_record(struct wr *w, const struct dns_message *m, const struct dns_record *r)
{
	struct dns_name name;

	if (r->rdata.n == 0 && r->class != DNS_IN)
		return;
	if (r->type == DNS_CNAME || r->type == DNS_NS || r->type == DNS_DNAME ||
	    r->type == DNS_SOA) {
		dns_rdata_name(&name, m, r);
		assert(name.n > 0);
	}
	if (r->type == DNS_SOA)
		(void)dns_soa_minimum(m, r);
	dns_write_plain(w, m, r);
}

/* The answer section alone, written out and read again. */
static void check_again(const struct dns_message *m, struct arena *arena)
{
	static uint8_t bytes[1024 * 1024];
	struct wr w = WR_ARRAY(bytes);
	struct dns_message again;
	struct span out;
	size_t i;

	wr_be32(&w, 0x8000);
	wr_be32(&w, (uint32_t)m->counts[DNS_ANSWER]);
	wr_be32(&w, 0);
	for (i = 0; i < m->counts[DNS_ANSWER]; i++)
		check_record(&w, m, &m->records[DNS_ANSWER][i]);
	if (!wr_done(&w, &out) || out.n > DNS_MESSAGE_MAX || dns_message_read(&again, arena, out))
		return;
	for (i = 0; i < m->counts[DNS_ANSWER]; i++)
		assert(dns_name_equal(&m->records[DNS_ANSWER][i].owner,
				      &again.records[DNS_ANSWER][i].owner));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct dns_message m = { .id = 0x5a5a, .rcode = 77 };
	struct tsig_key key = { .secret_len = 32 };
	struct tsig_mac mac = { .n = 32 };
	struct tsig_report report;
	struct dns_found found;
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	dns_name_root(&key.name);
	tsig_verify(&report, bytes, &key, &mac, 1800000000);
	assert(report.verdict != TSIG_GOOD);
	if (dns_message_read(&m, &arena, bytes)) {
		assert(m.id == 0x5a5a && m.rcode == 77 && !m.whole.p);
	} else {
		if (m.has_question)
			(void)!dns_message_find(&found, &arena, &m, &m.qname, m.qtype);
		check_again(&m, &arena);
	}
	arena_fini(&arena);
	return 0;
}
