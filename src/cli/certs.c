#include "cli/certs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "io/file.h"
#include "io/proc.h"

enum {
	ERROR_MAX = 512,
	ARENA_MAX = 64 * 1024,
	OUTPUT_MAX = 8192,
	TIMEOUT_MS = 20000,
};

static enum rc say(char error[ERROR_MAX], const char *path)
{
	(void)snprintf(error, ERROR_MAX, "%.400s: %s", path, strerror(errno));
	return RC_SYS;
}

static enum rc openssl(const char *const *argv, char error[ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf out = { 0 };
	struct span said;
	int status;
	enum rc rc;

	buf_init(&out, OUTPUT_MAX);
	rc = proc_run(argv, (struct span){ 0 }, &out, TIMEOUT_MS, &status);
	if (!rc)
		return RC_OK;
	said = buf_span(&out);
	(void)snprintf(error, ERROR_MAX, "openssl %s: %.*s", argv[1],
		       (int)(said.n < 400 ? said.n : 400),
		       (const char *)said.p);
	return rc;
}

enum rc certs_authority(const char *folder, char error[512])
{
	AUTO(arena_fini)
	struct arena a;
	const char *ca, *key;
	mode_t before;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	ca = fmt(&a, "%s/ca.pem", folder);
	key = fmt(&a, "%s/ca.key", folder);
	if (access(ca, R_OK) == 0 && access(key, R_OK) == 0 &&
	    openssl((const char *[]){ "openssl", "x509", "-in", ca, "-noout",
				      "-checkend", "604800", NULL },
		    error) == RC_OK)
		return RC_OK;
	before = umask(077);
	rc = openssl(
		(const char *[]){
			"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
			"ec_paramgen_curve:P-256", "-nodes", "-days", "365",
			"-subj", "/O=Postern demo/CN=Postern demo authority",
			"-addext",
			"basicConstraints=critical,CA:TRUE,pathlen:0",
			"-addext", "keyUsage=critical,keyCertSign,cRLSign",
			"-keyout", key, "-out", ca, NULL },
		error);
	(void)umask(before);
	if (!rc && chmod(ca, 0644) != 0)
		rc = say(error, ca);
	return rc;
}

static enum rc sign(const char *authority, const char *base, const char *folder,
		    struct arena *a, char error[ERROR_MAX])
{
	const char *request = fmt(a, "%s/request.pem", folder);
	const char *names = fmt(a, "%s/names.cnf", folder);
	const char *text = fmt(
		a,
		"subjectAltName=DNS:%s,DNS:*.%s\n"
		"basicConstraints=critical,CA:FALSE\n"
		"keyUsage=critical,digitalSignature\n"
		"extendedKeyUsage=serverAuth\n",
		base, base);
	enum rc rc;

	if (fmt_file(names, 0644, text))
		return say(error, names);
	rc = openssl((const char *[]){ "openssl", "req", "-new", "-newkey",
				       "ec", "-pkeyopt",
				       "ec_paramgen_curve:P-256", "-nodes",
				       "-subj", fmt(a, "/CN=*.%s", base),
				       "-keyout", fmt(a, "%s/key.pem", folder),
				       "-out", request, NULL },
		     error);
	if (!rc)
		rc = openssl((const char *[]){
				     "openssl", "x509", "-req", "-in", request,
				     "-CA", fmt(a, "%s/ca.pem", authority),
				     "-CAkey", fmt(a, "%s/ca.key", authority),
				     "-days", "30", "-sha256", "-extfile",
				     names, "-out",
				     fmt(a, "%s/chain.pem", folder), NULL },
			     error);
	(void)unlink(request);
	(void)unlink(names);
	return rc;
}

enum rc certs_issue(const char *authority, const char *base, const char *folder,
		    char error[512])
{
	AUTO(arena_fini)
	struct arena a;
	mode_t before;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	if (file_make_dirs(folder, 0750))
		return say(error, folder);
	before = umask(077);
	rc = sign(authority, base, folder, &a, error);
	(void)umask(before);
	return rc;
}
