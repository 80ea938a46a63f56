/* The thread that keeps collateral fresh: whether there is one, and its end.
 * What it fetches is tests/e2e/test_collateral_node.py's. */
#include "unit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "folder.h"
#include "io/clock.h"
#include "io/file.h"
#include "node/keeper.h"

static const uint8_t platform[PCS_FMSPC_LEN] = { 0xb0, 0xc0, 0x6f };

struct fixture {
	struct folder folder;
	struct trust_settings settings;
	struct log log;
	char path[128];
	int log_fds[2];
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	folder_make(&f->folder);
	folder_file(f->path, &f->folder, "collateral");
	assert_int_equal(file_make_dirs(f->path, 0755), RC_OK);
	assert_int_equal(pipe(f->log_fds), 0);
	f->settings.collateral = f->path;
	f->log = (struct log){ .fd = f->log_fds[1], .program = "test", .max = LOG_DEBUG };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->log_fds[0]);
	close(f->log_fds[1]);
	folder_remove(&f->folder);
	test_free(f);
	return 0;
}

/* A server that accepts in the kernel's queue and never says a word. */
static int silent_server(struct fixture *f)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(at.sin_port));
	assert_true(pcs_server_parse(&f->settings.source.server, span_str(url)));
	f->settings.source.platforms = (struct conf_list){ .items = malloc(sizeof(platform)),
							   .count = 1 };
	memcpy(f->settings.source.platforms.items, platform, sizeof(platform));
	return fd;
}

/* Reads what is logged until it holds 'text'. */
static void wait_for_log(struct fixture *f, const char *text)
{
	char all[8192] = "";
	size_t n = 0;

	while (!strstr(all, text)) {
		ssize_t got = read(f->log_fds[0], all + n, sizeof(all) - 1 - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
}

static void without_a_source_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct keeper *k = NULL;
	char error[NODE_ERROR_MAX];

	assert_int_equal(keeper_new(&k, &f->settings, &f->log, error), RC_OK);
	assert_null(k);
	keeper_free(k);
}

static void it_ends_in_the_middle_of_a_transfer(void **state)
{
	struct fixture *f = *state;
	int server = silent_server(f);
	char error[NODE_ERROR_MAX];
	struct keeper *k = NULL;
	uint64_t begun;
	int client;

	assert_int_equal(keeper_new(&k, &f->settings, &f->log, error), RC_OK);
	assert_non_null(k);
	client = accept(server, NULL, NULL); /* it has asked */
	assert_true(client >= 0);
	begun = clock_boot_ms();
	keeper_free(k);
	assert_true(clock_boot_ms() - begun < 5000);
	close(client);
	close(server);
	free(f->settings.source.platforms.items);
}

static void a_failure_is_said_and_stores_nothing(void **state)
{
	struct fixture *f = *state;
	int server = silent_server(f);
	char error[NODE_ERROR_MAX], path[256];
	struct keeper *k = NULL;

	close(server); /* nobody listens there now */
	assert_int_equal(keeper_new(&k, &f->settings, &f->log, error), RC_OK);
	wait_for_log(f, "event=collateral_not_refreshed fmspc=b0c06f000000 "
			"reason=server-unreachable stored=none-valid");
	keeper_free(k);
	snprintf(path, sizeof(path), "%s/b0c06f000000", f->path);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/.update", f->path);
	assert_int_not_equal(access(path, F_OK), 0);
	free(f->settings.source.platforms.items);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_a_source_there_is_none),
		T(it_ends_in_the_middle_of_a_transfer),
		T(a_failure_is_said_and_stores_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
