//! Tells the engine which build it is, packs the dashboard's files, and has the program stripped and packed. Nothing
//! that would differ between two builds of one source.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, GzBuilder};

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
    // A program that may be loaded anywhere lists the places it has to correct: 45,000 of them, in 24
    // bytes each or, this way, in a bit. The C library does the correcting, from glibc 2.36 on.
    println!("cargo::rustc-link-arg-bins=-Wl,--pack-dyn-relocs=relr");
    pack_dashboard(Path::new("dashboard/dist"))
        .expect("the dashboard's files are in engine/dashboard/dist and can be packed");
}

/// Compresses every file of `dist`, and writes the table `FILES` that `src/dashboard.rs` includes.
fn pack_dashboard(dist: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", dist.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut names = Vec::new();
    for entry in fs::read_dir(dist)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    // The page is found by no name at all, and so comes first.
    let shown = |name: &str| if name == "index.html" { String::new() } else { name.to_owned() };
    names.sort_by_key(|name| shown(name));
    let mut table = fs::File::create(out.join("dashboard.rs"))?;
    writeln!(table, "static FILES: &[File] = &[")?;
    for name in names {
        let packed = format!("/{name}.gz");
        let target = fs::File::create(out.join(&packed[1..]))?;
        // Neither a name nor a time goes into the header: the same bytes every time.
        let mut gzip = GzBuilder::new().write(target, Compression::best());
        gzip.write_all(&fs::read(dist.join(&name))?)?;
        gzip.finish()?;
        let (file, media_type) = (shown(&name), media_type(&name));
        let gzip = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), {packed:?}))");
        writeln!(table, "File {{ name: {file:?}, media_type: {media_type:?}, gzip: {gzip} }},")?;
    }
    writeln!(table, "];")
}

fn media_type(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => panic!("{name} is of no kind that the dashboard has"),
    }
}

/// `1.95.0` out of `rustc 1.95.0 (…)`.
fn rustc_version() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = text.ok().and_then(|text| text.split_whitespace().nth(1).map(str::to_owned));
    version.unwrap_or_else(|| "unknown".to_owned())
}
