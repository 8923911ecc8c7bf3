// SPDX-License-Identifier: MIT
//! The workload on Tokio: a program of the event protocol that `pinion` starts and measures.
#![forbid(unsafe_code)]

mod bench;
mod bytes;
mod collector;
mod design;
mod engine;
mod events;
mod failure;
mod generator;
mod histogram;
mod inspect;
mod job;
mod json;
mod machine;
mod modes;
mod pace;
mod params;
mod port;
mod probe;
mod producer;
mod recovery;
mod summary;
mod supervise;
mod tally;
mod worker;

use bench::Bench;
use design::Design;
use params::Params;
use std::process::ExitCode;

const USAGE: &str = "usage: pinion-peer-tokio run [--design tokio[:MODE][+key=value]] [--json] \
                     [--summary] [--stdin-go] [--inspect MS] [key=value]... | about | unit | \
                     touch [payload=B] [alloc=A]";

fn run(args: &[String]) -> Result<u8, String> {
    let mut params = Params::default();
    let mut design = String::from("tokio:tuned");
    let mut options = engine::Options {
        summary_only: false,
        stdin_go: false,
        inspect_ms: None,
    };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--json" => {}
            "--summary" => options.summary_only = true,
            "--stdin-go" => options.stdin_go = true,
            "--inspect" => {
                let ms = rest.next().and_then(|ms| ms.parse().ok());
                let ms = ms.filter(|ms| (1..=60_000).contains(ms));
                options.inspect_ms = Some(ms.ok_or("--inspect: milliseconds, 1 to 60000")?);
            }
            "--design" => {
                let value = rest.next().ok_or("--design needs a value")?;
                design.clone_from(value);
            }
            other => match other.strip_prefix("--design=") {
                Some(value) => design = value.to_string(),
                None if other.starts_with('-') => {
                    return Err(format!("no option '{other}'; {USAGE}"))
                }
                None => params.set(other)?,
            },
        }
    }
    params.check()?;
    let design = Design::parse(&design)?;
    design.check(&params)?;
    let cores = match params.cores {
        0 => machine::cpus(),
        n => n as usize,
    };
    let bench = Bench::new(params, design, cores, !options.summary_only);
    Ok(engine::run(bench, &options))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.first().map(String::as_str) {
        Some("run") => run(&args[1..]),
        Some("about") => {
            probe::about();
            Ok(0)
        }
        Some("unit") => {
            probe::unit();
            Ok(0)
        }
        Some("touch") => probe::touch(&args[1..]).map(|()| 0),
        _ => Err(USAGE.to_string()),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(line) => {
            eprintln!("pinion-peer-tokio: {line}");
            ExitCode::from(2)
        }
    }
}
