//! `rivetctl logs`: what the engine and the product's services say.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use bundle_spec::text::Name;
use camino::Utf8Path;

use crate::{
    error::{FileError, Outcome},
    install::operate::{Installed, Keeper},
    output::Output,
    runtime::{RuntimeError, supervise},
    site::SiteArgs,
};

/// How often a followed file is looked at.
const POLL: Duration = Duration::from_millis(300);

/// How much of a file's end is searched for its last lines.
const TAIL_BYTES: u64 = 4 << 20;

/// Show what an install's services say.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The install, as `status` shows it
    name: Name,

    /// One service [default: all]
    service: Option<String>,

    /// Go on until interrupted
    #[arg(long, short)]
    follow: bool,

    /// Begin with this many of the last lines [default: all]
    #[arg(long, value_name = "LINES")]
    tail: Option<u32>,

    #[command(flatten)]
    site: SiteArgs,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let installed = Installed::open(site.existing(&args.name)?)?;
    let tail = args.tail.map_or("all".to_owned(), |lines| lines.to_string());
    let Some(containers) = installed.containers() else {
        only_engine(args)?;
        return match installed.keeper() {
            Keeper::Systemd(unit) => Ok(unit.journal(&tail, args.follow)?),
            Keeper::Supervisor(_) => file(args, &supervise::log_file(installed.dir.path()), out),
        };
    };
    let mut services = containers.list()?;
    if let Some(wanted) = &args.service {
        let known: Vec<&str> =
            services.iter().map(|container| container.service.as_str()).collect();
        if !known.contains(&wanted.as_str()) {
            return Err(unknown(wanted, &known.join(", ")).into());
        }
        services.retain(|container| container.service == *wanted);
    }
    let width = services.iter().map(|container| container.service.len()).max().unwrap_or(0);
    let named = services.len() > 1;
    let mut failed = None;
    containers.logs(&services, &tail, args.follow, &mut |service, line| {
        let mut whole =
            if named { format!("{service:<width$} | ").into_bytes() } else { Vec::new() };
        whole.extend_from_slice(line);
        if !whole.ends_with(b"\n") {
            whole.push(b'\n');
        }
        failed = out.raw(&whole).err();
        failed.is_none()
    })?;
    failed.map_or(Ok(()), Err)
}

fn only_engine(args: &Args) -> Result<(), RuntimeError> {
    match &args.service {
        Some(wanted) if wanted != crate::compose::ENGINE_SERVICE => {
            Err(unknown(wanted, crate::compose::ENGINE_SERVICE))
        }
        _ => Ok(()),
    }
}

fn unknown(wanted: &str, known: &str) -> RuntimeError {
    RuntimeError::UnknownService { service: wanted.to_owned(), known: known.to_owned() }
}

/// Prints a log file, and with `--follow` what is added to it, also after it was moved aside.
fn file(args: &Args, path: &Utf8Path, out: &mut Output) -> Outcome {
    let unreadable = || FileError::on("read", path);
    let mut file = File::open(path).map_err(unreadable())?;
    let length = file.metadata().map_err(unreadable())?.len();
    if let Some(lines) = args.tail {
        let begin = length.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(begin)).map_err(unreadable())?;
        let mut end = Vec::new();
        file.read_to_end(&mut end).map_err(unreadable())?;
        out.raw(last_lines(&end, lines))?;
    }
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer).map_err(unreadable())?;
        if read > 0 {
            out.raw(&buffer[..read])?;
            continue;
        }
        if !args.follow {
            return Ok(());
        }
        std::thread::sleep(POLL);
        let position = file.stream_position().map_err(unreadable())?;
        // A shorter file of this name is a new one.
        if std::fs::metadata(path).is_ok_and(|found| found.len() < position) {
            file = File::open(path).map_err(unreadable())?;
        }
    }
}

fn last_lines(text: &[u8], lines: u32) -> &[u8] {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let breaks =
        body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    match (lines as usize).checked_sub(1).and_then(|skip| breaks.into_iter().nth(skip)) {
        Some(at) => &text[at + 1..],
        None if lines == 0 => &[],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_whole_lines() {
        assert_eq!(last_lines(b"a\nb\nc\n", 2), b"b\nc\n");
        assert_eq!(last_lines(b"a\nb\nc", 1), b"c");
        assert_eq!(last_lines(b"a\n", 5), b"a\n");
        assert_eq!(last_lines(b"a\n", 0), b"");
    }
}
