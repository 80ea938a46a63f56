#include "resolve/hook.h"

#include <stdio.h>

#include "base/mem.h"
#include "io/proc.h"

enum {
	ARGUMENT_MAX = 1024,
	VARIABLE_MAX = ARGUMENT_MAX + 32,
};

static const char *moment_name(enum hook_moment m)
{
	static const char *const names[] = {
		[HOOK_BEGIN] = "begin",
		[HOOK_DONE] = "done",
		[HOOK_FAILED] = "failed",
	};

	return names[m];
}

/* What a script can use unquoted. */
static bool is_plain(const char *s)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return i > 0 && i < ARGUMENT_MAX;
}

enum rc hook_run(const struct hook_call *call, struct buf *output)
{
	char domain[VARIABLE_MAX], validation[VARIABLE_MAX];
	char token[VARIABLE_MAX];
	const char *const argv[] = {
		call->program, moment_name(call->moment), call->type,
		call->ident, call->token, call->auth, NULL
	};
	const char *const environment[] = {
		"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"CERTBOT_REMAINING_CHALLENGES=0",
		domain,
		validation,
		token,
		NULL
	};
	const struct proc_options options = {
		.timeout_ms = call->timeout_ms,
		.environment = environment,
	};
	AUTO(buf_fini)
	struct buf dropped = { 0 };
	int status;

	if (call->program[0] != '/' || !is_plain(call->type) ||
	    !is_plain(call->ident) || !is_plain(call->token) ||
	    !is_plain(call->auth))
		return RC_MALFORMED;
	(void)snprintf(domain, sizeof(domain), "CERTBOT_DOMAIN=%s",
		       call->ident);
	(void)snprintf(validation, sizeof(validation), "CERTBOT_VALIDATION=%s",
		       call->auth);
	(void)snprintf(token, sizeof(token), "CERTBOT_TOKEN=%s", call->token);
	return proc_run_with(argv, (struct span){ 0 },
			     output ? output : &dropped, &options, &status);
}
