#include "resolve/sender.h"

#include <stdlib.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "io/clock.h"
#include "resolve/query.h"

enum {
	UPDATE_MAX = 32 * 1024,
	RDATA_MAX = 8 * 1024,
	SCRATCH_MAX = 1024 * 1024,
};

/* What an rcode means to whoever sent the update. */
static enum rc outcome(unsigned rcode)
{
	switch (rcode) {
	case DNS_NOERROR:
		return RC_OK;
	case DNS_NXDOMAIN:
	case DNS_YXDOMAIN:
	case DNS_YXRRSET:
	case DNS_NXRRSET:
		return RC_STALE;
	default:
		return RC_DENIED;
	}
}

/*
 * A refusal without a good signature may be a stranger's, but then so may its
 * absence: it is reported as a refusal, and only a success needs the proof.
 */
static enum rc judge(struct sender_result *result, const struct sender *s,
		     struct span sent, struct span answer,
		     const struct tsig_mac *mac)
{
	struct arena scratch;
	struct dns_message m = { 0 };
	struct tsig_report report;
	struct span at = sent;
	uint16_t id = 0;
	enum rc rc;

	(void)rd_be16(&at, &id);
	arena_init(&scratch, SCRATCH_MAX);
	rc = dns_message_read(&m, &scratch, answer);
	arena_fini(&scratch);
	if (!rc && (!(m.flags & DNS_FLAG_QR) || m.id != id ||
		    m.opcode != DNS_OPCODE_UPDATE))
		rc = RC_MALFORMED;
	if (rc)
		return rc;
	tsig_verify(&report, answer, s->key, mac, clock_unix_s());
	*result = (struct sender_result){
		.rcode = m.rcode,
		.signature = report.verdict,
		.tsig_error = report.error,
		.server_time = report.server_time,
	};
	if (m.rcode == DNS_NOTAUTH && report.error)
		return RC_CRYPTO;
	if (m.rcode == DNS_NOERROR && report.verdict != TSIG_GOOD)
		return RC_CRYPTO;
	return outcome(m.rcode);
}

enum rc sender_send(struct sender_result *result, const struct sender *s,
		    struct span update)
{
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(DNS_MESSAGE_MAX);
	struct wr w = wr_over(p, DNS_MESSAGE_MAX);
	AUTO(buf_fini)
	struct buf answer = { 0 };
	struct tsig_mac mac = { 0 };
	struct span message;
	enum rc rc;

	*result = (struct sender_result){
		.rcode = SENDER_NO_ANSWER,
		.signature = TSIG_ABSENT,
	};
	wr_bytes(&w, update);
	tsig_sign(&w, &mac, s->key, clock_unix_s());
	if (!wr_done(&w, &message))
		return RC_LIMIT;
	buf_init(&answer, DNS_MESSAGE_MAX);
	rc = query_tcp(&answer, &s->primary, message, s->timeout_ms);
	if (rc)
		return rc == RC_CLOSED ? RC_LIMIT : rc;
	return judge(result, s, message, buf_span(&answer), &mac);
}

/* An update being written, with its memory. */
struct draft {
	uint8_t *p;
	struct dns_update u;
};

static void draft_fini(struct draft *d)
{
	free(d->p);
}

static void draft_begin(struct draft *d, const struct dns_name *zone)
{
	uint16_t id;

	rng_bytes(&id, sizeof(id));
	d->p = mem_new(UPDATE_MAX);
	dns_update_begin(&d->u, d->p, UPDATE_MAX, id, zone);
}

static enum rc draft_send(struct sender_result *result, const struct sender *s,
			  struct draft *d)
{
	struct span message;

	if (!dns_update_end(&d->u, &message))
		return RC_LIMIT;
	return sender_send(result, s, message);
}

static bool text_rdata(struct span *out, uint8_t rdata[RDATA_MAX],
		       struct span text)
{
	struct wr w = wr_over(rdata, RDATA_MAX);

	dns_txt_write(&w, text);
	return wr_done(&w, out);
}

enum rc sender_txt_add(struct sender_result *result, const struct sender *s,
		       const struct dns_name *zone, const struct dns_name *name,
		       uint32_t ttl_s, struct span text)
{
	AUTO(draft_fini)
	struct draft d = { 0 };
	uint8_t bytes[RDATA_MAX];
	struct span rdata;

	if (!text_rdata(&rdata, bytes, text))
		return RC_LIMIT;
	draft_begin(&d, zone);
	dns_update_add(&d.u, name, DNS_TXT, ttl_s, rdata);
	return draft_send(result, s, &d);
}

enum rc sender_txt_remove(struct sender_result *result, const struct sender *s,
			  const struct dns_name *zone,
			  const struct dns_name *name, struct span text)
{
	AUTO(draft_fini)
	struct draft d = { 0 };
	uint8_t bytes[RDATA_MAX];
	struct span rdata;

	if (!text_rdata(&rdata, bytes, text))
		return RC_LIMIT;
	draft_begin(&d, zone);
	dns_update_delete(&d.u, name, DNS_TXT, rdata);
	return draft_send(result, s, &d);
}

enum rc sender_caa_swap(struct sender_result *result, const struct sender *s,
			const struct dns_name *zone,
			const struct dns_name *name, uint32_t ttl_s,
			const struct span *before, size_t before_count,
			const struct span *after, size_t after_count)
{
	AUTO(draft_fini)
	struct draft d = { 0 };
	size_t i;

	draft_begin(&d, zone);
	dns_update_if_same(&d.u, name, DNS_CAA, before, before_count);
	dns_update_delete_set(&d.u, name, DNS_CAA);
	for (i = 0; i < after_count; i++)
		dns_update_add(&d.u, name, DNS_CAA, ttl_s, after[i]);
	return draft_send(result, s, &d);
}
