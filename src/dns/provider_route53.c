/*
 * Amazon Route 53: XML, signed requests, a set changed in one transaction that
 * is in effect once GetChange says INSYNC.
 *
 * Source: Amazon Route 53 API Reference 2013-04-01, ListHostedZones,
 *         ListResourceRecordSets, ChangeResourceRecordSets, GetChange; its
 *         developer guide, "DNS domain name format" (\052 for "*").
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "dns/provider_api.h"
#include "dns/sigv4.h"

enum {
	BODY_MAX = 256 * 1024,
	TEXT_MAX = 16 * 1024,
};

#define NAMESPACE "https://route53.amazonaws.com/doc/2013-04-01/"

/*
 * The content of the next <tag>...</tag>, consumed; elements of one name do not
 * nest in these documents.
 */
static bool rd_element(struct span *xml, struct span *content, const char *tag)
{
	char open[64], close[64];
	const uint8_t *from, *to;
	size_t n = (size_t)snprintf(open, sizeof(open), "<%s>", tag);
	size_t m = (size_t)snprintf(close, sizeof(close), "</%s>", tag);

	from = xml->n ? memmem(xml->p, xml->n, open, n) : NULL;
	if (!from)
		return false;
	from += n;
	to = memmem(from, (size_t)(xml->p + xml->n - from), close, m);
	if (!to)
		return false;
	*content = span_of(from, (size_t)(to - from));
	(void)rd_skip(xml, (size_t)(to + m - xml->p));
	return true;
}

static bool element(struct span xml, struct span *content, const char *tag)
{
	return rd_element(&xml, content, tag);
}

/* The five entities; another '&', or a '<', is refused. */
static bool unescape(struct wr *w, struct span text)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{ "&lt;", '<' },
		{ "&gt;", '>' },
		{ "&amp;", '&' },
		{ "&quot;", '"' },
		{ "&apos;", '\'' },
		{ "&#34;", '"' },
		{ "&#39;", '\'' },
	};
	size_t i;
	uint8_t c;

	while (text.n) {
		for (i = 0; i < sizeof(entities) / sizeof(*entities); i++)
			if (span_has_prefix(text, span_str(entities[i].name)))
				break;
		if (i < sizeof(entities) / sizeof(*entities)) {
			(void)rd_skip(&text, strlen(entities[i].name));
			wr_u8(w, (uint8_t)entities[i].c);
			continue;
		}
		(void)rd_u8(&text, &c);
		if (c == '&' || c == '<')
			return false;
		wr_u8(w, c);
	}
	return true;
}

static void escape(struct wr *w, struct span text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		switch (text.p[i]) {
		case '<':
			wr_str(w, "&lt;");
			break;
		case '>':
			wr_str(w, "&gt;");
			break;
		case '&':
			wr_str(w, "&amp;");
			break;
		default:
			wr_u8(w, text.p[i]);
		}
}

/* Without comments, sections and declarations: this reader skips none. */
static bool is_plain(struct span xml)
{
	return xml.n && !memmem(xml.p, xml.n, "<!", 2);
}

static void authorize(const struct provider_job *job, struct web_ask *ask,
		      int64_t now)
{
	struct span url = span_str(ask->url), origin, rest, path;
	struct span query = { 0 };
	char text[SIGV4_TEXT_MAX], date[SIGV4_DATE_LEN + 1];
	struct wr w = WR_ARRAY(text);
	struct sigv4 s = {
		.method = web_method_name(ask->method),
		.body = buf_span(&ask->body),
		.region = "us-east-1",
		.service = "route53",
		.key_id = job->settings->key_id,
		.secret = job->settings->secret,
		.session = job->settings->session,
		.now = now,
	};

	if (!web_url_origin(&origin, url))
		return;
	rest = span_of(url.p + origin.n, url.n - origin.n);
	if (rd_until(&rest, &path, '?'))
		query = rest;
	/* What follows "://". */
	s.host = origin;
	while (s.host.n && s.host.p[0] != '/')
		(void)rd_skip(&s.host, 1);
	(void)rd_skip(&s.host, 2);
	s.path = path;
	s.query = query;
	sigv4_date(date, now);
	sigv4_sign(&w, &s);
	/* What no header can hold is refused by the provider. */
	(void)!web_ask_header(ask, "X-Amz-Date", span_str(date));
	if (s.session.n)
		(void)!web_ask_header(ask, "X-Amz-Security-Token", s.session);
	(void)!web_ask_header(ask, "Authorization", wr_span(&w));
}

static enum rc ask_zones(const struct provider_job *job, struct web_ask *ask)
{
	if (job->marker[0])
		return provider_begin(job, ask, WEB_GET,
				      "/2013-04-01/hostedzone?marker=%s"
				      "&maxitems=100",
				      job->marker);
	return provider_begin(job, ask, WEB_GET,
			      "/2013-04-01/hostedzone?maxitems=100");
}

/* Letters and digits, as their ids are; they become part of URLs. */
static bool keep_id(char out[PROVIDER_ID_MAX], struct span id)
{
	size_t i;

	if (id.n == 0 || id.n >= PROVIDER_ID_MAX)
		return false;
	for (i = 0; i < id.n; i++)
		if (!((id.p[i] >= '0' && id.p[i] <= '9') ||
		      (id.p[i] >= 'A' && id.p[i] <= 'Z') ||
		      (id.p[i] >= 'a' && id.p[i] <= 'z')))
			return false;
	memcpy(out, id.p, id.n);
	out[id.n] = '\0';
	return true;
}

/* "/hostedzone/Z123" or "/change/C123": the last part. */
static bool last_part(char out[PROVIDER_ID_MAX], struct span id)
{
	struct span part = { 0 };

	while (rd_until(&id, &part, '/'))
		;
	return keep_id(out, part);
}

static bool saw_zone(struct provider_job *job, struct span zone)
{
	struct span id, name, is_private;
	char kept[PROVIDER_ID_MAX];

	if (!element(zone, &id, "Id") || !element(zone, &name, "Name") ||
	    !last_part(kept, id))
		return false;
	/* One that only a VPC sees. */
	if (element(zone, &is_private, "PrivateZone") &&
	    span_equal_str(is_private, "true"))
		return true;
	provider_saw_zone(job, name, span_str(kept));
	return true;
}

static enum provider_next read_zones(struct provider_job *job, struct span body)
{
	struct span rest = body, zone, cut, marker;

	if (!is_plain(body) || !element(body, &cut, "IsTruncated"))
		return PROVIDER_NEXT_BAD;
	while (rd_element(&rest, &zone, "HostedZone"))
		if (!saw_zone(job, zone))
			return PROVIDER_NEXT_BAD;
	if (!span_equal_str(cut, "true"))
		return PROVIDER_NEXT_STEP;
	if (!element(body, &marker, "NextMarker") ||
	    !keep_id(job->marker, marker))
		return PROVIDER_NEXT_BAD;
	return PROVIDER_NEXT_PAGE;
}

static enum rc ask_read(const struct provider_job *job, struct web_ask *ask)
{
	char name[DNS_NAME_TEXT], encoded[3 * DNS_NAME_TEXT];
	struct wr w = wr_over(encoded, sizeof(encoded) - 1);

	/* "*" is %2A in a query that is signed. */
	dns_name_text(name, &job->want->name);
	web_url_encode(&w, span_str(name));
	encoded[w.n] = '\0';
	return provider_begin(job, ask, WEB_GET,
			      "/2013-04-01/hostedzone/%s/rrset?maxitems=1"
			      "&name=%s&type=%s",
			      job->zone_id, encoded, provider_type(job));
}

/* The list begins at the name asked for, or after it. */
static bool is_wanted(const struct provider_job *job, struct span set)
{
	struct span name, type;
	struct dns_name n;
	char star[DNS_NAME_TEXT];

	if (!element(set, &name, "Name") || !element(set, &type, "Type") ||
	    !span_equal_str(type, provider_type(job)))
		return false;
	if (span_has_prefix(name, span_str("\\052."))) {
		(void)snprintf(star, sizeof(star), "*%.*s", (int)(name.n - 4),
			       (const char *)name.p + 4);
		name = span_str(star);
	}
	return dns_name_parse(&n, name) == RC_OK &&
	       dns_name_equal(&n, &job->want->name);
}

static bool saw_values(struct provider_job *job, struct span set)
{
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(TEXT_MAX);
	struct span text, value;

	while (rd_element(&set, &text, "Value")) {
		struct wr w = wr_over(p, TEXT_MAX);

		if (!unescape(&w, text) || w.over ||
		    !provider_read_text(&value, job, wr_span(&w)) ||
		    !provider_saw_record(job, (struct span){ 0 }, value))
			return false;
	}
	return true;
}

static enum provider_next read_read(struct provider_job *job, struct span body)
{
	struct span rest = body, set, ttl;
	uint64_t seconds = 0;

	if (!is_plain(body) || !element(body, &set, "IsTruncated"))
		return PROVIDER_NEXT_BAD;
	while (rd_element(&rest, &set, "ResourceRecordSet")) {
		if (!is_wanted(job, set))
			continue;
		/* To delete a set it has to be named with its TTL. */
		if (!element(set, &ttl, "TTL") ||
		    !text_u64(&seconds, ttl, INT32_MAX) ||
		    !saw_values(job, set))
			return PROVIDER_NEXT_BAD;
		job->set_exists = true;
		job->set_ttl = (uint32_t)seconds;
	}
	return PROVIDER_NEXT_STEP;
}

static void write_value(struct wr *w, const struct provider_job *job,
			struct span value)
{
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(TEXT_MAX);
	struct wr text = wr_over(p, TEXT_MAX);
	struct span done;

	provider_write_text(&text, job, value);
	if (!wr_done(&text, &done)) {
		w->over = true;
		return;
	}
	wr_str(w, "<ResourceRecord><Value>");
	escape(w, done);
	wr_str(w, "</Value></ResourceRecord>");
}

static void write_change(struct wr *w, const struct provider_job *job)
{
	bool is_delete = job->make_count == 0;
	char name[DNS_NAME_TEXT];
	size_t i;

	dns_name_text(name, &job->want->name);
	wr_str(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		  "<ChangeResourceRecordSetsRequest xmlns=\"" NAMESPACE "\">"
		  "<ChangeBatch><Changes><Change><Action>");
	wr_str(w, is_delete ? "DELETE" : "UPSERT");
	wr_printf(w,
		  "</Action><ResourceRecordSet><Name>%s</Name>"
		  "<Type>%s</Type><TTL>%u</TTL><ResourceRecords>",
		  name, provider_type(job),
		  is_delete ? job->set_ttl
			    : provider_ttl(job, &provider_route53));
	for (i = 0; i < job->make_count; i++)
		write_value(w, job, job->make[i]);
	for (i = 0; is_delete && i < job->there_count; i++)
		write_value(w, job, job->there[i].value);
	wr_str(w, "</ResourceRecords></ResourceRecordSet></Change></Changes>"
		  "</ChangeBatch></ChangeResourceRecordSetsRequest>");
}

static enum rc ask_make(const struct provider_job *job, struct web_ask *ask,
			struct span value)
{
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(BODY_MAX);
	struct wr w = wr_over(p, BODY_MAX);
	struct span body;
	enum rc rc = provider_begin(job, ask, WEB_POST,
				    "/2013-04-01/hostedzone/%s/rrset",
				    job->zone_id);

	(void)value; /* the set is written whole */
	if (rc)
		return rc;
	write_change(&w, job);
	if (!wr_done(&w, &body))
		return RC_LIMIT;
	return web_ask_body(ask, "application/xml", body);
}

static enum provider_next read_write(struct provider_job *job, struct span body)
{
	struct span id;

	if (!is_plain(body) || !element(body, &id, "Id") ||
	    !last_part(job->change_id, id))
		return PROVIDER_NEXT_BAD;
	return PROVIDER_NEXT_STEP;
}

static enum rc ask_poll(const struct provider_job *job, struct web_ask *ask)
{
	return provider_begin(job, ask, WEB_GET, "/2013-04-01/change/%s",
			      job->change_id);
}

static enum provider_next read_poll(struct provider_job *job, struct span body)
{
	struct span status;

	(void)job;
	if (!is_plain(body) || !element(body, &status, "Status"))
		return PROVIDER_NEXT_BAD;
	if (span_equal_str(status, "INSYNC"))
		return PROVIDER_NEXT_STEP;
	return span_equal_str(status, "PENDING") ? PROVIDER_NEXT_PAGE
						 : PROVIDER_NEXT_BAD;
}

static struct span read_error(struct arena *arena, struct span body)
{
	struct span text = { 0 };

	(void)arena;
	(void)element(body, &text, "Message");
	return text;
}

/* Throttling, and a change of the zone that is still on its way: both 400. */
static bool is_busy(struct span body)
{
	struct span code;

	return element(body, &code, "Code") &&
	       (span_equal_str(code, "Throttling") ||
		span_equal_str(code, "PriorRequestNotComplete"));
}

const struct provider_api provider_route53 = {
	.name = "route53",
	.base = "https://route53.amazonaws.com",
	.ttl_min = 1,
	.by_set = true,
	.authorize = authorize,
	.ask_zones = ask_zones,
	.read_zones = read_zones,
	.ask_read = ask_read,
	.read_read = read_read,
	.ask_make = ask_make,
	.read_write = read_write,
	.ask_poll = ask_poll,
	.read_poll = read_poll,
	.read_error = read_error,
	.is_busy = is_busy,
};
