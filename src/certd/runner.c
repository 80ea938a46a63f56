#include "certd/runner.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/passfd.h"
#include "io/proc.h"

enum {
	TIMEOUT_MS = 60'000, /* of what nobody waits for */
	SLACK_MS = 10'000,
};

struct runner {
	pthread_mutex_t lock;
	int sock;
	pid_t pid;
};

/*
 * A request: u8 whether somebody waits, u8 which program, be32 timeout, then
 * each argument with a NUL.  Its answer, if somebody waits: u8 of an rc.
 */

static enum rc run(const char *const programs[RUNNER_PROGRAMS],
		   struct span request, bool *waits)
{
	const char *argv[RUNNER_ARGS_MAX + 2] = { 0 };
	static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };
	struct proc_options options = { .environment = environment };
	uint8_t flag, which;
	uint32_t timeout;

	if (!rd_u8(&request, &flag))
		return RC_MALFORMED;
	*waits = flag;
	if (!rd_u8(&request, &which) || !rd_be32(&request, &timeout) ||
	    timeout > RUNNER_TIMEOUT_MAX_MS)
		return RC_MALFORMED;
	if (which >= RUNNER_PROGRAMS || !programs[which])
		return RC_UNSUPPORTED;
	options.timeout_ms = timeout;
	argv[0] = programs[which];
	for (size_t n = 1; request.n; n++) {
		struct span one;

		if (n > RUNNER_ARGS_MAX)
			return RC_LIMIT;
		argv[n] = (const char *)request.p;
		if (!rd_until(&request, &one, '\0'))
			return RC_MALFORMED;
	}
	return proc_run_with(argv, span_of(NULL, 0), NULL, &options, NULL);
}

_Noreturn static void serve(int sock,
			    const char *const programs[RUNNER_PROGRAMS])
{
	AUTO(mem_auto_free)
	struct passfd *m = mem_new(sizeof(*m));

	(void)prctl(PR_SET_NAME, "postern-cert-run");
	/* Its signals are its parent's: it ends when the socket does. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	for (;;) {
		enum rc rc = passfd_recv(sock, m, -1);
		bool waits = false;
		uint8_t answer;

		if (rc == RC_CLOSED || rc == RC_SYS)
			_exit(0);
		if (rc)
			continue;
		answer = (uint8_t)run(programs, span_of(m->bytes, m->n),
				      &waits);
		passfd_fini(m);
		if (waits && passfd_send(sock, span_of(&answer, 1), NULL, 0,
					 TIMEOUT_MS))
			_exit(0);
	}
}

enum rc runner_new(struct runner **out,
		   const char *const programs[RUNNER_PROGRAMS])
{
	struct runner *r;
	int fds[2];
	pid_t pid;

	if (passfd_pair(fds))
		return RC_SYS;
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		serve(fds[1], programs);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return RC_SYS;
	}
	r = mem_new(sizeof(*r));
	r->sock = fds[0];
	r->pid = pid;
	(void)pthread_mutex_init(&r->lock, NULL); /* cannot fail here */
	*out = r;
	return RC_OK;
}

void runner_free(struct runner *r)
{
	if (!r)
		return;
	close(r->sock);
	(void)waitpid(r->pid, NULL, 0);
	(void)pthread_mutex_destroy(&r->lock); /* nobody holds it */
	free(r);
}

static enum rc ask(struct runner *r, bool waits, enum runner_which which,
		   const char *const *arguments, unsigned timeout_ms)
{
	uint8_t bytes[PASSFD_BYTES_MAX];
	struct wr w = WR_ARRAY(bytes);

	if (timeout_ms > RUNNER_TIMEOUT_MAX_MS)
		timeout_ms = RUNNER_TIMEOUT_MAX_MS;
	wr_u8(&w, waits);
	wr_u8(&w, (uint8_t)which);
	wr_be32(&w, timeout_ms);
	for (; *arguments; arguments++)
		wr_bytes(&w, span_of(*arguments, strlen(*arguments) + 1));
	if (w.over)
		return RC_LIMIT;
	return passfd_send(r->sock, wr_span(&w), NULL, 0, TIMEOUT_MS);
}

enum rc runner_run(struct runner *r, enum runner_which which,
		   const char *const *arguments, unsigned timeout_ms)
{
	AUTO(mem_auto_free)
	struct passfd *m = mem_new(sizeof(*m));
	enum rc rc;

	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive */
	rc = ask(r, true, which, arguments, timeout_ms);
	/* What was started before it is waited for, too. */
	if (!rc)
		rc = passfd_recv(r->sock, m,
				 (int)(timeout_ms + TIMEOUT_MS + SLACK_MS));
	(void)pthread_mutex_unlock(&r->lock); /* we hold it */
	if (!rc)
		rc = m->n == 1 ? (enum rc)m->bytes[0] : RC_MALFORMED;
	passfd_fini(m);
	return rc;
}

void runner_start(struct runner *r, enum runner_which which,
		  const char *const *arguments)
{
	(void)pthread_mutex_lock(&r->lock);
	/* Nobody minds how it ends. */
	(void)ask(r, false, which, arguments, TIMEOUT_MS);
	(void)pthread_mutex_unlock(&r->lock);
}
