#include "cli/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/complaint.h"

enum {
	WORD_MAX = 32, /* longer words are near nothing */
	NEAR = 2,
};

int cli_usage(const char *command, const char *format, ...)
{
	const struct complainer c = { .command = command };
	va_list args;
	int status;

	va_start(args, format);
	status = complain_usage_list(&c, format, args);
	va_end(args);
	return status;
}

bool cli_is_root(const char *command)
{
	return complain_is_root(&(struct complainer){ .command = command });
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

unsigned cli_distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= m; j++)
		row[j] = j;
	for (unsigned i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= m; j++) {
			unsigned up = row[j];

			row[j] = least(up + 1, row[j - 1] + 1,
				       diagonal + (a[i - 1] != b[j - 1]));
			diagonal = up;
		}
	}
	return row[m];
}

const char *cli_suggest(const char *word, const char *const *names,
			unsigned count)
{
	const char *best = NULL;
	unsigned best_edits = NEAR + 1;

	for (unsigned i = 0; i < count; i++) {
		unsigned edits = cli_distance(word, names[i]);

		if (edits < best_edits) {
			best = names[i];
			best_edits = edits;
		}
	}
	return best;
}
