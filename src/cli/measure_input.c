#include "cli/measure_input.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/eventlog_report.h"
#include "quoting/quote_file.h"
#include "io/file.h"

enum {
	ACPI_FILE_MAX = 16 * 1024 * 1024,
	EV_PLATFORM_CONFIG_FLAGS = 0x0a,
};

static int malformed(const struct complainer *say, const char *path,
		     const char *why)
{
	return complain(say, CLI_USAGE, COMPLAINT_MALFORMED, path, "%s: %s",
			path, why);
}

int measure_load(struct buf *out, const struct complainer *say,
		 const char *path, size_t max)
{
	enum rc rc;

	buf_init(out, max);
	rc = file_read_argument(out, path);
	if (rc)
		return complain(say, CLI_USAGE, COMPLAINT_UNREADABLE, path,
				"%s: %s", path, file_why(rc));
	return CLI_OK;
}

int measure_digest(struct sha384 *out, const struct complainer *say,
		   const char *text)
{
	AUTO(buf_fini)
	struct buf file = { 0 };

	if (text_hex_decode(out->b, sizeof(out->b), span_str(text)))
		return CLI_OK;
	if (measure_load(&file, say, text, ACPI_FILE_MAX))
		return CLI_USAGE;
	sha384_of(out, buf_span(&file));
	return CLI_OK;
}

/* The event that OVMF logs for each of the three. */
static bool is_acpi(const json_t *event)
{
	const char *reg, *text;
	json_int_t type = json_integer_value(json_object_get(event, "type_id"));

	reg = json_string_value(json_object_get(event, "register"));
	text = json_string_value(json_object_get(event, "text"));
	return type == EV_PLATFORM_CONFIG_FLAGS && reg && text &&
	       strcmp(reg, "rtmr0") == 0 && strcmp(text, "ACPI DATA") == 0;
}

static bool take_acpi(struct sha384 out[MEASURE_ACPI_COUNT], struct span log)
{
	AUTO(eventlog_report_fini)
	struct eventlog_report r = { 0 };
	struct sha384 found[MEASURE_ACPI_COUNT];
	const json_t *events;
	size_t count = 0;

	if (!eventlog_report_read(&r, log))
		return false;
	events = json_object_get(r.root, "events");
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *e = json_array_get(events, i);
		const json_t *digest = json_object_get(e, "digest");

		if (!is_acpi(e))
			continue;
		if (count == MEASURE_ACPI_COUNT || !digest ||
		    !text_hex_decode(found[count++].b, sizeof(found[0].b),
				     span_str(json_string_value(digest))))
			return false;
	}
	if (count != MEASURE_ACPI_COUNT)
		return false;
	memcpy(out, found, sizeof(found));
	return true;
}

int measure_acpi(struct sha384 out[MEASURE_ACPI_COUNT],
		 const struct complainer *say, const char *path)
{
	AUTO(quote_file_fini)
	struct quote_file object = { 0 };
	AUTO(buf_fini)
	struct buf file = { 0 };
	struct span log;

	if (measure_load(&file, say, path, CCEL_MAX))
		return CLI_USAGE;
	log = buf_span(&file);
	if (log.n && log.p[0] == '{') {
		if (quote_file_parse(&object, log))
			return malformed(say, path,
					 "expected a JSON object whose "
					 "\"quote\" is hex or base64");
		log = buf_span(&object.event_log);
	}
	if (take_acpi(out, log))
		return CLI_OK;
	return malformed(say, path, "not an event log with three ACPI events");
}

int measure_events(struct sha384 *out, const struct complainer *say,
		   const char *path)
{
	AUTO(buf_fini)
	struct buf file = { 0 };
	struct eventlog_registers r;

	if (measure_load(&file, say, path, EVENTLOG_MAX))
		return CLI_USAGE;
	if (eventlog_replay(&r, buf_span(&file)))
		return malformed(say, path,
				 "not a JSON array of runtime events, or a "
				 "digest in it is not its event's");
	*out = r.rtmr[EVENTLOG_RTMR];
	return CLI_OK;
}
