#include "wgd/options.h"

#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
	EXIT_USAGE = 2,
};

/* The name is also that of the socket file: no '/', no "..". */
static bool is_interface(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n >= IFNAMSIZ || s[0] == '-' || !strcmp(s, ".") ||
	    !strcmp(s, ".."))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("_=+.-", s[i]))
			return false;
	return true;
}

/* "all", or a public key as wg(8) prints it. */
static bool add_pin(struct options *o, const char *text)
{
	size_t n;

	if (!text)
		return false;
	if (!strcmp(text, "all")) {
		o->pins_all = true;
		return true;
	}
	if (o->pin_count == OPTIONS_PINS_MAX ||
	    !text_base64_decode(o->pins[o->pin_count], sizeof(*o->pins), &n,
				span_str(text)) ||
	    n != sizeof(*o->pins))
		return false;
	o->pin_count++;
	return true;
}

static bool set_workers(struct options *o, const char *text)
{
	uint64_t n;

	if (!text || !text_u64(&n, span_str(text), OPTIONS_WORKERS_MAX) || !n)
		return false;
	o->workers = (unsigned)n;
	return true;
}

/* Whether 'a' is an option with a value, and this is one. */
static bool take_value(struct options *o, const char *a, const char *value)
{
	if (!strcmp(a, "-p") || !strcmp(a, "--pin"))
		return add_pin(o, value);
	if (!strcmp(a, "-w") || !strcmp(a, "--workers"))
		return set_workers(o, value);
	return false;
}

bool options_parse(struct options *out, int argc, char **argv)
{
	struct options o = { 0 };

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (!strcmp(a, "-f") || !strcmp(a, "--foreground"))
			o.is_foreground = true;
		else if (!strcmp(a, "-v") || !strcmp(a, "--verbose"))
			o.is_verbose = true;
		else if (!strcmp(a, "-m") || !strcmp(a, "--metrics"))
			o.has_metrics = true;
		else if (take_value(&o, a, argv[i + 1]))
			i++;
		else if (!o.interface && is_interface(a))
			o.interface = a;
		else
			return false;
	}
	if (!o.interface)
		return false;
	*out = o;
	return true;
}

int options_usage(void)
{
	(void)fputs("usage: postern-wg [-f|--foreground] [-v|--verbose] "
		    "[-m|--metrics] [-p|--pin all|PUBLIC-KEY]... "
		    "[-w|--workers N] INTERFACE\n",
		    stderr);
	return EXIT_USAGE;
}
