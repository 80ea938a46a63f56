/*
 * receive: the half of a session that reads what the peer says: frames, and
 * one handler a message.
 */
#ifndef POSTERN_CHANNEL_RECEIVE_H
#define POSTERN_CHANNEL_RECEIVE_H

#include "channel/session.h"

/* channel_input() of session.h. */
void receive_bytes(struct channel *c, struct span bytes, uint64_t now_ms);

#endif
