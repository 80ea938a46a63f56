/* logs: see status.h. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cloud.h"
#include "cli/commands.h"
#include "cli/complaint.h"
#include "cli/json.h"
#include "cli/logline.h"
#include "cli/place.h"
#include "cli/status.h"

enum {
	FILES_MAX = 64,
	LINE_MAX_LEN = 64 * 1024,
	OUT_MAX = 8 * LINE_MAX_LEN,
	FOLLOW_US = 200 * 1000,
	LINES_MAX = 1000 * 1000,
};

static const char logs_help[] =
	"usage: postern logs [--name NAME] [-f] [-n LINES] [--app APP] "
	"[--json]\n"
	"                    [NODE [SERVICE]]\n"
	"\n"
	"What the services of a cloud wrote, or, where none was, the journal "
	"of\n"
	"this machine's postern units.\n"
	"\n"
	"  -f         goes on as they write more\n"
	"  -n LINES   only the last so many of each\n"
	"  --app APP  only lines about an app: its name, or the beginning of "
	"its id\n"
	"  --json     a JSON object a line, with node and service\n"
	"\n"
	"Exit status: 0 shown, 1 nothing there, 2 arguments unusable.\n";

struct options {
	struct complainer say;
	const char *name, *app;
	bool follows, is_json;
	uint64_t lines; /* 0: all */
};

/* A file that may grow, be emptied, or be replaced. */
struct source {
	char node[64], service[64];
	const char *path;
	FILE *file;
	ino_t inode;
	char part[LINE_MAX_LEN]; /* of a line whose end has not come */
	size_t part_len;
};

static void show(const struct options *o, const struct source *s,
		 struct span line, bool is_one_of_many)
{
	AUTO(buf_fini)
	struct buf out = { 0 };

	if (o->app && !logline_is_of_app(line, o->app))
		return;
	if (o->is_json) {
		buf_init(&out, OUT_MAX);
		if (logline_json(&out, line, s->node, s->service))
			(void)fwrite(out.p + out.at, 1, out.n, stdout);
		return;
	}
	if (is_one_of_many)
		printf("%s/%s: ", s->node, s->service);
	(void)fwrite(line.p, 1, line.n, stdout);
	putchar('\n');
}

/* Whole lines that are there now; true when there were any. */
static bool read_lines(const struct options *o, struct source *s, bool is_many)
{
	bool has_any = false;
	size_t len;

	while (fgets(s->part + s->part_len,
		     (int)(sizeof(s->part) - s->part_len), s->file)) {
		len = s->part_len + strlen(s->part + s->part_len);
		if (len && s->part[len - 1] != '\n' &&
		    len + 1 < sizeof(s->part)) {
			s->part_len = len;
			continue;
		}
		if (len && s->part[len - 1] == '\n')
			len--;
		show(o, s, span_of(s->part, len), is_many);
		s->part_len = 0;
		has_any = true;
	}
	clearerr(s->file);
	return has_any;
}

static bool open_source(struct source *s)
{
	struct stat st;

	s->file = fopen(s->path, "re");
	if (!s->file)
		return false;
	s->inode = fstat(fileno(s->file), &st) == 0 ? st.st_ino : 0;
	s->part_len = 0;
	return true;
}

/* Emptied: from its beginning.  Replaced: the new one. */
static void notice_change(struct source *s)
{
	struct stat st;

	if (stat(s->path, &st) != 0)
		return;
	if (st.st_ino != s->inode) {
		(void)fclose(s->file);
		(void)open_source(s);
	} else if (st.st_size < ftello(s->file)) {
		(void)fseeko(s->file, 0, SEEK_SET);
		s->part_len = 0;
	}
}

/* Where the last 'lines' lines begin. */
static void skip_to_last(struct source *s, uint64_t lines)
{
	uint64_t count = 0;
	int c;

	while ((c = getc(s->file)) != EOF)
		count += c == '\n';
	rewind(s->file);
	while (count > lines && (c = getc(s->file)) != EOF)
		count -= c == '\n';
}

/* ".../<node>/log/<service>.log" */
static void name_source(struct source *s)
{
	const char *file = strrchr(s->path, '/') + 1, *node = file - 1;
	size_t n = strlen(file);

	(void)snprintf(s->service, sizeof(s->service), "%.*s",
		       (int)(n > 4 ? n - 4 : n), file);
	/* Back over "/log" to the folder's name. */
	for (n = 0; n < 2 && node > s->path; n++)
		for (node--; node > s->path && *node != '/'; node--)
			;
	(void)snprintf(s->node, sizeof(s->node), "%.*s",
		       (int)strcspn(node + 1, "/"), node + 1);
}

static int show_files(const struct options *o, const glob_t *found)
{
	size_t count = found->gl_pathc < FILES_MAX ? found->gl_pathc
						   : FILES_MAX;
	AUTO(mem_auto_free)
	struct source *all = mem_new_array(count, sizeof(*all));
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		all[n].path = found->gl_pathv[i];
		name_source(&all[n]);
		if (!open_source(&all[n]))
			continue;
		if (o->lines)
			skip_to_last(&all[n], o->lines);
		n++;
	}
	for (;;) {
		bool has_any = false;

		for (i = 0; i < n; i++)
			if (all[i].file && read_lines(o, &all[i], count > 1))
				has_any = true;
		(void)fflush(stdout);
		if (!o->follows || ferror(stdout))
			break;
		if (!has_any)
			(void)usleep(FOLLOW_US);
		for (i = 0; i < n; i++)
			if (all[i].file)
				notice_change(&all[i]);
	}
	for (i = 0; i < n; i++)
		if (all[i].file)
			(void)fclose(all[i].file);
	return ferror(stdout) ? CLI_USAGE : CLI_OK;
}

/* The journal's lines, as if they were a file's. */
static int show_journal(const struct options *o)
{
	char lines[24];
	const char *argv[] = { "journalctl", "--no-pager", "-o", "cat", "-u",
			       "postern-*", "-n", lines,
			       o->follows ? "-f" : NULL, NULL };
	AUTO(mem_auto_free)
	struct source *s = mem_new(sizeof(*s));
	int fds[2], status;
	pid_t pid;

	(void)snprintf(lines, sizeof(lines), "%llu",
		       (unsigned long long)(o->lines ? o->lines : LINES_MAX));
	(void)snprintf(s->node, sizeof(s->node), "this machine");
	(void)snprintf(s->service, sizeof(s->service), "journal");
	if (pipe2(fds, O_CLOEXEC) != 0)
		return CLI_REFUSED;
	pid = fork();
	if (pid == 0) {
		if (dup2(fds[1], STDOUT_FILENO) >= 0)
			(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(fds[1]);
	s->file = fdopen(fds[0], "r");
	if (pid > 0 && s->file)
		while (!feof(s->file) && read_lines(o, s, false))
			(void)fflush(stdout);
	if (s->file)
		(void)fclose(s->file);
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		return complain(&o->say, CLI_REFUSED, COMPLAINT_EMPTY, NULL,
				"no cloud's logs are here, and no journal can "
				"be read");
	}
	return CLI_OK;
}

/* The state folder of a cloud that runs, or where it would be. */
static void state_folder(char out[PLACE_PATH_MAX], const char *name)
{
	char path[PLACE_PATH_MAX];
	json_t *cloud;
	const char *state;

	place_path(path, name, "cloud.json");
	cloud = jload(path);
	state = json_string_value(json_object_get(cloud, "state"));
	if (state)
		(void)snprintf(out, PLACE_PATH_MAX, "%.500s", state);
	else
		(void)snprintf(out, PLACE_PATH_MAX, PLACE_STATE "/%.32s",
			       name);
	json_decref(cloud);
}

/* True: the command goes on; else *status is its end. */
static bool read_options(struct options *out, int *status, int argc,
			 char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'N' },
		{ "follow", no_argument, NULL, 'f' },
		{ "lines", required_argument, NULL, 'n' },
		{ "app", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "fn:", longs, NULL)) != -1) {
		switch (c) {
		case 'N':
			out->name = optarg;
			break;
		case 'f':
			out->follows = true;
			break;
		case 'n':
			if (text_u64(&out->lines, span_str(optarg), LINES_MAX))
				break;
			*status = complain_usage(&out->say, "-n %s: no number",
						 optarg);
			return false;
		case 'a':
			out->app = optarg;
			break;
		case 'j':
			out->is_json = true;
			break;
		case 'h':
			fputs(logs_help, stdout);
			*status = CLI_OK;
			return false;
		default:
			*status = complain_usage(&out->say, "wrong arguments");
			return false;
		}
	}
	return true;
}

int cli_logs(int argc, char **argv)
{
	struct options o = { .say = complainer_of("logs", argc, argv),
			     .name = PLACE_DEFAULT_NAME };
	char state[PLACE_PATH_MAX], pattern[2 * PLACE_PATH_MAX];
	glob_t found;
	int status, i;

	if (!read_options(&o, &status, argc, argv))
		return status;
	argc -= optind;
	argv += optind;
	if (argc > 2)
		return complain_usage(&o.say, "say NODE and SERVICE at most");
	for (i = 0; i < argc; i++)
		if (!cloud_is_name(argv[i]))
			return complain_usage(&o.say, "what is '%s'?", argv[i]);
	if (!cloud_is_name(o.name))
		return complain_usage(&o.say, "what is '%s'?", o.name);
	if (!complain_is_root(&o.say))
		return CLI_REFUSED;
	state_folder(state, o.name);
	(void)snprintf(pattern, sizeof(pattern), "%s/%s/log/%s.log", state,
		       argc > 0 ? argv[0] : "*", argc > 1 ? argv[1] : "*");
	if (glob(pattern, 0, NULL, &found) == 0) {
		status = show_files(&o, &found);
		globfree(&found);
		return status;
	}
	if (argc == 0)
		return show_journal(&o);
	return complain(&o.say, CLI_REFUSED, COMPLAINT_EMPTY, pattern,
			"nothing is written there");
}
