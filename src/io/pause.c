#include "io/pause.h"

#include <sys/epoll.h>

enum {
	PAUSE_MS = 100,
};

static void resume(void *arg)
{
	struct pause *p = arg;

	if (p->listener->is_added)
		loop_watch_set(p->loop, p->listener, EPOLLIN);
}

void pause_begin(struct pause *p, struct loop *loop,
		 struct loop_watch *listener)
{
	p->loop = loop;
	p->listener = listener;
	p->timer.fn = resume;
	p->timer.arg = p;
	loop_watch_set(loop, listener, 0);
	loop_timer_arm(loop, &p->timer, loop_now_ms(loop) + PAUSE_MS);
}

bool pause_is_on(const struct pause *p)
{
	return loop_timer_is_armed(&p->timer);
}

void pause_end(struct pause *p)
{
	if (pause_is_on(p))
		loop_timer_disarm(p->loop, &p->timer);
}
