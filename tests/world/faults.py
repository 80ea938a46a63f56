"""What the ACME front does wrong when it is told to: a list of faults, each for an endpoint and
for a number of requests, applied before a request is looked at or to the answer of one that was.
"""
import json
import threading

from serve import Answer

ENDPOINTS = ("directory", "newNonce", "newAccount", "newOrder", "account", "orders", "order",
             "authz", "challenge", "finalize", "certificate", "revokeCert", "keyChange",
             "renewalInfo", "any")

# what -> the meaning of 'value'
FAULTS = {
    "problem": "an object: status, type (the last part of the URN), detail, and so on; the "
               "request is not looked at",
    "bad-nonce": "answers badNonce, as if the nonce were unknown",
    "delay": "seconds before the answer",
    "drop": "closes the connection; the request is not looked at",
    "drop-after": "does what is asked and closes the connection instead of answering",
    "truncate": "bytes of the body that are sent",
    "garbage": "a text in place of the body, status 200",
    "edit": "an object: members of the JSON answer to set; null takes one away",
    "huge": "bytes to pad the body with",
    "no-nonce": "leaves Replay-Nonce out",
    "no-location": "leaves Location out",
    "redirect": "a URL",
    "stuck": "order: stays in processing",
    "wrong-certificate": "finalize: one of authority.WRONGS",
    "skip-caa": "finalize: the CA does not look at CAA",
    "alternate-loop": "certificate: alternate links that lead nowhere new, a number of them",
}


class Faults:
    def __init__(self):
        self.lock, self.list = threading.Lock(), []

    def add(self, at, what, value=True, times=1, skip=0, retry_after=None):
        if at not in ENDPOINTS or what not in FAULTS:
            raise ValueError(f"at is one of {ENDPOINTS}, what one of {FAULTS}")
        with self.lock:
            self.list.append({"at": at, "what": what, "value": value, "times": times,
                              "skip": skip, "retry_after": retry_after})

    def clear(self):
        with self.lock:
            self.list.clear()

    def take(self, endpoint):
        """what -> fault, for one request to an endpoint; counted as used."""
        taken = {}
        with self.lock:
            for fault in list(self.list):
                if fault["at"] not in (endpoint, "any") or fault["what"] in taken:
                    continue
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                    continue
                taken[fault["what"]] = fault
                fault["times"] -= 1
                if fault["times"] == 0:
                    self.list.remove(fault)
        return taken


def before(faults):
    """What is answered without looking at the request: (problem's members, Answer); both None:
    the request is looked at."""
    if "drop" in faults:
        return None, Answer(drop=True)
    if "redirect" in faults:
        return None, Answer(302, b"", {"Location": faults["redirect"]["value"]})
    if "bad-nonce" in faults:
        return {"status": 400, "type": "badNonce", "detail": "JWS has an invalid nonce"}, None
    if "problem" in faults:
        members = dict(faults["problem"]["value"])
        if faults["problem"]["retry_after"] is not None:
            members["retry_after"] = faults["problem"]["retry_after"]
        return members, None
    return None, None


def after(faults, answer):
    """The answer, made wrong."""
    if "edit" in faults:
        document = json.loads(answer.body)
        for member, value in faults["edit"]["value"].items():
            document.pop(member, None)
            if value is not None:
                document[member] = value
        answer.body = json.dumps(document).encode()
    if "garbage" in faults:
        answer.status, answer.body = 200, str(faults["garbage"]["value"]).encode()
    if "huge" in faults:
        answer.body += b" " * int(faults["huge"]["value"])
    if "no-nonce" in faults:
        answer.headers.pop("Replay-Nonce", None)
    if "no-location" in faults:
        answer.headers.pop("Location", None)
    if "truncate" in faults:
        answer.sent = int(faults["truncate"]["value"])
    if "delay" in faults:
        answer.delay = float(faults["delay"]["value"])
    if "drop-after" in faults:
        answer.drop = True
    return answer
