// Every call of dstack's JavaScript SDK, for interop-dstack.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { DstackClient, TappdClient } from "@phala/dstack-sdk";
import { toKeypairSecure } from "@phala/dstack-sdk/solana";
import { toViemAccountSecure } from "@phala/dstack-sdk/viem";

console.warn = () => {};
const client = new DstackClient();
const hex = (bytes) => Buffer.from(bytes).toString("hex"); // of text too
const data = Buffer.from("some data");

const info = await client.info();
assert.match(info.app_id, /^[0-9a-f]{40}$/);
assert.equal(info.tcb_info.rtmr3.length, 96);
assert.ok(info.tcb_info.event_log.length >= 5);
assert.equal(info.compose_hash, createHash("sha256").update(info.tcb_info.app_compose).digest("hex"));
assert.ok(await client.isReachable());
assert.ok((await client.version()).version);

const key = await client.getKey("/a", "p");
assert.equal(key.key.length, 32);
assert.deepEqual(key.signature_chain.map((s) => s.length), [65, 65]);
assert.equal(hex((await client.getKey("/a", "p")).key), hex(key.key));
assert.notEqual(hex((await client.getKey("/b", "p")).key), hex(key.key));
assert.notEqual(hex((await client.getKey("/a", "p", "ed25519")).key), hex(key.key));
await assert.rejects(client.getKey("/a", "p", "rsa"));

const account = toViemAccountSecure(key);
assert.match(await account.signMessage({ message: "m" }), /^0x[0-9a-f]{130}$/);
assert.equal(toViemAccountSecure(await client.getKey("/a", "p")).address, account.address);
const pair = toKeypairSecure(key);
assert.equal(pair.secretKey.length, 64);
assert.ok(toKeypairSecure(await client.getKey("/a", "p")).publicKey.equals(pair.publicKey));

const tls = await client.getTlsKey({
  subject: "x.example", altNames: ["x.example", "127.0.0.1"], usageRaTls: true, usageClientAuth: true,
});
const [leaf, authority] = tls.certificate_chain.map((pem) => new X509Certificate(pem));
assert.ok(leaf.checkIssued(authority) && leaf.verify(authority.publicKey) && !leaf.ca && authority.ca);
assert.ok(leaf.checkPrivateKey(createPrivateKey(tls.key)));
assert.equal(leaf.checkHost("x.example"), "x.example");
assert.equal(leaf.checkIP("127.0.0.1"), "127.0.0.1");
assert.ok(tls.asUint8Array(32).length === 32);
const short = await client.getTlsKey({ notBefore: 1800000000, notAfter: 1800003600, withAppInfo: false });
assert.equal(new Date(new X509Certificate(short.certificate_chain[0]).validTo).getTime(), 1800003600000);

const told = await client.getTlsKey({ withAppInfo: true });
// the extension 1.3.6.1.4.1.62397.1.9, of which "app_id" is the first word
const appInfo = new X509Certificate(told.certificate_chain[0]).raw.toString("hex").split("060a2b0601040183e73d0109")[1];
assert.ok(appInfo.includes(`88a6${hex("app_id")}c414${info.app_id}ac${hex("compose_hash")}c420${info.compose_hash}`));

const quote = await client.getQuote("test");
assert.equal(quote.report_data, Buffer.from("test").toString("hex").padEnd(128, "0"));
assert.equal(quote.quote.slice(2 * 568, 2 * 632), quote.report_data);
assert.equal(quote.replayRtmrs()[3], quote.quote.slice(2 * 520, 2 * 568)); // RTMR3
assert.ok((await client.attest("test")).attestation.length > 100);

for (const algorithm of ["ed25519", "secp256k1", "secp256k1_prehashed"]) {
  const what = algorithm.endsWith("prehashed") ? createHash("sha256").update(data).digest() : data;
  const signed = await client.sign(algorithm, what);
  assert.equal(signed.signature.length, 64);
  assert.equal(signed.signature_chain.length, 3);
  assert.ok((await client.verify(algorithm, what, signed.signature, signed.public_key)).valid);
  const other = Buffer.from(what);
  other[0] ^= 1;
  assert.ok(!(await client.verify(algorithm, other, signed.signature, signed.public_key)).valid);
}

await client.emitEvent("interop", "payload");
const after = await client.getQuote("after");
assert.equal(after.replayRtmrs()[3], after.quote.slice(2 * 520, 2 * 568));
assert.equal(JSON.parse(after.event_log).at(-1).event, "interop");
assert.equal((await client.info()).tcb_info.rtmr3, after.replayRtmrs()[3]);

const tappd = new TappdClient();
assert.ok(await tappd.isReachable());
const derived = await tappd.deriveKey("/");
assert.ok(derived.key.startsWith("-----BEGIN PRIVATE KEY-----"));
assert.equal((await tappd.deriveKey("/")).key, derived.key);
assert.notEqual((await tappd.deriveKey("/other")).key, derived.key);
const raw = await tappd.tdxQuote("test", "raw");
assert.ok(raw.quote.slice(2 * 568, 2 * 632).endsWith(Buffer.from("test").toString("hex")));
// libcrypto has no Keccak before 3.2: tests/unit/test_guest_reportdata.c has them all
for (const name of ["sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"]) {
  await new Promise((resolve) => setTimeout(resolve, 600)); // two quotes a second
  const hashed = await tappd.tdxQuote("test", name);
  assert.equal(hashed.quote.slice(2 * 568, 2 * 632),
    createHash(name).update("app-data:test").digest("hex").padEnd(128, "0"));
}
console.log("every call of the SDK was answered as it expects");
