#include "pcs/get.h"

#include "base/mem.h"
#include "http/fetch.h"

enum {
	HEADER_MAX = 32 * 1024, /* an issuer chain takes 2 to 3 KiB */
};

static const char retry_name[] = "Retry-After";

void get_reply_fini(struct get_reply *r)
{
	buf_fini(&r->body);
	for (size_t i = 0; i < GET_HEADERS_MAX; i++)
		buf_fini(&r->header[i]);
	buf_fini(&r->retry_after);
	*r = (struct get_reply){ 0 };
}

static enum pcs_reason reason_of(enum fetch_result result)
{
	switch (result) {
	case FETCH_OK:
		return PCS_OK;
	case FETCH_UNREACHABLE:
		return PCS_UNREACHABLE;
	case FETCH_TLS:
		return PCS_TLS;
	case FETCH_TIMEOUT:
		return PCS_TIMEOUT;
	case FETCH_CUT:
		return PCS_CUT;
	case FETCH_TOO_LARGE:
		return PCS_TOO_LARGE;
	case FETCH_STOPPED:
		return PCS_STOPPED;
	case FETCH_FORM:
		break;
	}
	return PCS_FORM;
}

/* The one field of this name, or nothing; false when it comes twice. */
static bool take_field(struct buf *to, const struct web_answer *answer,
		       const char *name)
{
	struct span value;

	buf_init(to, HEADER_MAX);
	if (web_answer_get(answer, name, 1, &value))
		return false;
	return !web_answer_get(answer, name, 0, &value) || buf_add(to, value);
}

static bool take_fields(struct get_reply *reply,
			const struct web_answer *answer,
			const char *const *names)
{
	for (size_t i = 0; i < GET_HEADERS_MAX && names && names[i]; i++)
		if (!take_field(&reply->header[i], answer, names[i]))
			return false;
	return take_field(&reply->retry_after, answer, retry_name);
}

enum pcs_reason get(struct get_reply *out, struct pcs_error *error,
		    const struct get_options *options)
{
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	AUTO(get_reply_fini)
	struct get_reply reply = { 0 };
	const struct fetch_options how = {
		.ca_file = options->ca_file,
		.timeout_ms = options->timeout_ms,
		.stop = options->stop,
	};
	char text[FETCH_ERROR_MAX] = "";
	enum fetch_result result;

	if (web_ask_init(&ask, WEB_GET, span_str(options->url),
			 options->body_max))
		return pcs_fail(error, PCS_UNREACHABLE, "%s: not a URL",
				options->url);
	result = fetch(&answer, text, &ask, &how);
	if (result)
		return pcs_fail(error, reason_of(result), "%s", text);
	if (!take_fields(&reply, &answer, options->headers))
		return pcs_fail(error, PCS_FORM,
				"%s: a header comes twice, or is too long",
				options->url);
	reply.status = answer.status;
	reply.body = answer.body;
	answer.body = (struct buf){ 0 };
	*out = reply;
	reply = (struct get_reply){ 0 };
	return PCS_OK;
}
