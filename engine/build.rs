//! Tells the engine which build it is. Nothing that would differ between two builds of one source.
//! And has the program stripped.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The release script knows them; a build without it has no commit of its own.
    for (name, source) in
        [("GIT_SHA", "RIVET_GIT_SHA"), ("BUILD_TIMESTAMP", "RIVET_BUILD_TIMESTAMP")]
    {
        println!("cargo::rerun-if-env-changed={source}");
        let value = env::var(source).unwrap_or_else(|_| "unknown".to_owned());
        println!("cargo::rustc-env=RIVET_ENGINE_{name}={value}");
    }
    for name in ["HOST", "TARGET", "PROFILE"] {
        let value = env::var(name).unwrap_or_else(|_| "unknown".to_owned());
        println!("cargo::rustc-env=RIVET_ENGINE_{name}={value}");
    }
    println!("cargo::rustc-env=RIVET_ENGINE_RUSTC_VERSION={}", rustc_version());
    // The profile asks for it, but Cargo forgets that for a package whose codegen units are set.
    println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
}

/// `1.95.0` out of `rustc 1.95.0 (…)`.
fn rustc_version() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = text.ok().and_then(|text| text.split_whitespace().nth(1).map(str::to_owned));
    version.unwrap_or_else(|| "unknown".to_owned())
}
