#include "dns/provider_api.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "dns/caa.h"

enum {
	VALUE_MAX = 8 * 1024,
	RETRY_MAX_S = 24 * 3600,
};

static const struct provider_api *api_of(enum provider_kind k)
{
	static const struct provider_api *const apis[PROVIDER_KINDS] = {
		[PROVIDER_CLOUDFLARE] = &provider_cloudflare,
		[PROVIDER_ROUTE53] = &provider_route53,
		[PROVIDER_DIGITALOCEAN] = &provider_digitalocean,
		[PROVIDER_LINODE] = &provider_linode,
		[PROVIDER_HETZNER] = &provider_hetzner,
		[PROVIDER_DESEC] = &provider_desec,
	};

	return apis[k];
}

const char *provider_name(enum provider_kind k)
{
	return api_of(k)->name;
}

bool provider_by_name(enum provider_kind *out, struct span name)
{
	int k;

	for (k = 0; k < PROVIDER_KINDS; k++) {
		enum provider_kind kind = (enum provider_kind)k;

		if (!span_equal_str(name, provider_name(kind)))
			continue;
		*out = kind;
		return true;
	}
	return false;
}

const char *provider_fault_name(enum provider_fault f)
{
	static const char *const names[] = {
		[PROVIDER_NO_FAULT] = "none",
		[PROVIDER_CREDENTIALS] = "credentials",
		[PROVIDER_NO_ZONE] = "no_zone",
		[PROVIDER_BUSY] = "busy",
		[PROVIDER_REFUSED] = "refused",
		[PROVIDER_ERROR] = "error",
		[PROVIDER_FORM] = "form",
		[PROVIDER_CANNOT] = "cannot",
		[PROVIDER_SLOW] = "slow",
	};

	return names[f];
}

/* Starting. */

static bool has_credentials(const struct provider_settings *s)
{
	if (s->kind == PROVIDER_ROUTE53)
		return s->key_id.n && s->secret.n;
	return s->token.n;
}

static bool is_base(struct span url)
{
	AUTO(web_ask_fini)
	struct web_ask probe = { 0 };

	return url.n == 0 || web_ask_init(&probe, WEB_GET, url, 0) == RC_OK;
}

enum rc provider_job_init(struct provider_job *job, struct arena *arena,
			  const struct provider_settings *settings,
			  const struct provider_want *want)
{
	size_t i;

	if (want->type != DNS_TXT && want->type != DNS_CAA)
		return RC_UNSUPPORTED;
	if (want->count > PROVIDER_VALUES_MAX)
		return RC_LIMIT;
	if (!has_credentials(settings) || !is_base(settings->base_url))
		return RC_MALFORMED;
	for (i = 0; i < want->count; i++) {
		struct provider_caa caa;

		if (want->type == DNS_CAA &&
		    !provider_caa_parts(&caa, want->values[i]))
			return RC_MALFORMED;
	}
	*job = (struct provider_job){
		.arena = arena,
		.settings = settings,
		.want = want,
		.page = 1,
	};
	return RC_OK;
}

/* Failing. */

static void fail(struct provider_job *job, enum provider_fault fault,
		 unsigned status, struct span text)
{
	struct wr w = wr_over(job->failure.text, PROVIDER_TEXT_MAX - 1);

	job->failure.fault = fault;
	job->failure.status = status;
	text_escape(&w, text, PROVIDER_TEXT_MAX / 4 - 4);
	job->failure.text[w.over ? 0 : w.n] = '\0';
}

static enum provider_fault fault_of(unsigned status)
{
	if (status == 401 || status == 403)
		return PROVIDER_CREDENTIALS;
	if (status == 429 || status == 503)
		return PROVIDER_BUSY;
	return status >= 400 && status < 500 ? PROVIDER_REFUSED
					     : PROVIDER_ERROR;
}

static void fail_status(struct provider_job *job,
			const struct provider_api *api,
			const struct web_answer *answer)
{
	struct span text = { 0 }, retry;
	uint64_t seconds = 0;

	if (api->read_error)
		text = api->read_error(job->arena, buf_span(&answer->body));
	fail(job, fault_of(answer->status), answer->status, text);
	if (api->is_busy && api->is_busy(buf_span(&answer->body)))
		job->failure.fault = PROVIDER_BUSY;
	if (web_answer_only(answer, "Retry-After", &retry) &&
	    text_u64(&seconds, retry, RETRY_MAX_S))
		job->failure.retry_after_s = (uint32_t)seconds;
}

/* What is to be done. */

static bool is_in(const struct span *values, size_t count, struct span one)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (span_equal(values[i], one))
			return true;
	return false;
}

static bool is_there(const struct provider_job *job, struct span one)
{
	size_t i;

	for (i = 0; i < job->there_count; i++)
		if (span_equal(job->there[i].value, one))
			return true;
	return false;
}

/* Whether a record that is there goes. */
static bool goes(const struct provider_job *job,
		 const struct provider_record *r)
{
	const struct provider_want *w = job->want;
	bool named = is_in(w->values, w->count, r->value);

	switch (w->change) {
	case PROVIDER_ADD:
		return false;
	case PROVIDER_REMOVE:
		return named;
	case PROVIDER_REPLACE:
		break;
	}
	return !named;
}

/* The records that are missing and those that go; true: some are. */
static bool plan_records(struct provider_job *job)
{
	const struct provider_want *w = job->want;
	size_t i;

	for (i = 0; w->change != PROVIDER_REMOVE && i < w->count; i++)
		if (!is_there(job, w->values[i]) &&
		    !is_in(job->make, job->make_count, w->values[i]))
			job->make[job->make_count++] = w->values[i];
	for (i = 0; i < job->there_count; i++)
		if (goes(job, &job->there[i]))
			job->take[job->take_count++] = &job->there[i];
	return job->make_count || job->take_count;
}

/* The set as it shall be: what stays, then what is new. */
static bool plan_set(struct provider_job *job)
{
	struct span made[PROVIDER_VALUES_MAX];
	size_t n, i;

	if (!plan_records(job))
		return true;
	n = job->make_count;
	memcpy(made, job->make, sizeof(made));
	job->make_count = 0;
	for (i = 0; i < job->there_count; i++)
		if (!goes(job, &job->there[i]))
			job->make[job->make_count++] = job->there[i].value;
	if (job->make_count + n > PROVIDER_VALUES_MAX)
		return false;
	for (i = 0; i < n; i++)
		job->make[job->make_count++] = made[i];
	job->step = PROVIDER_STEP_WRITE;
	return true;
}

static void plan(struct provider_job *job, const struct provider_api *api)
{
	job->step = PROVIDER_STEP_END;
	if (api->by_set) {
		if (!plan_set(job))
			fail(job, PROVIDER_CANNOT, 0,
			     span_str("too many values"));
		return;
	}
	if (plan_records(job))
		job->step = PROVIDER_STEP_WRITE;
}

/* Asking. */

static enum rc ask_write(const struct provider_job *job,
			 const struct provider_api *api, struct web_ask *ask)
{
	if (api->by_set)
		return api->ask_make(job, ask, (struct span){ 0 });
	if (job->done < job->make_count)
		return api->ask_make(job, ask, job->make[job->done]);
	return api->ask_take(job, ask, job->take[job->done - job->make_count]);
}

static enum rc ask_step(const struct provider_job *job,
			const struct provider_api *api, struct web_ask *ask)
{
	switch (job->step) {
	case PROVIDER_STEP_ZONES:
		return api->ask_zones(job, ask);
	case PROVIDER_STEP_READ:
		return api->ask_read(job, ask);
	case PROVIDER_STEP_WRITE:
		return ask_write(job, api, ask);
	case PROVIDER_STEP_POLL:
	case PROVIDER_STEP_END:
		break;
	}
	return api->ask_poll(job, ask);
}

enum provider_state provider_job_ask(struct provider_job *job,
				     struct web_ask *ask, int64_t now)
{
	const struct provider_api *api = api_of(job->settings->kind);
	enum rc rc;

	if (job->failure.fault)
		return PROVIDER_FAILED;
	if (job->step == PROVIDER_STEP_END)
		return PROVIDER_DONE;
	rc = ask_step(job, api, ask);
	if (rc) {
		fail(job, PROVIDER_CANNOT, 0, span_str(rc_name(rc)));
		return PROVIDER_FAILED;
	}
	api->authorize(job, ask, now);
	return PROVIDER_ASK;
}

/* Answers. */

static void go_to(struct provider_job *job, enum provider_step step)
{
	job->step = step;
	job->page = 1;
	job->marker[0] = '\0';
}

static void end_write(struct provider_job *job, const struct provider_api *api)
{
	job->done++;
	if (!api->by_set && job->done < job->make_count + job->take_count)
		return;
	go_to(job, api->ask_poll ? PROVIDER_STEP_POLL : PROVIDER_STEP_END);
}

/* A step is complete. */
static void advance(struct provider_job *job, const struct provider_api *api)
{
	switch (job->step) {
	case PROVIDER_STEP_ZONES:
		go_to(job, PROVIDER_STEP_READ);
		if (!job->has_zone)
			fail(job, PROVIDER_NO_ZONE, 0, (struct span){ 0 });
		return;
	case PROVIDER_STEP_READ:
		plan(job, api);
		return;
	case PROVIDER_STEP_WRITE:
		end_write(job, api);
		return;
	case PROVIDER_STEP_POLL:
	case PROVIDER_STEP_END:
		break;
	}
	go_to(job, PROVIDER_STEP_END);
}

static enum provider_next read_step(struct provider_job *job,
				    const struct provider_api *api,
				    struct span body)
{
	switch (job->step) {
	case PROVIDER_STEP_ZONES:
		return api->read_zones(job, body);
	case PROVIDER_STEP_READ:
		return api->read_read(job, body);
	case PROVIDER_STEP_WRITE:
		return api->read_write ? api->read_write(job, body)
				       : PROVIDER_NEXT_STEP;
	case PROVIDER_STEP_POLL:
	case PROVIDER_STEP_END:
		break;
	}
	return api->read_poll(job, body);
}

static void next_page(struct provider_job *job)
{
	unsigned max = PROVIDER_PAGES_MAX;

	if (job->step == PROVIDER_STEP_POLL)
		max = PROVIDER_POLLS_MAX;
	if (++job->page <= max)
		return;
	fail(job,
	     job->step == PROVIDER_STEP_POLL ? PROVIDER_SLOW : PROVIDER_FORM, 0,
	     span_str("too many pages"));
}

void provider_job_answer(struct provider_job *job,
			 const struct web_answer *answer)
{
	const struct provider_api *api = api_of(job->settings->kind);
	bool is_missing = answer->status == 404;

	if (job->failure.fault || job->step == PROVIDER_STEP_END)
		return;
	/* A record that goes and is gone is as wanted. */
	if (is_missing && ((job->step == PROVIDER_STEP_READ &&
			    api->missing_is_empty) ||
			   (job->step == PROVIDER_STEP_WRITE &&
			    job->done >= job->make_count && !api->by_set))) {
		advance(job, api);
		return;
	}
	if (answer->status < 200 || answer->status > 299) {
		fail_status(job, api, answer);
		return;
	}
	switch (read_step(job, api, buf_span(&answer->body))) {
	case PROVIDER_NEXT_STEP:
		advance(job, api);
		return;
	case PROVIDER_NEXT_PAGE:
		next_page(job);
		return;
	case PROVIDER_NEXT_BAD:
		break;
	}
	if (!job->failure.fault)
		fail(job, PROVIDER_FORM, answer->status, (struct span){ 0 });
}

/* What the providers share. */

enum rc provider_begin(const struct provider_job *job, struct web_ask *ask,
		       enum web_method method, const char *path, ...)
{
	struct span base = job->settings->base_url;
	char url[WEB_URL_MAX];
	va_list args;
	int n, m;

	if (base.n == 0)
		base = span_str(api_of(job->settings->kind)->base);
	n = snprintf(url, sizeof(url), "%.*s", (int)base.n,
		     (const char *)base.p);
	if (n < 0 || (size_t)n >= sizeof(url))
		return RC_LIMIT;
	va_start(args, path);
	m = vsnprintf(url + n, sizeof(url) - (size_t)n, path, args);
	va_end(args);
	if (m < 0 || (size_t)m >= sizeof(url) - (size_t)n)
		return RC_LIMIT;
	return web_ask_init(ask, method, span_str(url), PROVIDER_ANSWER_MAX);
}

void provider_bearer(const struct provider_job *job, struct web_ask *ask,
		     const char *scheme)
{
	char value[2048];
	struct wr w = WR_ARRAY(value);

	wr_str(&w, scheme);
	wr_u8(&w, ' ');
	wr_bytes(&w, job->settings->token);
	/* A token that is no header value is refused by the provider. */
	(void)!web_ask_header(ask, "Authorization", wr_span(&w));
	secret_wipe(value, sizeof(value));
}

void provider_saw_zone(struct provider_job *job, struct span name,
		       struct span id)
{
	struct dns_name zone;

	/* An id becomes part of a URL's path. */
	if (dns_name_parse(&zone, name) || id.n == 0 ||
	    id.n >= PROVIDER_ID_MAX ||
	    !dns_name_is_under(&job->want->name, &zone) ||
	    (job->has_zone && zone.n <= job->zone.n))
		return;
	job->has_zone = true;
	job->zone = zone;
	memcpy(job->zone_id, id.p, id.n);
	job->zone_id[id.n] = '\0';
}

bool provider_saw_record(struct provider_job *job, struct span id,
			 struct span value)
{
	struct provider_record *r = &job->there[job->there_count];

	if (job->there_count == PROVIDER_VALUES_MAX || id.n >= sizeof(r->id))
		return false;
	*r = (struct provider_record){ .value = value };
	if (id.n)
		memcpy(r->id, id.p, id.n);
	job->there_count++;
	return true;
}

const char *provider_type(const struct provider_job *job)
{
	return job->want->type == DNS_TXT ? "TXT" : "CAA";
}

void provider_relative(char out[DNS_NAME_TEXT], const struct provider_job *job,
		       const char *apex)
{
	bool ok = dns_name_relative(out, &job->want->name, &job->zone);

	assert(ok); /* provider_saw_zone() took no other */
	(void)ok;
	if (out[0] == '\0')
		(void)snprintf(out, DNS_NAME_TEXT, "%s", apex);
}

uint32_t provider_ttl(const struct provider_job *job,
		      const struct provider_api *api)
{
	return job->want->ttl_s > api->ttl_min ? job->want->ttl_s
					       : api->ttl_min;
}

bool provider_caa_parts(struct provider_caa *out, struct span rdata)
{
	struct provider_caa c;
	size_t i;

	if (!rd_u8(&rdata, &c.flags) || !rd_vec8(&rdata, &c.tag) || !c.tag.n)
		return false;
	/* APIs take texts: only what JSON and XML carry as it is. */
	for (i = 0; i < rdata.n; i++)
		if (rdata.p[i] < 0x20 || rdata.p[i] > 0x7e)
			return false;
	c.value = rdata;
	*out = c;
	return true;
}

static bool keep(struct span *out, struct provider_job *job, const struct wr *w)
{
	struct span text;
	char *copy;

	if (!wr_done(w, &text))
		return false;
	copy = arena_dup(job->arena, text);
	*out = span_of(copy, text.n);
	return copy != NULL;
}

bool provider_caa_join(struct span *rdata, struct provider_job *job,
		       uint64_t flags, struct span tag, struct span value)
{
	uint8_t bytes[VALUE_MAX];
	struct wr w = WR_ARRAY(bytes);

	if (flags > UINT8_MAX)
		return false;
	caa_write_rdata(&w, (uint8_t)flags, tag, value);
	return keep(rdata, job, &w);
}

/* TXT as zone files have it: strings of 255 bytes, '"' and '\' escaped. */
static void write_txt(struct wr *w, struct span text)
{
	size_t i;

	wr_u8(w, '"');
	for (i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (i && i % 255 == 0)
			wr_str(w, "\" \"");
		if (c == '"' || c == '\\')
			wr_printf(w, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			wr_printf(w, "\\%03u", c);
		else
			wr_u8(w, c);
	}
	wr_u8(w, '"');
}

void provider_write_text(struct wr *w, const struct provider_job *job,
			 struct span value)
{
	struct caa_property p = { 0 };
	struct provider_caa c;

	if (job->want->type == DNS_TXT) {
		write_txt(w, value);
		return;
	}
	if (!provider_caa_parts(&c, value)) {
		w->over = true;
		return;
	}
	p.flags = c.flags;
	p.tag_text = c.tag;
	p.value = c.value;
	caa_write_text(w, &p);
}

/*
 * Quoted strings, one after another, are one text; a text without quotes is
 * itself.  The CAA reader knows how one quoted string is read, so each is
 * given to it as a value.
 */
static bool read_txt(struct wr *w, struct span text)
{
	size_t i, from;

	if (text.n == 0 || text.p[0] != '"') {
		wr_bytes(w, text);
		return true;
	}
	for (i = 0; i < text.n; i++) {
		uint8_t one[VALUE_MAX], record[VALUE_MAX];
		struct wr line = WR_ARRAY(one), rdata = WR_ARRAY(record);
		struct provider_caa c;

		if (text.p[i] == ' ')
			continue;
		for (from = i++; i < text.n && text.p[i] != '"'; i++)
			if (text.p[i] == '\\')
				i++;
		if (text.p[from] != '"' || i >= text.n)
			return false;
		wr_str(&line, "0 x ");
		wr_bytes(&line, span_of(text.p + from, i + 1 - from));
		if (line.over || caa_text_rdata(&rdata, wr_span(&line)) ||
		    !provider_caa_parts(&c, wr_span(&rdata)))
			return false;
		wr_bytes(w, c.value);
	}
	return true;
}

bool provider_read_text(struct span *value, struct provider_job *job,
			struct span text)
{
	uint8_t bytes[VALUE_MAX];
	struct wr w = WR_ARRAY(bytes);

	if (job->want->type == DNS_TXT ? !read_txt(&w, text)
				       : caa_text_rdata(&w, text) != RC_OK)
		return false;
	return keep(value, job, &w);
}

/* JSON. */

const struct jtree *provider_json(struct provider_job *job, struct span body)
{
	/* The answer is gone before the job is. */
	char *copy = arena_dup(job->arena, body);

	return copy ? jtree_read(job->arena, span_of(copy, body.n)) : NULL;
}

bool provider_number(uint64_t *out, const struct jtree *value)
{
	if (!value || value->type != JTREE_NUMBER)
		return false;
	*out = value->number;
	return true;
}

bool provider_text(struct span *out, const struct jtree *value)
{
	if (!value || value->type != JTREE_TEXT)
		return false;
	*out = value->text;
	return true;
}

bool provider_id(char out[PROVIDER_ID_MAX], const struct jtree *value)
{
	struct wr w = wr_over(out, PROVIDER_ID_MAX - 1);
	struct span text;
	uint64_t n;
	size_t i;

	if (provider_number(&n, value))
		wr_printf(&w, "%llu", (unsigned long long)n);
	else if (provider_text(&text, value))
		wr_bytes(&w, text);
	else
		return false;
	/* It becomes part of a URL's path, where "." and ".." go elsewhere. */
	if (!w.n || out[0] == '.')
		return false;
	for (i = 0; i < w.n; i++)
		if (out[i] < '-' || out[i] > 'z' || out[i] == '/' ||
		    out[i] == '?' || out[i] == '%')
			return false;
	out[w.n] = '\0';
	return !w.over;
}

enum rc provider_send(struct web_ask *ask, const struct jwrite *j)
{
	if (!jwrite_done(j))
		return RC_LIMIT;
	return web_ask_body(ask, "application/json", buf_span(j->to));
}
