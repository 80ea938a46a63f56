//! dcapspeed QUOTE COLLATERAL.json AT MS
//!
//! Verifies the quote with dcap-qvl (ring) for MS milliseconds of CPU time and
//! prints microseconds for one verification.  The collateral is in dcap-qvl's
//! own JSON form, read before the clock starts.

use std::{env, error::Error, fs};

use dcap_qvl::{verify::ring, QuoteCollateralV3};

fn cpu_us() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };

    // SAFETY: 't' is a timespec of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 * 1e6 + t.tv_nsec as f64 * 1e-3
}

fn verify_for(us: f64, quote: &[u8], collateral: &QuoteCollateralV3, at: u64) -> Result<f64, Box<dyn Error>> {
    let from = cpu_us();
    let mut count = 0.0;

    loop {
        let report = ring::verify(quote, collateral, at).map_err(|e| format!("{e:#}"))?;
        if report.status != "UpToDate" {
            return Err(format!("status {}", report.status).into());
        }
        count += 1.0;
        let used = cpu_us() - from;
        if used >= us {
            return Ok(used / count);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    let [_, quote, collateral, at, ms] = args.as_slice() else {
        return Err("usage: dcapspeed QUOTE COLLATERAL.json AT MS".into());
    };
    let quote = fs::read(quote)?;
    let collateral: QuoteCollateralV3 = serde_json::from_slice(&fs::read(collateral)?)?;
    let us = ms.parse::<f64>()? * 1000.0;

    verify_for(us / 10.0, &quote, &collateral, at.parse()?)?; // warm
    println!("{:.3}", verify_for(us, &quote, &collateral, at.parse()?)?);
    Ok(())
}
