#include "resolve/proof.h"

#include <getdns/getdns.h>
#include <getdns/getdns_extra.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dns/message.h"
#include "dns/proofform.h"
#include "resolve/query.h"

enum {
	LINE_MAX_LEN = 1024,
	RECORD_MAX = 64 * 1024,
	ANCHOR_TTL = 3600,
	SCRATCH_MAX = 16 * 1024 * 1024,
	ANCHORS_MAX = 64,
	ALIASES_MAX = 8, /* that lead from one server's zones to others' */
	ASKED_MAX = 512, /* names whose delegation is looked at */
};

static void list_fini(getdns_list **l)
{
	getdns_list_destroy(*l);
}

static void dict_fini(getdns_dict **d)
{
	getdns_dict_destroy(*d);
}

/* A copy goes to the list's end. */
static enum rc append(getdns_list *list, const getdns_dict *dict)
{
	size_t n = 0;

	if (getdns_list_get_length(list, &n) ||
	    getdns_list_set_dict(list, n, dict))
		return RC_SYS;
	return RC_OK;
}

/* A new list, or out of memory. */
static getdns_list *new_list(void)
{
	return mem_need(getdns_list_create());
}

static enum rc add_anchor(getdns_list *list, struct span line)
{
	AUTO(dict_fini)
	getdns_dict *rr = NULL;
	char copy[LINE_MAX_LEN] = "";

	if (line.n >= sizeof(copy))
		return RC_MALFORMED;
	memcpy(copy, line.p, line.n);
	/* With an origin other than NULL it takes no anchor for one. */
	if (getdns_str2rr_dict(copy, &rr, NULL, ANCHOR_TTL))
		return RC_MALFORMED;
	return append(list, rr);
}

static enum rc read_anchors(getdns_list *list, struct span text)
{
	struct span line;

	while (rd_until(&text, &line, '\n')) {
		enum rc rc = RC_OK;

		if (line.n && line.p[0] != ';')
			rc = add_anchor(list, line);
		if (rc)
			return rc;
	}
	return RC_OK;
}

/* Collecting. */

struct collecting {
	const struct proof_source *source;
	struct wr *w; /* the proof so far */
	struct buf chain; /* records, none twice */
	struct arena arena; /* messages and names */
	struct dns_name *anchors, *asked;
	size_t anchor_count, asked_count;
};

/* Whose keys the anchors are: the first word of each line. */
static enum rc read_anchor_names(struct collecting *c)
{
	struct span text = c->source->anchors, line, owner;

	c->anchors = arena_new(&c->arena, ANCHORS_MAX, sizeof(*c->anchors));
	c->asked = arena_new(&c->arena, ASKED_MAX, sizeof(*c->asked));
	if (!c->anchors || !c->asked)
		return RC_LIMIT;
	while (rd_until(&text, &line, '\n')) {
		if (line.n == 0 || line.p[0] == ';')
			continue;
		if (c->anchor_count == ANCHORS_MAX)
			return RC_LIMIT;
		if (!rd_until(&line, &owner, ' ') ||
		    dns_name_parse(&c->anchors[c->anchor_count++], owner))
			return RC_MALFORMED;
	}
	return RC_OK;
}

/* Each server in turn, until one has an answer that says something. */
static enum rc ask(struct collecting *c, struct dns_message *out,
		   const struct dns_name *name, uint16_t type)
{
	const struct dns_ask how = { .wants_recursion = true,
				     .wants_dnssec = true };
	enum rc rc = RC_CLOSED;
	size_t i;

	for (i = 0; i < c->source->server_count; i++) {
		rc = query_ask(out, &c->arena, &c->source->servers[i], &how,
			       name, type, c->source->timeout_ms);
		if (!rc && (out->rcode == DNS_NOERROR ||
			    out->rcode == DNS_NXDOMAIN))
			return RC_OK;
	}
	return rc == RC_LIMIT ? RC_LIMIT : RC_CLOSED;
}

static bool is_there(struct span records, struct span one)
{
	struct span record;

	while (proofform_rd_record(&records, &record))
		if (span_equal(record, one))
			return true;
	return false;
}

static bool is_link_type(uint16_t type)
{
	return type == DNS_DS || type == DNS_DNSKEY || type == DNS_NSEC ||
	       type == DNS_NSEC3;
}

/* A link, or the signature of one (RFC 4034 §3.1: the type comes first). */
static bool is_link(const struct dns_record *r)
{
	struct span rdata = r->rdata;
	uint16_t covered;

	if (r->class != DNS_IN)
		return false;
	if (r->type == DNS_RRSIG)
		return rd_be16(&rdata, &covered) && is_link_type(covered);
	return is_link_type(r->type);
}

static enum rc add_links(struct collecting *c, const struct dns_message *m)
{
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(RECORD_MAX);
	int s;
	size_t i;

	for (s = DNS_ANSWER; s <= DNS_AUTHORITY; s++)
		for (i = 0; i < m->counts[s]; i++) {
			struct wr w = wr_over(p, RECORD_MAX);

			if (!is_link(&m->records[s][i]))
				continue;
			dns_write_plain(&w, m, &m->records[s][i]);
			if (!is_there(buf_span(&c->chain), wr_span(&w)) &&
			    !buf_add(&c->chain, wr_span(&w)))
				return RC_LIMIT;
		}
	return RC_OK;
}

static enum rc ask_link(struct collecting *c, struct dns_message *m,
			const struct dns_name *name, uint16_t type)
{
	enum rc rc = ask(c, m, name, type);

	return rc ? rc : add_links(c, m);
}

static bool is_anchor(const struct collecting *c, const struct dns_name *name)
{
	size_t i;

	for (i = 0; i < c->anchor_count; i++)
		if (dns_name_equal(&c->anchors[i], name))
			return true;
	return false;
}

/* True of a name that was here before; else it is noted. */
static bool was_asked(struct collecting *c, const struct dns_name *name)
{
	size_t i;

	for (i = 0; i < c->asked_count; i++)
		if (dns_name_equal(&c->asked[i], name))
			return true;
	if (c->asked_count < ASKED_MAX)
		c->asked[c->asked_count++] = *name;
	return false;
}

/*
 * From the name up to an anchor: whether a signed zone begins there, its keys
 * if so, and else the proof that none does.
 */
static enum rc add_chain(struct collecting *c, const struct dns_name *from)
{
	struct dns_name at = *from;
	struct dns_message m;
	struct dns_found ds;
	enum rc rc = RC_OK;

	while (!rc && !was_asked(c, &at)) {
		if (is_anchor(c, &at))
			return ask_link(c, &m, &at, DNS_DNSKEY);
		rc = ask_link(c, &m, &at, DNS_DS);
		if (!rc)
			rc = dns_message_find(&ds, &c->arena, &m, &at, DNS_DS);
		if (!rc && ds.count && !ds.is_alias)
			rc = ask_link(c, &m, &at, DNS_DNSKEY);
		if (!dns_name_parent(&at, &at))
			break;
	}
	return rc;
}

/* The chains of all names of which the message says something. */
static enum rc add_chains(struct collecting *c, const struct dns_message *m)
{
	enum rc rc = add_chain(c, &m->qname);
	size_t i;
	int s;

	for (s = DNS_ANSWER; s <= DNS_AUTHORITY; s++)
		for (i = 0; !rc && i < m->counts[s]; i++) {
			const struct dns_record *r = &m->records[s][i];

			if (r->type == DNS_CAA || r->type == DNS_CNAME ||
			    r->type == DNS_DNAME || r->type == DNS_SOA)
				rc = add_chain(c, &r->owner);
		}
	return rc;
}

/* An alias leads out of the message: nothing in it is about the target. */
static bool leads_out(const struct dns_message *m, const struct dns_found *f)
{
	return f->is_alias && f->count == 0 && m->counts[DNS_AUTHORITY] == 0 &&
	       m->rcode == DNS_NOERROR;
}

static enum rc collect_level(struct collecting *c, const struct dns_name *name)
{
	struct dns_message answers[ALIASES_MAX];
	struct dns_found found = { .at = *name };
	size_t n = 0;
	enum rc rc;

	do {
		struct dns_name at = found.at;

		if (n == ALIASES_MAX)
			return RC_LIMIT;
		rc = ask(c, &answers[n], &at, DNS_CAA);
		if (!rc)
			rc = dns_message_find(&found, &c->arena, &answers[n],
					      &at, DNS_CAA);
		if (!rc)
			rc = add_chains(c, &answers[n]);
		if (rc)
			return rc;
	} while (leads_out(&answers[n++], &found));
	proofform_level(c->w, answers, n);
	return RC_OK;
}

static enum rc collect_all(struct collecting *c, const struct dns_name *name)
{
	struct dns_name at = *name;
	size_t count;
	enum rc rc = read_anchor_names(c);

	if (dns_name_is_wildcard(&at))
		(void)dns_name_parent(&at, name); /* it has that label */
	count = dns_name_labels(&at);
	if (count == 0)
		return RC_MALFORMED;
	proofform_begin(c->w, count);
	for (; count && !rc; count--) {
		rc = collect_level(c, &at);
		(void)dns_name_parent(&at, &at); /* it has that label */
	}
	proofform_chain(c->w, buf_span(&c->chain));
	return rc;
}

enum rc proof_collect(struct buf *out, const struct proof_source *source,
		      const struct dns_name *name)
{
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(PROOF_MAX);
	struct wr w = wr_over(p, PROOF_MAX);
	struct collecting c = { .source = source, .w = &w };
	struct span proof;
	enum rc rc;

	arena_init(&c.arena, SCRATCH_MAX);
	buf_init(&c.chain, PROOF_MAX);
	rc = collect_all(&c, name);
	buf_fini(&c.chain);
	arena_fini(&c.arena);
	if (rc)
		return rc;
	return wr_done(&w, &proof) && buf_add(out, proof) ? RC_OK : RC_LIMIT;
}

/* Checking. */

struct checking {
	getdns_list *chain, *anchors;
	int64_t at;
	struct arena *arena;
};

static enum rc read_chain(getdns_list *list, const struct proofform *form)
{
	size_t i;

	for (i = 0; i < form->chain_count; i++) {
		AUTO(dict_fini)
		getdns_dict *rr = NULL;
		enum rc rc;

		if (getdns_wire2rr_dict(form->chain[i].p, form->chain[i].n,
					&rr))
			return RC_MALFORMED;
		rc = append(list, rr);
		if (rc)
			return rc;
	}
	return RC_OK;
}

static enum dns_trust trust_of(getdns_return_t status)
{
	if (status == (getdns_return_t)GETDNS_DNSSEC_SECURE)
		return DNS_SECURE;
	/* Unsigned, and proved to be: the absence of a DS record is signed. */
	if (status == (getdns_return_t)GETDNS_DNSSEC_INSECURE)
		return DNS_INSECURE;
	return DNS_BOGUS;
}

static enum rc validate(enum dns_trust *out, const struct checking *c,
			const struct dns_message *m)
{
	AUTO(dict_fini)
	getdns_dict *reply = NULL;
	AUTO(list_fini)
	getdns_list *replies = new_list();
	enum rc rc;

	if (getdns_wire2msg_dict(m->whole.p, m->whole.n, &reply))
		return RC_MALFORMED;
	rc = append(replies, reply);
	if (!rc)
		*out = trust_of(getdns_validate_dnssec2(replies, c->chain,
							c->anchors,
							(time_t)c->at, 0));
	return rc;
}

static enum rc check_level(struct climb *climb, const struct checking *c,
			   const struct dns_message *m)
{
	struct climb_found found = { 0 };
	struct dns_found records;
	enum rc rc = validate(&found.trust, c, m);

	if (!rc)
		rc = dns_message_find(&records, c->arena, m, &m->qname,
				      DNS_CAA);
	if (rc)
		return rc;
	found.at = records.at;
	found.rdatas = records.rdatas;
	found.count = records.count;
	return climb_answer(climb, &found);
}

static enum rc check_all(struct climb *climb, const struct checking *c,
			 const struct proofform *form)
{
	enum rc rc = read_chain(c->chain, form);
	size_t i;

	for (i = 0; i < form->count && !rc; i++)
		rc = check_level(climb, c, &form->levels[i]);
	return rc;
}

enum rc proof_check(struct climb *out, struct arena *arena, struct span proof,
		    const struct dns_name *name, struct span anchors,
		    int64_t at)
{
	AUTO(list_fini)
	getdns_list *chain = new_list();
	AUTO(list_fini)
	getdns_list *trusted = new_list();
	const struct checking c = { chain, trusted, at, arena };
	struct proofform form;
	struct climb climb;
	enum rc rc = climb_init(&climb, arena, name, CLIMB_ALL);

	if (!rc)
		rc = proofform_read(&form, arena, proof,
				    &climb.levels[0].name);
	if (!rc)
		rc = read_anchors(trusted, anchors);
	if (!rc)
		rc = check_all(&climb, &c, &form);
	if (!rc)
		*out = climb;
	return rc;
}
