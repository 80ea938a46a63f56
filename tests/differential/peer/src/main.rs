//! Judges cases with dcap-qvl: one line a case in, one line a verdict out.
//! The lines are those of tests/tools/judge.c.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::panic::catch_unwind;

use dcap_qvl::verify::{QuoteVerifier, VerifiedReport};
use dcap_qvl::QuoteCollateralV3;
use serde::Deserialize;
use serde_json::value::RawValue;

const ITEMS: [&str; 7] = [
    "root_ca.crl.der",
    "pck.crl.der",
    "pck_crl_issuer_chain.pem",
    "tcb_info.json",
    "tcb_info_issuer_chain.pem",
    "qe_identity.json",
    "qe_identity_issuer_chain.pem",
];

#[derive(Deserialize)]
struct TcbInfo<'a> {
    #[serde(borrow, rename = "tcbInfo")]
    object: &'a RawValue,
    signature: String,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow, rename = "enclaveIdentity")]
    object: &'a RawValue,
    signature: String,
}

#[derive(Default)]
struct Files {
    kept: HashMap<String, Vec<u8>>,
}

impl Files {
    fn get(&mut self, path: &str) -> Vec<u8> {
        self.kept
            .entry(path.to_string())
            .or_insert_with(|| std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}")))
            .clone()
    }
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    if !text.is_ascii() || text.len() % 2 != 0 {
        return Err("frame: signature".into());
    }
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| "frame: hex".into()))
        .collect()
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "frame: not UTF-8".into())
}

/// The documents as served, in the form that dcap-qvl takes.
fn collateral(mut files: HashMap<&str, Vec<u8>>) -> Result<QuoteCollateralV3, String> {
    let mut take = |name: &str| files.remove(name).unwrap_or_default();
    let tcb = text(take("tcb_info.json"))?;
    let qe = text(take("qe_identity.json"))?;
    let tcb: TcbInfo = serde_json::from_str(&tcb).map_err(|_| "frame: TCB info".to_string())?;
    let qe: Identity = serde_json::from_str(&qe).map_err(|_| "frame: QE identity".to_string())?;
    Ok(QuoteCollateralV3 {
        pck_crl_issuer_chain: text(take("pck_crl_issuer_chain.pem"))?,
        root_ca_crl: take("root_ca.crl.der"),
        pck_crl: take("pck.crl.der"),
        tcb_info_issuer_chain: text(take("tcb_info_issuer_chain.pem"))?,
        tcb_info: tcb.object.get().to_string(),
        tcb_info_signature: hex(&tcb.signature)?,
        qe_identity_issuer_chain: text(take("qe_identity_issuer_chain.pem"))?,
        qe_identity: qe.object.get().to_string(),
        qe_identity_signature: hex(&qe.signature)?,
        pck_certificate_chain: None,
    })
}

fn apply(target: &str, name: &str, bytes: &mut Vec<u8>, op: &str) {
    let parts: Vec<&str> = op.split(':').collect();
    if parts[0] != target || parts.len() < 2 {
        return;
    }
    let at: usize = parts[1].parse().expect(name);
    match parts.get(2) {
        Some(mask) => bytes[at] ^= mask.parse::<u8>().expect(name),
        None => bytes.truncate(at),
    }
}

fn judge(files: &mut Files, line: &str) -> Result<VerifiedReport, String> {
    let f: Vec<&str> = line.split('\t').collect();
    let (name, at, root, quote, folder, op) = (f[0], f[1], f[2], f[3], f[4], f[5]);
    let mut bytes = files.get(quote);
    apply("quote", name, &mut bytes, op);
    apply("cut", name, &mut bytes, op);
    let mut set = HashMap::new();
    for item in ITEMS {
        let mut document = files.get(&format!("{folder}/{item}"));
        apply(item, name, &mut document, op);
        set.insert(item, document);
    }
    let mut c = collateral(set)?;
    let chain = format!("{folder}/pck_chain.pem");
    if std::path::Path::new(&chain).exists() {
        c.pck_certificate_chain = Some(text(files.get(&chain))?);
    }
    QuoteVerifier::new(files.get(root))
        .verify(&bytes, &c, at.parse().expect(name))
        .map_err(|e| format!("{e:#}"))
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut files = Files::default();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("stdin");
        let name = line.split('\t').next().unwrap_or("");
        let mut kept = std::mem::take(&mut files);
        let answer = catch_unwind(std::panic::AssertUnwindSafe(|| judge(&mut kept, &line)));
        files = kept;
        let verdict = match answer {
            Ok(Ok(report)) => {
                let mut ids = report.advisory_ids.clone();
                ids.sort();
                format!("ok\t{}\t{}", report.status, ids.join(","))
            }
            Ok(Err(why)) => format!("refused\t{}\t", why.replace(|c: char| c.is_control(), " ")),
            Err(_) => "panicked\t\t".to_string(),
        };
        writeln!(out, "{name}\t{verdict}").expect("stdout");
    }
}
