"""The ACME front: stands before a real pebble and adds what a real CA has and pebble lacks.

pebble does accounts, nonces, orders, challenges and their validation. It builds its URLs from the
request's Host and compares the JWS `url` with Host and path; so the front hands requests on byte
for byte, under its own public host, and no URL needs rewriting. What passes is read: which key an
account has, which names an order, which challenge made an authorization valid.

The front's own: CAA before finalize, dns-persist-01, profiles, `replaces`, renewalInfo, limits,
certificates (pebble's leaf is never shown: the front's authority issues for the same key and
names), revocation by account, by key and by authorizations (RFC 8555 §7.6).
"""
import collections
import json
import threading
import time
import traceback

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import faults
import jws
import persist
import serve
from acmecaa import CaaGate
from acmestate import Account, Authz, Limits, Order, Problem
from acmewire import URN, Passage, parsed
from authority import DAY, HOUR, IssuanceFailed
from ctwire import spki
from serve import Answer

# pebble's paths, every version so far
PATHS = (("/dir", "directory"), ("/nonce-plz", "newNonce"), ("/sign-me-up", "newAccount"),
         ("/order-plz", "newOrder"), ("/my-account/", "account"), ("/list-orderz/", "orders"),
         ("/my-order/", "order"), ("/finalize-order/", "finalize"), ("/authZ/", "authz"),
         ("/chalZ/", "challenge"), ("/rollover-account-key", "keyChange"),
         ("/revoke-cert", "revokeCert"), ("/front/renewal-info/", "renewalInfo"),
         ("/front/certificate/", "certificate"), ("/front/persist/", "persist"))
REASONS_TAKEN = (0, 1, 3, 4, 5, 9)  # what public CAs take, CAB forum BR 7.2.2


class Front:
    """'public' is the host (and port) of our URLs; 'pebble' an "address:port"; 'cafile' vouches
    for pebble. 'evaluator' looks up CAA and TXT."""

    def __init__(self, public, pebble, cafile, authority, evaluator, clock):
        self.passage = Passage(public, pebble, cafile)
        self.authority, self.evaluator, self.clock = authority, evaluator, clock
        self.base = f"https://{public}"
        self.lock = threading.RLock()
        self.faults, self.limits = faults.Faults(), Limits(clock)
        self.seen = collections.deque(maxlen=5000)
        self.ari, self.caa = {}, CaaGate(evaluator, clock)
        self.authz_seconds = 30 * DAY
        self.forget()

    def forget(self):
        """After a restart of pebble, which knows nobody any more."""
        with self.lock:
            self.accounts, self.orders, self.authzs = {}, {}, {}
            self.by_id, self.by_finalize, self.by_challenge = {}, {}, {}
            self.passage.forget()

    # ---- one request

    def answer(self, request):
        kind = next((k for p, k in PATHS if request.path == p
                     or p.endswith("/") and request.path.startswith(p)), None)
        taken = self.faults.take("challenge" if kind == "persist" else kind) if kind else {}
        note = {"at": time.time(), "method": request.method, "path": request.path, "kind": kind}
        self.seen.append(note)
        signed = parsed(request)
        if signed and signed.nonce:
            note["kid"] = signed.kid
        members, reply = faults.before(taken)
        if reply is None:
            try:
                if members:
                    raise Problem(members.pop("status", 400), members.pop("type", "serverInternal"),
                                  members.pop("detail", "as told"),
                                  members.pop("retry_after", None), **members)
                reply = self._route(kind, request, signed, taken)
            except Problem as problem:
                reply = self._problem(problem)
            except jws.Malformed as error:
                reply = self._problem(Problem(400, "malformed", str(error)))
        note["status"] = reply.status
        return faults.after(taken, reply)

    def _route(self, kind, request, signed, taken):
        handler = getattr(self, f"_do_{kind}", None) if kind else None
        if kind == "renewalInfo" and request.method == "GET":
            return self._renewal_info(request.path.rpartition("/")[2])
        if kind == "directory" and request.method == "GET":
            return self._directory(self.passage.forward(request))
        if signed and handler:
            return handler(request, signed, taken)
        if kind in ("certificate", "persist", "revokeCert", "renewalInfo"):
            raise Problem(405 if request.method != "POST" else 400, "malformed", "POST a JWS")
        return self.passage.forward(request)

    def _problem(self, problem):
        kind = problem.kind if ":" in problem.kind else URN + problem.kind
        headers = {"Replay-Nonce": self.passage.fresh_nonce(), "Cache-Control": "no-store",
                   "Link": f'<{self.base}/dir>;rel="index"'}
        if problem.retry_after is not None:
            headers["Retry-After"] = problem.retry_after
        document = {"type": kind, "detail": problem.detail, "status": problem.status,
                    **problem.members}
        return Answer(problem.status, document, headers, kind="application/problem+json")

    def own(self, body, status=200, headers=None, kind=None):
        return Answer(status, body, {"Replay-Nonce": self.passage.fresh_nonce(),
                                     "Cache-Control": "no-store",
                                     "Link": [f'<{self.base}/dir>;rel="index"'], **(headers or {})},
                      kind=kind)

    def authenticate(self, request, signed, key=None):
        """The account that signed a request which the front answers itself; 'key' is the JWK to
        verify with instead of an account's. Spends the nonce."""
        if request.headers.get("Content-Type") != "application/jose+json":
            raise Problem(415, "malformed", "Content-Type is not application/jose+json")
        if signed.url != self.base + request.target:
            raise Problem(400, "malformed", f"JWS url is not {self.base + request.target}")
        account = None
        if key is None:
            account = self.accounts.get(signed.kid)
            if account is None:
                raise Problem(400, "accountDoesNotExist", f"no account {signed.kid}")
        signed.verify(key or account.jwk)
        if not self.passage.spend(signed.nonce):
            raise Problem(400, "badNonce", "JWS has an unknown nonce")
        if account and account.status != "valid":
            raise Problem(403, "unauthorized", f"account is {account.status}")
        return account

    # ---- directory and accounts

    def _directory(self, reply):
        if reply.status == 200:
            document = json.loads(reply.body)
            document["renewalInfo"] = f"{self.base}/front/renewal-info"
            meta = document.setdefault("meta", {})
            meta["caaIdentities"] = self.evaluator.issuers
            meta["profiles"] = {p: f"{r.seconds / DAY:g} days"
                                for p, r in self.authority.profiles.items()}
            reply.body = json.dumps(document, indent=1).encode()
        return reply

    def _do_newAccount(self, request, signed, _):
        if not signed.json().get("onlyReturnExisting"):
            self.limits.count("newAccount", request.peer[0] if request.peer else "")
        reply = self.passage.forward(request)
        if reply.status in (200, 201) and signed.jwk:
            with self.lock:
                self.accounts.setdefault(reply.headers["Location"],
                                         Account(reply.headers["Location"], signed.jwk))
        return reply

    def _do_account(self, request, _, __):
        reply = self.passage.forward(request)
        account = self.accounts.get(self.base + request.path)
        if account and reply.status == 200:
            account.status = json.loads(reply.body).get("status", account.status)
        return reply

    def _do_keyChange(self, request, signed, _):
        reply = self.passage.forward(request)
        account = self.accounts.get(signed.kid)
        if account and reply.status == 200:
            account.jwk = jws.Jws(signed.payload).jwk
        return reply

    # ---- orders

    def _do_newOrder(self, request, signed, _):
        wanted = signed.json()
        names = sorted(i.get("value", "") for i in wanted.get("identifiers", []))
        profile = wanted.get("profile")
        if profile is not None and profile not in self.authority.profiles:
            raise Problem(400, "invalidProfile", f"no profile {profile!r}")
        replaced = wanted.get("replaces")
        if replaced is not None:
            self._check_replaces(replaced, signed.kid, names)
        else:  # renewals that ARI asked for are free
            self.limits.count("newOrder", signed.kid)
            self.limits.count("duplicate", " ".join(names))
        reply = self.passage.forward(request)
        if reply.status == 201:
            order = Order(reply.headers["Location"], signed.kid, json.loads(reply.body))
            order.profile, order.replaces = profile, replaced
            with self.lock:
                self.orders[order.url] = self.by_id[order.id] = order
                self.by_finalize[order.finalize] = order
                for url in order.authzs:
                    self.authzs.setdefault(url, Authz(url, order))
            self._patch_order(order, reply)
        return reply

    def _check_replaces(self, text, account, names):
        issued = self._find_cert_id(text)
        if issued is None:
            raise Problem(404, "malformed", f"no certificate {text}")
        if issued.account != account:
            raise Problem(403, "unauthorized", "the certificate is another account's")
        if not set(names) & set(issued.names):
            raise Problem(400, "malformed", "the certificate has none of these names")
        if issued.serial in self.authority.replaced:
            raise Problem(409, "alreadyReplaced", "the certificate has been replaced")

    def _find_cert_id(self, text):
        aki, _, serial = text.partition(".")
        try:
            serial = jws.unb64url(serial)
        except jws.Malformed as error:
            raise Problem(400, "malformed", str(error)) from error
        issued = self.authority.issued.get(int.from_bytes(serial, "big"))
        if issued is None:
            return None
        want = self.authority.cert_id(issued.serial)
        return issued if (aki, serial) == (jws.b64url(want[0]), want[1]) else None

    def _do_order(self, request, _, taken):
        reply = self.passage.forward(request)
        order = self.orders.get(self.base + request.path)
        if order and reply.status == 200:
            self._patch_order(order, reply, "stuck" in taken)
        return reply

    def _patch_order(self, order, reply, stuck=False):
        """What pebble says of an order, with what the front knows."""
        document = json.loads(reply.body)
        with self.lock:
            status = document.get("status")
            if status in ("ready", "processing", "valid"):
                for url in order.authzs:
                    self._became_valid(self.authzs[url])
            if any(self.authzs[u].decided_here() for u in order.authzs):
                states = {self.authzs[u].status for u in order.authzs}
                status = ("invalid" if "invalid" in states else
                          "ready" if states == {"valid"} else "pending")
            document.pop("certificate", None)
            if order.status:  # finalized
                status = "processing" if stuck else order.status
            document["status"] = status
            if status == "valid":
                document["certificate"] = f"{self.base}/front/certificate/{order.id}"
            if order.error:
                document["error"] = order.error
            for member in ("profile", "replaces"):
                if getattr(order, member) is not None:
                    document[member] = getattr(order, member)
        if status == "processing":
            reply.headers["Retry-After"] = 1
        reply.body = json.dumps(document, indent=1).encode()

    # ---- authorizations

    def _do_authz(self, request, _, __):
        reply = self.passage.forward(request)
        authz = self.authzs.get(self.base + request.path)
        if not authz or reply.status != 200:
            return reply
        document = json.loads(reply.body)
        with self.lock:
            star = "*." if document.get("wildcard") else ""
            authz.name = star + document["identifier"]["value"]
            for challenge in document["challenges"]:
                authz.challenges[challenge["url"]] = dict(challenge)
                self.by_challenge[challenge["url"]] = authz
                if challenge.get("status") == "valid":
                    authz.method = challenge["type"]
            if not authz.decided_here():
                authz.status = document["status"]
            if authz.refused:
                document["status"], document["challenges"] = "invalid", [authz.refused]
            elif document["status"] == "valid":
                self._became_valid(authz)
            elif document["status"] == "deactivated":
                account = self.accounts.get(authz.order.account)
                if account:
                    account.proved.pop(authz.name, None)
            self._add_persist(authz, document)
        reply.body = json.dumps(document, indent=1).encode()
        return reply

    def _became_valid(self, authz):
        account = self.accounts.get(authz.order.account)
        if authz.status != "invalid":
            authz.status = "valid"
        authz.method = authz.method or authz.tried
        if account and authz.name:
            seconds = self.authz_seconds
            if authz.order.profile in ("tlsserver", "shortlived"):
                seconds = min(seconds, 7 * HOUR)
            account.proved.setdefault(authz.name, self.clock.now() + seconds)

    def _do_challenge(self, request, signed, _):
        url = self.base + request.path
        authz = self.by_challenge.get(url)
        if not authz:
            return self.passage.forward(request)
        challenge = authz.challenges[url]
        if signed.payload and signed.kid == authz.order.account and authz.status == "pending":
            authz.tried = challenge["type"]
            error = self.caa.at_challenge(authz, authz.tried)
            if error:
                self.authenticate(request, signed)
                return self._refuse(authz, challenge, error)
        if authz.refused and authz.refused["url"] == url:
            self.authenticate(request, signed)
            return self.own(authz.refused, headers=self._up(authz))
        reply = self.passage.forward(request)
        status = json.loads(reply.body).get("status") if reply.status == 200 else None
        if status == "valid":
            with self.lock:
                authz.method = challenge["type"]
                self._became_valid(authz)
        elif status:
            reply.headers.setdefault("Retry-After", 1)  # RFC 8555 §8.2; lego takes 5 without
        return reply

    def _refuse(self, authz, challenge, error):
        """pebble never hears of the challenge; its authorization stays pending."""
        with self.lock:
            authz.status = "invalid"
            authz.refused = {**challenge, "status": "invalid", "error": error}
        return self.own(authz.refused, headers=self._up(authz))

    def _up(self, authz):
        return {"Link": [f'<{self.base}/dir>;rel="index"', f'<{authz.url}>;rel="up"']}

    # ---- dns-persist-01 (draft-ietf-acme-dns-persist)

    def _persist_challenge(self, authz):
        challenge = {"type": "dns-persist-01", "status": authz.persist or "pending",
                     "url": f"{self.base}/front/persist/{authz.url.rpartition('/')[2]}",
                     "accounturi": authz.order.account,
                     "issuer-domain-names": list(self.evaluator.issuers)}
        if authz.error:
            challenge["error"] = authz.error
        return challenge

    def _add_persist(self, authz, document):
        if document["identifier"]["type"] != "dns":
            return
        challenge = self._persist_challenge(authz)
        if authz.persist:
            document["status"] = authz.status
            document["challenges"] = [challenge]
        elif document["status"] == "pending" and challenge["type"] not in (
                c["type"] for c in document["challenges"]):  # later pebbles have their own
            document["challenges"].append(challenge)

    def _do_persist(self, request, signed, _):
        account = self.authenticate(request, signed)
        part = request.path.rpartition("/")[2]
        authz = next((a for u, a in self.authzs.items() if u.endswith("/" + part)), None)
        if authz is None or authz.order.account != account.url or authz.name is None:
            raise Problem(404, "malformed", "no such challenge")
        if signed.payload and authz.persist is None and authz.status == "pending":
            error = self.caa.at_challenge(authz, "dns-persist-01")
            why = error or persist.failure(self.evaluator, authz.name, account.url,
                                           self.clock.now())
            with self.lock:
                authz.persist = authz.status = "invalid" if why else "valid"
                if why:
                    authz.error = error or {"type": URN + "unauthorized", "status": 403,
                                            "detail": why}
                else:
                    authz.method = "dns-persist-01"
                    self._became_valid(authz)
        return self.own(self._persist_challenge(authz), headers=self._up(authz))

    # ---- finalize

    def _do_finalize(self, request, signed, taken):
        order = self.by_finalize.get(self.base + request.path)
        account = self.accounts.get(signed.kid)
        if order is None or account is None or order.account != account.url:
            return self.passage.forward(request)
        signed.verify(account.jwk)
        alone = any(self.authzs[u].persist for u in order.authzs)
        if "skip-caa" not in taken and order.status is None:
            try:
                self.caa.at_finalize([self.authzs[u] for u in order.authzs])
            except Problem:
                self.passage.spend(signed.nonce)
                raise
        if alone:
            self.authenticate(request, signed)
            reply = self._finalize_alone(order, account, signed)
        else:
            reply = self.passage.forward(request)
        if reply.status == 200 and order.status is None:
            order.status = "processing"
            order.wrong = taken.get("wrong-certificate", {"value": ""})["value"]
            csr = x509.load_der_x509_csr(jws.unb64url(signed.json()["csr"]))
            threading.Thread(target=self._issue, args=(order, csr), daemon=True).start()
        if reply.status == 200:
            self._patch_order(order, reply)
        return reply

    def _finalize_alone(self, order, account, signed):
        """An order that pebble cannot see as ready: what pebble checks, the front checks."""
        if {self.authzs[u].status for u in order.authzs} != {"valid"}:
            raise Problem(403, "orderNotReady", "not every authorization is valid")
        try:
            csr = x509.load_der_x509_csr(jws.unb64url(signed.json()["csr"]))
            names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = [str(n.value).lower() for n in names]
        except (KeyError, ValueError, x509.ExtensionNotFound) as error:
            raise Problem(400, "badCSR", f"CSR: {error!r}") from error
        if not csr.is_signature_valid:
            raise Problem(400, "badCSR", "the CSR's signature is wrong")
        if sorted(names) != sorted(order.names):
            raise Problem(400, "badCSR", f"the CSR has {names}, the order {order.names}")
        if spki(csr.public_key()) == spki(jws.public_key(account.jwk)):
            raise Problem(400, "badCSR", "the CSR has the account's key")
        order.alone = True
        identifiers = [{"type": "dns", "value": n} for n in order.names]
        return self.own({"status": "processing", "identifiers": identifiers,
                         "authorizations": order.authzs, "finalize": order.finalize,
                         "expires": serve.rfc3339(self.clock.now() + DAY)},
                        headers={"Location": order.url})

    def _issue(self, order, csr):
        serial = ""
        if order.replaces:
            serial = f"{self._find_cert_id(order.replaces).serial:x}"
        try:
            issued = self.authority.issue(order.names, csr.public_key(), account=order.account,
                                          profile=order.profile or "classic", wrong=order.wrong,
                                          replaces=serial)
        except IssuanceFailed as failure:
            order.error = {"type": URN + "serverInternal", "status": 500, "detail": str(failure)}
            order.status = "invalid"
            return
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            order.error = {"type": URN + "serverInternal", "status": 500, "detail": "a bug"}
            order.status = "invalid"
            return
        order.issued, order.status = issued, "valid"

    # ---- certificates

    def _do_certificate(self, request, signed, taken):
        parts = request.path.split("/")[3:]
        account = self.authenticate(request, signed)
        order = self.by_id.get(parts[0])
        if order is None or order.issued is None or parts[1:] not in ([], ["1"], ["2"], ["3"]):
            raise Problem(404, "malformed", "no such certificate")
        if order.account != account.url:
            raise Problem(403, "unauthorized", "the certificate is another account's")
        number = int(parts[1]) if parts[1:] else 0
        url = f"{self.base}/front/certificate/{order.id}"
        others = [url if n == 0 else f"{url}/{n}" for n in (0, 1) if n != number]
        if "alternate-loop" in taken:
            others = [f"{url}/{1 + n % 3}" for n in range(int(taken["alternate-loop"]["value"]))]
        links = [f'<{self.base}/dir>;rel="index"'] + [f'<{o}>;rel="alternate"' for o in others]
        return self.own(self.authority.chain(order.issued, number % 2).encode(),
                        headers={"Link": links}, kind="application/pem-certificate-chain")

    def _renewal_info(self, text):
        issued = self._find_cert_id(text)
        if issued is None:
            return self._problem(Problem(404, "malformed", f"no certificate {text}"))
        scripted = self.ari.get(f"{issued.serial:x}") or self.ari.get("*") or {}
        life = issued.not_after - issued.not_before
        part = 1 / 2 if life < 10 * DAY else 1 / 3
        start = issued.not_after - life * part
        end = start + life / 30
        if issued.serial in self.authority.revoked:
            end = self.authority.revoked[issued.serial][0]
            start = end - HOUR
        document = {"suggestedWindow": {"start": scripted.get("start", serve.rfc3339(start)),
                                        "end": scripted.get("end", serve.rfc3339(end))}}
        if "explanation" in scripted:
            document["explanationURL"] = scripted["explanation"]
        return Answer(scripted.get("status", 200), scripted.get("body", document),
                      {"Retry-After": scripted.get("retry_after", 21600)})

    # ---- revocation

    def _do_revokeCert(self, request, signed, _):
        account = self.authenticate(request, signed, signed.jwk)
        wanted = signed.json()
        try:
            cert = x509.load_der_x509_certificate(jws.unb64url(wanted["certificate"]))
        except (KeyError, ValueError) as error:
            raise Problem(400, "malformed", f"certificate: {error!r}") from error
        issued = self.authority.find(cert)
        if issued is None:
            raise Problem(404, "malformed", "not a certificate of this CA")
        reason = wanted.get("reason", 0)
        if reason not in REASONS_TAKEN:
            raise Problem(400, "badRevocationReason", f"reason {reason} is not taken")
        if signed.jwk is not None:
            if spki(jws.public_key(signed.jwk)) != spki(cert.public_key()):
                raise Problem(403, "unauthorized", "neither the certificate's key nor an account")
            reason = 1
        elif issued.account != account.url:
            now = self.clock.now()
            missing = [n for n in issued.names if account.proved.get(n, 0) < now]
            if missing:
                raise Problem(403, "unauthorized", "the account has no valid authorization for "
                              + ", ".join(missing))
            reason = 5  # what public CAs record for one who controls the names now
        if issued.serial in self.authority.revoked:
            raise Problem(400, "alreadyRevoked", "the certificate has been revoked")
        self.authority.revoke(issued.serial, reason)
        return self.own(b"")

    # ---- for the control endpoint

    def state(self):
        with self.lock:
            return {
                "accounts": {u: {"thumbprint": jws.thumbprint(a.jwk), "status": a.status,
                                 "proved": {n: serve.rfc3339(t) for n, t in a.proved.items()}}
                             for u, a in self.accounts.items()},
                "orders": {u: {"account": o.account, "names": o.names, "status": o.status,
                               "profile": o.profile, "replaces": o.replaces,
                               "serial": f"{o.issued.serial:x}" if o.issued else None}
                           for u, o in self.orders.items()},
                "caa": self.caa.log[-200:], "limits": self.limits.rules,
                "faults": self.faults.list}

    def issue_outright(self, wanted):
        """Issues without an order, as a CA that was tricked would."""
        from cryptography.hazmat.primitives.asymmetric import ec  # pylint: disable=C0415
        key = None
        if "spki" in wanted:
            public = serialization.load_pem_public_key(wanted["spki"].encode())
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            public = key.public_key()
        issued = self.authority.issue(
            wanted["names"], public, profile=wanted.get("profile", "classic"),
            account=wanted.get("account", ""), wrong=wanted.get("wrong", ""),
            not_before=wanted.get("not_before"), not_after=wanted.get("not_after"),
            final=wanted.get("final", True))
        return {"serial": f"{issued.serial:x}", "chain": self.authority.chain(issued),
                "key": serve.key_pem(key).decode() if key else None}
