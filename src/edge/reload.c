#include "edge/reload.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "edge/epoch.h"
#include "edge/issued.h"
#include "edge/master.h"
#include "io/clock.h"
#include "io/file.h"

/* What came of reading everything, until it is used. */
struct loaded {
	struct setup *setup;
	struct sockets sockets; /* made of the master's */
	int files_fd;
};

/* Who takes keys takes nothing else: what is on disk nobody may have meant to
 * be used yet. */
static enum rc begin_files(const struct master *m, struct files *f,
			   enum courier_need need, char error[MESSAGE_TEXT_MAX])
{
	struct span issued = buf_span(&m->courier.document);
	enum rc rc = RC_OK;

	if (need == COURIER_MUST)
		rc = files_unpack(f, m->files_fd);
	if (!rc && issued.n)
		rc = issued_keep(f, issued);
	if (rc)
		(void)snprintf(error, MESSAGE_TEXT_MAX, "files: %s",
			       file_why(rc));
	return rc;
}

static enum rc pack(struct master *m, struct loaded *l, struct files *f,
		    char error[MESSAGE_TEXT_MAX])
{
	enum rc rc = RC_OK;

	/* Keys that nobody is to serve any more. */
	if (!l->setup->config.cert.keys && m->courier.document.n)
		rc = issued_keep(f, span_str(""));
	tickets_advance(&m->tickets, loop_now_ms(m->loop));
	if (!rc)
		rc = epoch_keep(f, &m->tickets);
	if (!rc)
		rc = files_pack(f, &l->files_fd);
	if (rc)
		(void)snprintf(error, MESSAGE_TEXT_MAX, "files: %s",
			       file_why(rc));
	return rc;
}

static bool load(struct master *m, struct loaded *out, enum courier_need need,
		 char error[MESSAGE_TEXT_MAX])
{
	AUTO(files_fini)
	struct files files = { 0 };
	struct loaded l = { .files_fd = -1 };
	const char *obstacle = NULL;
	enum rc rc = begin_files(m, &files, need, error);

	if (!rc)
		rc = setup_load(&l.setup, &files, m->options.config, error);
	if (!rc && m->setup)
		obstacle = setup_obstacle(m->setup, l.setup);
	if (obstacle) {
		(void)snprintf(error, MESSAGE_TEXT_MAX,
			       "%s: %s: only an upgrade or a restart can "
			       "change it",
			       m->options.config, obstacle);
		rc = RC_DENIED;
	}
	if (!rc)
		rc = pack(m, &l, &files, error);
	if (!rc)
		rc = sockets_make(&l.sockets, &m->sockets, &l.setup->config,
				  &m->next_socket_id, error);
	if (rc) {
		mem_auto_close(&l.files_fd);
		setup_free(l.setup);
		return false;
	}
	*out = l;
	return true;
}

static void use(struct master *m, struct loaded *l)
{
	setup_free(m->setup);
	mem_auto_close(&m->files_fd);
	m->setup = l->setup;
	m->files_fd = l->files_fd;
	sockets_replace(&m->sockets, &l->sockets);
	m->loaded_unix_ms = clock_unix_ms();
	m->log.max = (enum log_level)m->setup->config.log;
	m->log.format = (enum log_format)m->setup->config.log_format;
}

struct crew_setup reload_crew_setup(const struct master *m)
{
	return (struct crew_setup){ .generation = m->generation,
				    .path = m->options.config,
				    .files_fd = m->files_fd,
				    .sockets = &m->sockets };
}

bool reload_change(void *arg, enum courier_need need,
		   char error[MESSAGE_TEXT_MAX])
{
	struct master *m = arg;
	struct crew_setup setup = reload_crew_setup(m);
	struct loaded l;

	if (m->state != MASTER_SERVING) {
		(void)snprintf(error, MESSAGE_TEXT_MAX, "not serving");
		return false;
	}
	if (!load(m, &l, need, error))
		return false;
	setup.generation = m->generation + 1;
	setup.files_fd = l.files_fd;
	setup.sockets = &l.sockets;
	if (!crew_change(&m->crew, &setup, error)) {
		setup_free(l.setup);
		mem_auto_close(&l.files_fd);
		sockets_drop(&l.sockets, &m->sockets);
		/* Its number is spent: a late answer may still name it. */
		m->generation++;
		m->crew.setup.generation = m->generation;
		return false;
	}
	m->generation++;
	use(m, &l);
	m->crew.setup = reload_crew_setup(m);
	return true;
}

void reload_epoch(void *arg)
{
	AUTO(files_fini)
	struct files files = { 0 };
	struct master *m = arg;
	int fd = -1;

	tickets_advance(&m->tickets, loop_now_ms(m->loop));
	loop_timer_arm(m->loop, &m->epoch, m->tickets.ends_at_ms);
	if (files_unpack(&files, m->files_fd) ||
	    epoch_keep(&files, &m->tickets) || files_pack(&files, &fd)) {
		log_event(&m->log, LOG_ERROR, "tickets_not_changed",
			  LERRNO("reason", errno));
		return;
	}
	mem_auto_close(&m->files_fd);
	m->files_fd = fd;
	m->crew.setup.files_fd = fd;
}

bool reload_first(struct master *m, char error[MESSAGE_TEXT_MAX])
{
	struct loaded l;

	if (!load(m, &l, COURIER_MAY, error)) {
		if (m->courier.document.n == 0)
			return false;
		buf_wipe(&m->courier.document);
		if (!load(m, &l, COURIER_MAY, error))
			return false;
	}
	use(m, &l);
	if (m->courier.document.n)
		return true;
	courier_begin(&m->courier);
	if (m->courier.document.n == 0)
		return true;
	if (load(m, &l, COURIER_MAY, error)) {
		use(m, &l);
		return true;
	}
	log_event(&m->log, LOG_WARN, "certificates_not_taken",
		  LSTR("reason", error));
	buf_wipe(&m->courier.document);
	return true;
}
