#include "pcs/reason.h"

#include <stdarg.h>
#include <stdio.h>

const char *pcs_reason_name(enum pcs_reason reason)
{
	static const char *const names[PCS_REASON_COUNT] = {
#define X(constant, name) name,
		PCS_REASONS(X)
#undef X
	};

	return (unsigned)reason < PCS_REASON_COUNT ? names[reason] : "unknown";
}

enum pcs_reason pcs_fail(struct pcs_error *e, enum pcs_reason reason,
			 const char *format, ...)
{
	va_list args;

	e->reason = reason;
	va_start(args, format);
	/* cut when too long */
	(void)vsnprintf(e->detail, sizeof(e->detail), format, args);
	va_end(args);
	return reason;
}
