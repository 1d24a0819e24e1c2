//! Whether an executable runs on its own: a 64-bit ELF file for the right processor, without an
//! interpreter. Everything else would fail on the installing host, where nobody can rebuild it.

use std::io::Read as _;

use bundle_spec::manifest::Platform;

use super::EngineError;
use crate::{error::FileError, produce::located::Located};

/// Program headers are at the start of every executable that linkers write.
const HEAD: u64 = 64 * 1024;

const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PT_INTERP: u32 = 3;

/// Checks the executable at `located`.
pub(super) fn check(located: &Located, platform: Platform) -> Result<(), EngineError> {
    let mut head = Vec::new();
    located
        .open()
        .and_then(|file| file.take(HEAD).read_to_end(&mut head))
        .map_err(FileError::on("read", &located.path))?;
    judge(&head, platform).map_err(|found| EngineError::Elf {
        path: located.path.clone(),
        found,
        expected: platform,
    })
}

/// What is wrong with a file that starts with `head`.
fn judge(head: &[u8], platform: Platform) -> Result<(), String> {
    if !head.starts_with(b"\x7fELF") {
        let shebang = head.starts_with(b"#!");
        return Err(if shebang { "a script" } else { "not an ELF file" }.to_owned());
    }
    if head.get(4) != Some(&2) || head.get(5) != Some(&1) {
        return Err("not a 64-bit little-endian ELF file".to_owned());
    }
    let cut = || "a cut ELF file".to_owned();
    let machine = u16_at(head, 18).ok_or_else(cut)?;
    let expected = match platform {
        Platform::LinuxAmd64 => EM_X86_64,
        Platform::LinuxArm64 => EM_AARCH64,
    };
    if machine != expected {
        return Err(format!("an ELF file for {}", machine_name(machine)));
    }
    let kind = u16_at(head, 16).ok_or_else(cut)?;
    let entry = u64_at(head, 24).ok_or_else(cut)?;
    if !matches!(kind, ET_EXEC | ET_DYN) || entry == 0 {
        return Err("an ELF file that is not an executable".to_owned());
    }
    match interpreter(head).ok_or_else(cut)? {
        Loader::None => Ok(()),
        Loader::Path(path) => Err(format!("dynamically linked: it needs {path}")),
    }
}

/// Who has to start the file.
enum Loader {
    /// The kernel alone.
    None,
    /// A program that has to be there as well.
    Path(String),
}

/// The dynamic loader that the file asks for; none when the headers are cut.
fn interpreter(head: &[u8]) -> Option<Loader> {
    let table = usize::try_from(u64_at(head, 32)?).ok()?;
    let entry_size = usize::from(u16_at(head, 54)?);
    let count = usize::from(u16_at(head, 56)?);
    for index in 0..count {
        let at = table.checked_add(index.checked_mul(entry_size)?)?;
        let kind = u32::from_le_bytes(*head.get(at..)?.first_chunk()?);
        let offset = u64_at(head, at.checked_add(8)?)?;
        let size = u64_at(head, at.checked_add(32)?)?;
        if kind == PT_INTERP {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
            let path = head.get(start..end).map(String::from_utf8_lossy).unwrap_or_default();
            let path = path.trim_end_matches('\0').escape_default().to_string();
            return Some(Loader::Path(if path.is_empty() { "a loader".to_owned() } else { path }));
        }
    }
    Some(Loader::None)
}

fn machine_name(machine: u16) -> String {
    match machine {
        3 => "32-bit x86".to_owned(),
        40 => "32-bit ARM".to_owned(),
        EM_X86_64 => "x86-64".to_owned(),
        EM_AARCH64 => "ARM64".to_owned(),
        243 => "RISC-V".to_owned(),
        other => format!("machine {other}"),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A static executable without code: header and one program header.
    fn executable(machine: u16, segment: u32) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[16..18].copy_from_slice(&ET_DYN.to_le_bytes());
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file[24..32].copy_from_slice(&0x1000_u64.to_le_bytes());
        file[32..40].copy_from_slice(&64_u64.to_le_bytes());
        file[54..56].copy_from_slice(&56_u16.to_le_bytes());
        file[56..58].copy_from_slice(&1_u16.to_le_bytes());
        file[64..68].copy_from_slice(&segment.to_le_bytes());
        file[64 + 8..64 + 16].copy_from_slice(&120_u64.to_le_bytes());
        let loader = b"/lib64/ld-linux-x86-64.so.2\0";
        file[64 + 32..64 + 40].copy_from_slice(&(loader.len() as u64).to_le_bytes());
        file.extend_from_slice(loader);
        file
    }

    #[test]
    fn a_static_executable_for_the_platform_is_accepted() {
        assert_eq!(judge(&executable(EM_X86_64, 1), Platform::LinuxAmd64), Ok(()));
        assert_eq!(judge(&executable(EM_AARCH64, 1), Platform::LinuxArm64), Ok(()));
    }

    #[test]
    fn a_dynamic_executable_is_refused_with_its_loader() {
        let found = judge(&executable(EM_X86_64, PT_INTERP), Platform::LinuxAmd64).unwrap_err();
        assert_eq!(found, "dynamically linked: it needs /lib64/ld-linux-x86-64.so.2");
    }

    #[test]
    fn an_executable_for_another_processor_is_refused() {
        let found = judge(&executable(EM_AARCH64, 1), Platform::LinuxAmd64).unwrap_err();
        assert_eq!(found, "an ELF file for ARM64");
    }

    #[test]
    fn what_is_no_executable_is_refused() {
        let good = executable(EM_X86_64, 1);
        let mut library = good.clone();
        library[24..32].fill(0);
        let mut narrow = good.clone();
        narrow[4] = 1;
        for head in [&b"#!/bin/sh"[..], b"", b"\x7fELF", &good[..100], &library, &narrow] {
            assert!(judge(head, Platform::LinuxAmd64).is_err());
        }
    }
}
