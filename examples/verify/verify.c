/* verify QUOTE FOLDER TIME: was this quote to be accepted at TIME (seconds since 1970)? */
#include <postern/tee.h>
#include <stdio.h>
#include <stdlib.h>

/* 0 bytes when there is no such file, which the library minds if it matters. */
static size_t load(unsigned char room[65536], const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(room, 1, 65536, f) : 0;
	return f ? (void)fclose(f), n : 0;
}

int main(int argc, char **argv)
{
	static unsigned char room[17][65536]; /* documents, then the quote */
	struct postern_tee_document d[16];
	struct postern_tee_request r = { .size = sizeof(r), .evidence = room[16] };
	struct postern_tee_verdict v = { .size = sizeof(v) };
	struct postern_tee_collateral *collateral;
	struct postern_tee_error error = { "usage", "QUOTE FOLDER TIME" };
	size_t n = 0;

	for (const char *name; argc == 4 && n < 16 && (name = postern_tee_document_name(n)); n++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%s", argv[2], name);
		d[n] = (struct postern_tee_document){ name, room[n], load(room[n], path) };
	}
	if (argc != 4 || postern_tee_collateral_new(&collateral, d, n, &error) != POSTERN_TEE_OK)
		return fprintf(stderr, "verify: %s: %s\n", error.reason, error.detail), 2;
	r.evidence_size = load(room[16], argv[1]);
	r.collateral = collateral;
	r.at = atoll(argv[3]);
	r.any_report_data = 1; /* it is only a file; a protocol gives its nonce here */
	enum postern_tee_result result = postern_tee_verify(&v, &r);
	printf("%s: %s\n", v.accepted ? "accepted" : "refused", v.reason);
	postern_tee_collateral_free(collateral);
	return (int)result;
}
