#include "cli/acme_report.h"

#include <string.h>

#include "base/text.h"
#include "cli/json.h"

enum {
	HOUR_S = 3'600,
	DAY_S = 86'400,
	TEXT_SHOWN = 400,
	HASH_SHOWN = 16,
};

static void put(FILE *to, const char *text)
{
	for (size_t i = 0; text[i] && i < TEXT_SHOWN; i++)
		fputc(text[i] < ' ' || text[i] > '~' ? '?' : text[i], to);
}

static bool time_of(int64_t *at, const json_t *object, const char *key)
{
	return text_utc(at, span_str(jtext(object, key)));
}

/* "59 days", "7 h", "3 min" */
static void put_span(FILE *to, int64_t seconds)
{
	if (seconds >= 2 * DAY_S)
		fprintf(to, "%lld days", (long long)(seconds / DAY_S));
	else if (seconds >= 2 * HOUR_S)
		fprintf(to, "%lld h", (long long)(seconds / HOUR_S));
	else
		fprintf(to, "%lld min", (long long)(seconds / 60));
}

static void account(FILE *to, const json_t *a)
{
	const char *url = jtext(a, "url"), *why = jtext(a, "why");

	fputs("account      ", to);
	put(to, jtext(a, "standing"));
	fputs("  ", to);
	put(to, url[0] ? url : jtext(a, "directory"));
	if (jtext(a, "thumbprint")[0]) {
		fputs("  key ", to);
		put(to, jtext(a, "thumbprint"));
	}
	if (why[0]) {
		fputs("\n             ", to);
		put(to, why);
	}
	fputc('\n', to);
}

static void certificate(FILE *to, const json_t *c, int64_t now)
{
	const json_t *name;
	int64_t at;
	size_t i;

	fputs("certificate ", to);
	json_array_foreach(json_object_get(c, "names"), i, name)
	{
		fputc(' ', to);
		put(to, json_string_value(name) ? json_string_value(name) : "");
	}
	if (!jtrue(c, "there") || !time_of(&at, c, "not_after")) {
		fputs(": none yet\n", to);
		return;
	}
	if (at <= now) {
		fputs(": EXPIRED", to);
	} else {
		fputs(": ", to);
		put_span(to, at - now);
		fputs(" left", to);
	}
	if (time_of(&at, c, "renew_at") && at > now) {
		fputs(", to be renewed in ", to);
		put_span(to, at - now);
	} else {
		fputs(", to be renewed now", to);
	}
	fputs(", from ", to);
	put(to, jtext(c, "directory"));
	fputc('\n', to);
}

static void caa(FILE *to, const json_t *c)
{
	fputs("caa          ", to);
	put(to, jtext(c, "name"));
	fputs(": ", to);
	put(to, jtext(c, "state"));
	fputs(", ", to);
	put(to, jtext(c, "trust"));
	if (jtrue(c, "disagree"))
		fputs(", servers disagree", to);
	if (jtext(c, "why")[0]) {
		fputs("; ", to);
		put(to, jtext(c, "why"));
	}
	fputc('\n', to);
}

static void evidence(FILE *to, const json_t *e, int64_t now)
{
	int64_t at;

	if (!time_of(&at, e, "expires_at")) {
		fputs("evidence     none yet\n", to);
		return;
	}
	fprintf(to, "evidence     core %.*s, ", HASH_SHOWN,
		jtext(e, "core_sha256"));
	if (at <= now) {
		fputs("EXPIRED\n", to);
		return;
	}
	fputs("valid for ", to);
	put_span(to, at - now);
	fputc('\n', to);
}

static void alarm_line(FILE *to, const json_t *a)
{
	fputs("ALARM        ", to);
	put(to, jtext(a, "kind"));
	if (jtext(a, "about")[0]) {
		fputc(' ', to);
		put(to, jtext(a, "about"));
	}
	fputs(": ", to);
	put(to, jtext(a, "text"));
	fputs(" (since ", to);
	put(to, jtext(a, "since"));
	fputs(")\n", to);
}

void acme_report(FILE *to, const json_t *status, unsigned parts, int64_t now)
{
	const json_t *item;
	size_t i;

	if (parts & ACME_PART_ACCOUNTS)
		json_array_foreach(json_object_get(status, "accounts"), i, item)
			account(to, item);
	if (!(parts & ACME_PART_REST))
		return;
	json_array_foreach(json_object_get(status, "certificates"), i, item)
		certificate(to, item, now);
	json_array_foreach(json_object_get(status, "caa"), i, item)
		caa(to, item);
	evidence(to, json_object_get(status, "evidence"), now);
	json_array_foreach(json_object_get(status, "alarms"), i, item)
		alarm_line(to, item);
	if (jtrue(json_object_get(status, "node"), "simulated"))
		fputs("SIMULATED    no hardware signs for any of this\n", to);
}

static bool are_ready(const json_t *accounts)
{
	const json_t *item;
	size_t i;

	json_array_foreach(accounts, i, item)
	{
		if (strcmp(jtext(item, "standing"), "ready") != 0)
			return false;
	}
	return json_array_size(accounts) > 0;
}

static bool are_there(const json_t *certificates, int64_t now)
{
	const json_t *item;
	int64_t at;
	size_t i;

	json_array_foreach(certificates, i, item)
	{
		if (!jtrue(item, "there") ||
		    !time_of(&at, item, "not_after") || at <= now)
			return false;
	}
	return json_array_size(certificates) > 0;
}

bool acme_is_well(const json_t *status, unsigned parts, int64_t now)
{
	if (parts & ACME_PART_ACCOUNTS &&
	    !are_ready(json_object_get(status, "accounts")))
		return false;
	return !(parts & ACME_PART_REST) ||
	       (are_there(json_object_get(status, "certificates"), now) &&
		json_array_size(json_object_get(status, "alarms")) == 0);
}
