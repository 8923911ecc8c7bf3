// SPDX-License-Identifier: MIT
//! The versions that are linked, from the lock file, and the compiler's.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = std::fs::read_to_string("Cargo.lock").expect("Cargo.lock");
    for (package, variable) in [("tokio", "TOKIO_VERSION"), ("kanal", "KANAL_VERSION")] {
        let name = format!("name = \"{package}\"");
        let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
        let version = lines
            .next()
            .and_then(|line| line.split('"').nth(1))
            .expect("its version");
        println!("cargo:rustc-env={variable}={version}");
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let said = Command::new(rustc).arg("--version").output();
    let said = said.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    let version = said
        .ok()
        .and_then(|s| s.split(' ').nth(1).map(String::from));
    println!(
        "cargo:rustc-env=RUSTC_VERSION={}",
        version.unwrap_or_else(|| "unknown".into())
    );
}
