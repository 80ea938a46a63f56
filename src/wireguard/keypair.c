#include "wireguard/keypair.h"

#include "base/mem.h"

static void kill(const struct keypairs *all, struct keypair **slot,
		 const struct keypair_gone *gone)
{
	struct keypair *k = STEAL(*slot);

	if (!k)
		return;
	gone->fn(gone->arg, k->local_index);
	secret_give(all->memory, k, sizeof(*k));
}

void keypairs_install(struct keypairs *k, const struct noise_session *s,
		      uint64_t now_ms, const struct keypair_gone *gone)
{
	struct keypair *fresh = secret_take(k->memory, sizeof(*fresh));

	fresh->send = s->send;
	fresh->receive = s->receive;
	fresh->born_ms = now_ms;
	fresh->local_index = s->local_index;
	fresh->remote_index = s->remote_index;
	fresh->is_initiator = s->is_initiator;
	kill(k, &k->previous, gone);
	if (!s->is_initiator) {
		kill(k, &k->next, gone);
		k->next = fresh;
		return;
	}
	/* The peer may already send under what we hold as next. */
	if (k->next) {
		kill(k, &k->current, gone);
		k->previous = STEAL(k->next);
	} else {
		k->previous = STEAL(k->current);
	}
	k->current = fresh;
}

bool keypairs_confirm(struct keypairs *k, const struct keypair *used,
		      const struct keypair_gone *gone)
{
	if (!k->next || used != k->next)
		return false;
	kill(k, &k->previous, gone);
	k->previous = k->current;
	k->current = STEAL(k->next);
	return true;
}

struct keypair *keypairs_find(const struct keypairs *k, uint32_t local_index)
{
	struct keypair *all[3] = { k->current, k->previous, k->next };

	for (size_t i = 0; i < 3; i++)
		if (all[i] && all[i]->local_index == local_index)
			return all[i];
	return NULL;
}

void keypairs_clear(struct keypairs *k, const struct keypair_gone *gone)
{
	kill(k, &k->previous, gone);
	kill(k, &k->current, gone);
	kill(k, &k->next, gone);
}

static bool is_old(const struct keypair *k, uint64_t now_ms)
{
	return now_ms - k->born_ms >= KEYPAIR_REJECT_AFTER_MS;
}

bool keypair_can_send(const struct keypair *k, uint64_t now_ms)
{
	return k && k->send_counter < REPLAY_REJECT_AFTER &&
	       !is_old(k, now_ms);
}

bool keypair_can_receive(const struct keypair *k, uint64_t now_ms)
{
	return k->replay.next < REPLAY_REJECT_AFTER && !is_old(k, now_ms);
}
