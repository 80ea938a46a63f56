#include "base/text.h"
#include "evidence/check_list.h"

static const char head_line[] = "c2sp.org/tlog-proof@v1";

struct tlog_proof {
	uint64_t index;
	struct treeproof proof;
	struct span note; /* the checkpoint, signed */
};

static bool rd_line(struct span *text, struct span *line)
{
	return memchr(text->p, '\n', text->n) && rd_until(text, line, '\n');
}

static bool rd_index(struct span *text, uint64_t *index)
{
	struct span line;

	if (!rd_line(text, &line))
		return false;
	/* What is extra is for people. */
	if (span_has_prefix(line, span_str("extra ")) && !rd_line(text, &line))
		return false;
	return span_has_prefix(line, span_str("index ")) && rd_skip(&line, 6) &&
	       text_u64(index, line, INT64_MAX);
}

/* Hashes up to an empty line, then the checkpoint. */
static bool proof_read(struct tlog_proof *out, struct span text)
{
	struct tlog_proof p = { .index = 0 };
	struct span line;
	size_t n;

	if (!text.n || !rd_line(&text, &line) ||
	    !span_equal_str(line, head_line) || !rd_index(&text, &p.index))
		return false;
	while (text.n && rd_line(&text, &line) && line.n) {
		if (p.proof.count == TREEPROOF_MAX ||
		    !text_base64_decode(p.proof.hash[p.proof.count].b,
					MERKLE_HASH_LEN, &n, line) ||
		    n != MERKLE_HASH_LEN)
			return false;
		p.proof.count++;
	}
	p.note = text;
	*out = p;
	return text.n && !line.n;
}

static void judge_proof(struct finding *f, const struct reading *r)
{
	struct witness_verdict v;
	struct merkle_hash leaf;
	struct tlog_proof p;

	if (!proof_read(&p, r->bundle.audit)) {
		finding_say(f, CHECK_FAIL, "it is no tlog-proof");
		return;
	}
	witness_judge(&v, p.note, r->m->witnesses, NULL, r->m->at);
	if (v.answer != WITNESS_OK) {
		finding_say(f, CHECK_FAIL, "its checkpoint: %s, %zu witnesses",
			    witness_answer_name(v.answer), v.witnesses);
		return;
	}
	merkle_leaf(&leaf, hash_merkle_sha256, r->bundle.core);
	if (treeproof_includes(&v.checkpoint.head, p.index, &leaf, &p.proof))
		finding_say(f, CHECK_PASS, "entry %llu, %zu witnesses",
			    (unsigned long long)p.index, v.witnesses);
	else
		finding_say(f, CHECK_FAIL, "the core is not that entry");
}

void check_audit(struct finding *f, const struct reading *r)
{
	if (!r->m->witnesses)
		finding_say(f, CHECK_NOT_ASKED, "no rule names witnesses");
	else if (r->kind != READING_CORE)
		finding_say(f, CHECK_NOT_SHOWN, "no audit log is shown");
	else if (!r->bundle.audit.n)
		finding_say(f, CHECK_UNKNOWN, "no proof is shown");
	else
		judge_proof(f, r);
}
