#include "manifest/guest.h"

#include <string.h>

static const char *const names[GUEST_RIGHT_COUNT] = {
	[GUEST_INFO] = "info",
	[GUEST_QUOTE] = "quote",
	[GUEST_EVIDENCE] = "evidence",
	[GUEST_KEY] = "key",
	[GUEST_SIGN] = "sign",
	[GUEST_TLS_KEY] = "tls-key",
	[GUEST_EVENT] = "event",
};

const char *guest_right_name(enum guest_right r)
{
	return names[r];
}

static bool rule_covers(const struct guest_rule *rule, struct span path)
{
	if (rule->is_prefix)
		return span_has_prefix(path, span_str(rule->path));
	return span_equal_str(path, rule->path);
}

bool guest_allows(const struct guest_container *c, enum guest_right right,
		  struct span path)
{
	for (size_t i = 0; i < c->rule_count; i++)
		if (c->rules[i].right == right &&
		    rule_covers(&c->rules[i], path))
			return true;
	return false;
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* What the loader, Python, Go, Docker and docker-compose read of their own
 * environment, and what says where things are. */
static bool is_reserved(struct span name)
{
	static const char *const whole[] = {
		"PATH",
		"HOME",
		"SHELL",
		"IFS",
		"ENV",
		"TMPDIR",
		"USER",
		"LOGNAME",
		"PWD",
		"HTTP_PROXY",
		"HTTPS_PROXY",
		"ALL_PROXY",
		"NO_PROXY",
		"CURL_CA_BUNDLE",
		"REQUESTS_CA_BUNDLE",
		"GODEBUG",
		"GOTRACEBACK",
		"GOMAXPROCS",
		"XDG_CONFIG_HOME",
	};
	static const char *const prefixes[] = {
		"LD_",
		"PYTHON",
		"DOCKER_",
		"COMPOSE_",
		"BASH_",
		"LC_",
		"SSL_",
		"OPENSSL_",
		"BUILDKIT_",
		"GCONV_",
		"MALLOC_",
		"GLIBC_",
		"OTEL_",
	};

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (span_equal_nocase(name, span_str(whole[i])))
			return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (span_has_prefix(name, span_str(prefixes[i])))
			return true;
	return false;
}

bool guest_is_env_name(struct span name)
{
	if (name.n < 1 || name.n >= GUEST_ENV_NAME_MAX ||
	    !is_letter(name.p[0]) || is_reserved(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!is_letter(name.p[i]) &&
		    (name.p[i] < '0' || name.p[i] > '9'))
			return false;
	return true;
}

bool guest_allows_env(const struct manifest_guest *g, struct span name)
{
	for (size_t i = 0; i < g->env_count; i++)
		if (span_equal_str(name, g->envs[i]))
			return true;
	return false;
}
