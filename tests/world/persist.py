"""What the records of dns-persist-01 let an account have (draft-ietf-acme-dns-persist)."""
import caa


def failure(evaluator, name, account, now):
    """"" when a record lets the account have the name; the name's own record, or one above it
    with policy=wildcard."""
    wildcard, bare = name.startswith("*."), name.removeprefix("*.")
    why, above = [], bare
    while "." in above:
        try:
            texts = evaluator.texts(f"_validation-persist.{above}")
        except caa.LookupFailed as error:
            return str(error)
        for text in texts:
            reason = judge(text, evaluator.issuers, account, wildcard or above != bare, now)
            if not reason:
                return ""
            why.append(f"{above}: {reason}")
        above = above.partition(".")[2]
    return "; ".join(why) or f"no TXT records at _validation-persist.{bare}"


def judge(text, issuers, account, wide, now):
    parsed = caa.parse_issue(text)
    if parsed is None or len(dict(parsed[1])) != len(parsed[1]):
        return "malformed record"
    parameters = dict(parsed[1])
    if parsed[0] not in issuers:
        return f"names {parsed[0] or 'nobody'}"
    if parameters.get("accounturi") != account:
        return f"accounturi is {parameters.get('accounturi')}"
    if wide and parameters.get("policy", "").lower() != "wildcard":
        return "policy is not wildcard"
    until = parameters.get("persistuntil")
    if until is not None and (not until.isdigit() or int(until) < now):
        return "persistUntil has passed"
    return ""
