// SPDX-License-Identifier: MIT
//! The version that is linked, from the lock file.

fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = std::fs::read_to_string("Cargo.lock").expect("Cargo.lock");
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"crossbeam-queue\"").skip(1);
    let version = lines.next().and_then(|line| line.split('"').nth(1)).expect("its version");
    println!("cargo:rustc-env=CROSSBEAM_VERSION={version}");
}
