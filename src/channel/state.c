#include "channel/state.h"

#include <stddef.h>

struct move {
	enum channel_state at;
	enum channel_step step;
	enum channel_state next;
};

/* clang-format off */
static const struct move moves[] = {
	{ SERVER_WAITS_HELLO,    STEP_GOT_HELLO,    SERVER_WAITS_EVIDENCE },
	{ SERVER_WAITS_EVIDENCE, STEP_GOT_EVIDENCE, SERVER_JUDGED },
	{ SERVER_JUDGED,         STEP_ADMITTED,     SERVER_QUOTES },
	{ SERVER_QUOTES,         STEP_QUOTED,       SERVER_WAITS_KEY },
	{ SERVER_WAITS_KEY,      STEP_GOT_KEY,      SERVER_KEYED },
	{ SERVER_KEYED,          STEP_ASSIGNED,     SERVER_OPEN },
	{ SERVER_OPEN,           STEP_GOT_HELLO,    SERVER_WAITS_EVIDENCE },
	{ SERVER_OPEN,           STEP_WITHDRAWN,    CHANNEL_OVER },
	{ SERVER_WAITS_KEY,      STEP_GOT_DATA,     SERVER_HEARD },
	{ SERVER_HEARD,          STEP_SAID,         SERVER_LISTENS },
	{ SERVER_LISTENS,        STEP_GOT_DATA,     SERVER_HEARD },

	{ CLIENT_WAITS_HELLO,    STEP_GOT_HELLO,    CLIENT_QUOTES },
	{ CLIENT_QUOTES,         STEP_QUOTED,       CLIENT_WAITS_EVIDENCE },
	{ CLIENT_WAITS_EVIDENCE, STEP_GOT_EVIDENCE, CLIENT_JUDGED },
	{ CLIENT_JUDGED,         STEP_ADMITTED,     CLIENT_ADMITTED },
	{ CLIENT_ADMITTED,       STEP_OFFERED,      CLIENT_WAITS_ASSIGN },
	{ CLIENT_WAITS_ASSIGN,   STEP_GOT_ASSIGN,   CLIENT_OPEN },
	{ CLIENT_OPEN,           STEP_RENEWED,      CLIENT_WAITS_HELLO },
	{ CLIENT_OPEN,           STEP_GOT_WITHDRAW, CHANNEL_OVER },
	/* A renewal's HELLO and a withdrawal may cross on the wire. */
	{ CLIENT_WAITS_HELLO,    STEP_GOT_WITHDRAW, CHANNEL_OVER },
	{ CLIENT_ADMITTED,       STEP_SAID,         CLIENT_LISTENS },
	{ CLIENT_LISTENS,        STEP_GOT_DATA,     CLIENT_HEARD },
	{ CLIENT_HEARD,          STEP_SAID,         CLIENT_LISTENS },
};
/* clang-format on */

const char *channel_state_name(enum channel_state s)
{
	static const char *const names[] = {
#define X(constant, name) name,
		CHANNEL_STATES(X)
#undef X
	};

	return s < CHANNEL_STATE_COUNT ? names[s] : "unknown";
}

const char *channel_step_name(enum channel_step s)
{
	static const char *const names[] = {
#define X(constant, name) name,
		CHANNEL_STEPS(X)
#undef X
	};

	return s < CHANNEL_STEP_COUNT ? names[s] : "unknown";
}

bool channel_state_next(enum channel_state *next, enum channel_state at,
			enum channel_step step)
{
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		if (moves[i].at == at && moves[i].step == step) {
			*next = moves[i].next;
			return true;
		}
	}
	return false;
}
