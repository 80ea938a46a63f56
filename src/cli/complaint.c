#include "cli/complaint.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/json.h"

enum {
	TEXT_MAX = 1024, /* what does not fit is cut */
};

struct complainer complainer_of(const char *command, int argc, char **argv)
{
	struct complainer c = { .command = command };

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		c.is_json = c.is_json || strcmp(argv[i], "--json") == 0;
	return c;
}

const char *complaint_of_file(enum rc rc)
{
	return rc == RC_MALFORMED ? COMPLAINT_MALFORMED : COMPLAINT_UNREADABLE;
}

static void print_error(const char *reason, const char *file, const char *text)
{
	json_t *root = json_object(), *error = json_object();

	jset_text(error, "reason", reason);
	jset_text(error, "text", text);
	jset_text_if_any(error, "file", file ? file : "");
	jset(root, "error", error);
	jprint(stdout, root);
	json_decref(root);
}

int complain(const struct complainer *c, enum cli_status status,
	     const char *reason, const char *file, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "postern %s: %s\n", c->command, text);
	if (c->is_json)
		print_error(reason, file, text);
	return (int)status;
}

int complain_usage_list(const struct complainer *c, const char *format,
			va_list args)
{
	char text[TEXT_MAX];

	(void)vsnprintf(text, sizeof(text), format, args);
	fprintf(stderr, "postern %s: %s; see `postern help %s`\n", c->command,
		text, c->command);
	if (c->is_json)
		print_error(COMPLAINT_USAGE, NULL, text);
	return CLI_USAGE;
}

int complain_usage(const struct complainer *c, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = complain_usage_list(c, format, args);
	va_end(args);
	return status;
}

bool complain_is_root(const struct complainer *c)
{
	if (geteuid() == 0)
		return true;
	(void)complain(c, CLI_REFUSED, COMPLAINT_PRIVILEGE, NULL,
		       "needs root; run it with sudo");
	return false;
}
