#include "base/rc.h"

const char *rc_name(enum rc rc)
{
	switch (rc) {
	case RC_OK:
		return "ok";
	case RC_MALFORMED:
		return "malformed";
	case RC_UNSUPPORTED:
		return "unsupported";
	case RC_LIMIT:
		return "limit";
	case RC_DENIED:
		return "denied";
	case RC_STALE:
		return "stale";
	case RC_CLOSED:
		return "closed";
	case RC_SYS:
		return "sys";
	case RC_CRYPTO:
		return "crypto";
	}
	return "unknown";
}
