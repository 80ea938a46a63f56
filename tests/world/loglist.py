"""The log list that browsers and monitors read: v3 JSON with a detached signature beside it."""
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import serve
from ctwire import b64


class LogList:
    """log_list.json (v3) and log_list.sig, which the key of log_list.key vouches for: RSA with
    SHA-256 (PKCS #1 v1.5) as the list browsers use."""

    def __init__(self, folder, logs, public, mmd, clock):
        self.folder, self.logs, self.public, self.mmd, self.clock = folder, logs, public, mmd, clock
        path = folder / "log_list.key"
        if not path.exists():
            serve.write_private(path, serve.key_pem(rsa.generate_private_key(65537, 2048)))
        self.key = serialization.load_pem_private_key(path.read_bytes(), None)
        (folder / "log_list.pub").write_bytes(self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self.write()

    def write(self):
        operators = {}
        for log in self.logs.values():
            operator = operators.setdefault(log.operator, {
                "name": log.operator, "email": [f"ct@{log.operator.lower()}.example"],
                "logs": [], "tiled_logs": []})
            url = f"{self.public}/{log.name}/"
            facts = {"description": f"{log.operator} '{log.name}'", "log_id": b64(log.log_id),
                     "key": b64(log.public), "mmd": self.mmd, "state": log.state}
            if log.kind == "static":
                operator["tiled_logs"].append(
                    {**facts, "submission_url": url, "monitoring_url": url})
            else:
                operator["logs"].append({**facts, "url": url})
        document = {"version": "1.0", "log_list_timestamp": serve.rfc3339(self.clock.now()),
                    "is_all_logs": True, "operators": list(operators.values())}
        data = json.dumps(document, indent=2).encode() + b"\n"
        signature = self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        for name, content in (("log_list.json", data), ("log_list.sig", signature)):
            new = self.folder / (name + ".new")
            new.write_bytes(content)
            new.replace(self.folder / name)
