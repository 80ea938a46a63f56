#include "manifest/domain.h"

#include <string.h>

enum {
	LABEL_MAX = 63,
};

static bool is_lower_ldh(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool domain_is_label(const char *s, size_t n)
{
	if (n < 1 || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_lower_ldh(s[i]))
			return false;
	return true;
}

bool domain_is(const char *s)
{
	size_t labels = 0;

	if (strlen(s) > DOMAIN_LEN_MAX)
		return false;
	if (strncmp(s, "*.", 2) == 0)
		s += 2;
	for (;;) {
		size_t n = strcspn(s, ".");

		if (!domain_is_label(s, n))
			return false;
		labels++;
		if (s[n] == '\0')
			return labels >= 2;
		s += n + 1;
	}
}

bool domain_covers(const char *pattern, const char *name)
{
	const char *parent = strchr(name, '.');

	if (strcmp(pattern, name) == 0)
		return true;
	return pattern[0] == '*' && name[0] != '*' && parent &&
	       strcmp(pattern + 1, parent) == 0;
}
