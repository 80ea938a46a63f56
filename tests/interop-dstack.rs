//! What dstack's Rust SDK can call, and what its Attest gives, read by the libraries that
//! dstack's verifier reads it with; for interop-dstack.
use dstack_sdk::dstack_client::{DstackClient, TlsKeyConfig};
use dstack_sdk::tappd_client::TappdClient;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha384};

#[derive(Serialize, Deserialize)]
struct Event {
    imr: u32,
    event_type: u32,
    #[serde(with = "serde_human_bytes", default)]
    digest: Vec<u8>,
    event: String,
    #[serde(with = "serde_human_bytes")]
    event_payload: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Said {
    event: String,
    #[serde(with = "serde_human_bytes::base64")]
    payload: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "data")]
enum Platform {
    #[serde(rename = "tdx")]
    Tdx { quote: Vec<u8>, event_log: Vec<Event> },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "data")]
enum Stack {
    #[serde(rename = "dstack")]
    Dstack { report_data: Vec<u8>, runtime_events: Vec<Said>, config: String },
}

#[derive(Serialize, Deserialize)]
struct Attestation {
    version: u64,
    platform: Platform,
    stack: Stack,
}

/// RTMR3 as the events that are told lead to it.
fn replay(events: &[Said]) -> Vec<u8> {
    events.iter().fold(vec![0; 48], |register, e| {
        let mut event = Sha384::new();
        event.update(0x0800_0001u32.to_le_bytes());
        event.update(format!(":{}:", e.event));
        event.update(&e.payload);
        Sha384::new().chain_update(register).chain_update(event.finalize()).finalize().to_vec()
    })
}

fn check_attestation(bytes: &[u8], wanted: &[u8]) {
    let read: Attestation = rmp_serde::from_slice(bytes).expect("an attestation");
    assert_eq!(rmp_serde::to_vec_named(&read).unwrap(), bytes);
    assert_eq!(read.version, 1);
    let Platform::Tdx { quote, event_log } = &read.platform;
    let Stack::Dstack { report_data, runtime_events, config } = &read.stack;
    assert_eq!(&report_data[..wanted.len()], wanted);
    assert_eq!(report_data.len(), 64);
    let parsed = dcap_qvl::quote::Quote::parse(quote).expect("a quote");
    let report = parsed.report.as_td10().expect("a TD's report");
    assert_eq!(report.report_data[..], report_data[..]);
    assert_eq!(report.rt_mr3[..], replay(runtime_events)[..]);
    let said: Vec<_> = event_log.iter().filter(|e| e.imr == 3).collect();
    assert_eq!(said.len(), runtime_events.len());
    assert!(said.iter().zip(runtime_events).all(|(a, b)| a.event == b.event));
    assert_eq!(config, "");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = DstackClient::new(None);
    check_attestation(&client.attest(b"test".to_vec()).await?.decode_attestation()?, b"test");
    client.emit_event("interop-rust".into(), b"payload".to_vec()).await?;
    check_attestation(&client.attest(b"after".to_vec()).await?.decode_attestation()?, b"after");
    let key = client.get_key(Some("/a".into()), Some("p".into())).await?;
    let account = dstack_sdk::ethereum::to_account(&key)?;
    assert_eq!(account.to_bytes()[..], key.decode_key()?[..]);
    let config = TlsKeyConfig::builder().subject("x.example").usage_ra_tls(true).build();
    assert_eq!(client.get_tls_key(config).await?.certificate_chain.len(), 2);
    let tappd = TappdClient::new(None);
    let one = tappd.derive_key("/a").await?.decode_key()?;
    assert_eq!(one, tappd.derive_key("/a").await?.decode_key()?);
    assert_ne!(one, tappd.derive_key("/b").await?.decode_key()?);
    let raw = tappd.get_quote(vec![7; 64]).await?;
    assert_eq!(raw.decode_quote()?[568..632], [7; 64]);
    println!("every call of the SDK was answered as it expects");
    Ok(())
}
