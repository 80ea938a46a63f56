#include "cli/wg.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/wg_text.h"
#include "crypto/x25519.h"
#include "io/clock.h"
#include "io/file.h"
#include "wgctl/wgctl.h"

enum {
	TEXT_MAX = 256,
	UEVENT_MAX = 4096,
};

static const char wg_help[] =
	"usage: postern wg show [INTERFACE]\n"
	"\n"
	"Shows one WireGuard interface, or all: those with a socket in\n"
	"/var/run/wireguard and the kernel's in this network namespace.\n"
	"Needs root.\n"
	"\n"
	"Exit status: 0 shown, 1 an interface could not be asked, 2 mistake.\n";

static const char sockets[] = "/var/run/wireguard";
static const char links[] = "/sys/class/net";

static void print_field(const char *name, const struct wr *text)
{
	struct span s = wr_span(text);

	printf("  %s: %.*s\n", name, (int)s.n, (const char *)s.p);
}

static void print_key(const char *before, const uint8_t key[32])
{
	uint8_t text[TEXT_MAX];
	struct wr w = WR_ARRAY(text);

	text_base64(&w, span_of(key, 32));
	printf("%s: %.*s\n", before, (int)wr_span(&w).n,
	       (const char *)wr_span(&w).p);
}

static void print_prefixes(const char *before, const struct io_prefix *p,
			   size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t text[TEXT_MAX];
		struct wr w = WR_ARRAY(text);

		io_prefix_write(&w, &p[i]);
		printf("%s%.*s", before, (int)wr_span(&w).n,
		       (const char *)wr_span(&w).p);
		before = ", ";
	}
}

static void print_allowed(const struct wgctl_peer *p)
{
	fputs("  allowed ips: ", stdout);
	print_prefixes("", p->allowed, p->allowed_count);
	print_prefixes(", ", p->more, p->more_count);
	puts(p->allowed_count ? "" : "(none)");
}

static void print_traffic(const struct wgctl_peer *p)
{
	uint8_t text[TEXT_MAX];
	struct wr w = WR_ARRAY(text);

	if (p->handshake_unix_s) {
		wg_text_age(&w, clock_unix_s() - p->handshake_unix_s);
		print_field("latest handshake", &w);
	}
	if (!p->rx_bytes && !p->tx_bytes)
		return;
	w = (struct wr)WR_ARRAY(text);
	wg_text_bytes(&w, p->rx_bytes);
	wr_str(&w, " received, ");
	wg_text_bytes(&w, p->tx_bytes);
	wr_str(&w, " sent");
	print_field("transfer", &w);
}

static void print_peer(void *arg, const struct wgctl_peer *p)
{
	uint8_t text[TEXT_MAX];
	struct wr w = WR_ARRAY(text);

	(void)arg;
	putchar('\n');
	print_key("peer", p->public_key);
	if (p->has_psk && !key32_is_zero(&p->psk))
		puts("  preshared key: (hidden)");
	if (p->has_endpoint) {
		sock_addr_write(&w, &p->endpoint);
		print_field("endpoint", &w);
	}
	print_allowed(p);
	print_traffic(p);
	if (p->keepalive_s)
		printf("  persistent keepalive: every %u second%s\n",
		       p->keepalive_s, p->keepalive_s == 1 ? "" : "s");
}

static void print_device(const char *name, const struct wgctl *w,
			 const struct wgctl_device *d)
{
	uint8_t public_key[32];

	printf("interface: %s (%s)\n", name,
	       wgctl_backend_name(wgctl_backend(w)));
	if (!key32_is_zero(&d->private_key)) {
		x25519_public(public_key, &d->private_key);
		print_key("  public key", public_key);
		puts("  private key: (hidden)");
	}
	if (d->listen_port)
		printf("  listening port: %u\n", d->listen_port);
	if (d->mark)
		printf("  fwmark: 0x%" PRIx32 "\n", d->mark);
}

static void wipe_device(struct wgctl_device *d)
{
	secret_wipe(d, sizeof(*d));
}

static void auto_close(struct wgctl **w)
{
	wgctl_close(*w);
}

/* Asked twice, since the peers come before the answer is known to be whole:
 * what is printed is of the second. */
static bool show(const char *name, enum wgctl_backend backend)
{
	struct wgctl_device d AUTO(wipe_device) = { 0 };
	struct wgctl *w AUTO(auto_close) = NULL;
	char error[256] = "";
	enum rc rc = wgctl_open_again(&w, name, backend, error);

	if (rc) {
		fprintf(stderr, "postern wg: %s: %s\n", name, error);
		return false;
	}
	rc = wgctl_get(w, &d, NULL, NULL);
	if (!rc) {
		print_device(name, w, &d);
		rc = wgctl_get(w, &d, print_peer, NULL);
	}
	if (rc)
		fprintf(stderr, "postern wg: %s: %s\n", name,
			rc == RC_SYS ? strerror(errno) : rc_name(rc));
	return !rc;
}

/* Whether there is such a socket file, by its name without ".sock". */
static bool has_socket(const char *name)
{
	char path[TEXT_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s.sock", sockets, name);

	return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

/* The kernel says of each link what it is. */
static bool is_of_kernel(const char *name)
{
	char path[TEXT_MAX];
	AUTO(buf_fini)
	struct buf text = { 0 };
	int n = snprintf(path, sizeof(path), "%s/%s/uevent", links, name);

	buf_init(&text, UEVENT_MAX);
	return n > 0 && (size_t)n < sizeof(path) && !file_read(&text, path) &&
	       memmem(buf_span(&text).p, buf_span(&text).n,
		      "DEVTYPE=wireguard\n", 18);
}

/* Calls show() for each entry of a folder that is an interface; returns how
 * many could not be shown, and counts them all in *count. */
static unsigned show_folder(const char *folder, enum wgctl_backend backend,
			    unsigned *count)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;
	unsigned failed = 0;

	while (dir && (e = readdir(dir))) {
		char name[sizeof(e->d_name)];
		char *end;

		memcpy(name, e->d_name, sizeof(name));
		end = strrchr(name, '.');
		if (backend == WGCTL_USERSPACE) {
			if (!end || strcmp(end, ".sock") != 0)
				continue;
			*end = '\0';
		} else if (has_socket(name) || !is_of_kernel(name)) {
			continue;
		}
		if ((*count)++)
			putchar('\n');
		failed += !show(name, backend);
	}
	if (dir)
		(void)closedir(dir); /* was only read */
	return failed;
}

static int show_all(void)
{
	unsigned count = 0;
	unsigned failed = show_folder(sockets, WGCTL_USERSPACE, &count) +
			  show_folder(links, WGCTL_KERNEL, &count);

	return failed ? CLI_REFUSED : CLI_OK;
}

int cli_wg(int argc, char **argv)
{
	if (argc == 2 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(wg_help, stdout);
		return CLI_OK;
	}
	if (argc < 2 || argc > 3 || strcmp(argv[1], "show") != 0)
		return cli_usage("wg", "expected show and at most one name");
	if (!cli_is_root("wg"))
		return CLI_REFUSED;
	if (argc == 2)
		return show_all();
	return show(argv[2], has_socket(argv[2]) ? WGCTL_USERSPACE
						 : WGCTL_KERNEL)
		       ? CLI_OK
		       : CLI_REFUSED;
}
