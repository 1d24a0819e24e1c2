//! `rivetctl man`: the manual pages, made from the same text as `--help`.

use camino::Utf8PathBuf;
use clap::CommandFactory as _;
use serde::Serialize;

use crate::{
    Cli,
    error::{FileError, Outcome},
    output::{Output, Report},
};

/// Print the manual page, or write one page per command into a directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory for all pages; it must exist
    #[arg(long, value_name = "DIR")]
    out: Option<Utf8PathBuf>,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let mut command = Cli::command();
    command.build();
    let Some(dir) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(FileError::on("render", "the page"))?;
        return out.raw(&page);
    };
    let mut pages = Vec::new();
    write(&command, "rivetctl", dir, &mut pages)?;
    out.report(&Written { pages })
}

/// Writes the page of a command and those of the commands below it.
fn write(
    command: &clap::Command,
    name: &str,
    dir: &Utf8PathBuf,
    pages: &mut Vec<Utf8PathBuf>,
) -> Outcome {
    let path = dir.join(format!("{name}.1"));
    let titled = clap_mangen::Man::new(command.clone().display_name(name)).title(name);
    let mut page = Vec::new();
    titled.render(&mut page).map_err(FileError::on("render", &path))?;
    std::fs::write(&path, page).map_err(FileError::on("write", &path))?;
    pages.push(path);
    for below in
        command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        write(below, &format!("{name}-{}", below.get_name()), dir, pages)?;
    }
    Ok(())
}

#[derive(Debug, Serialize)]
struct Written {
    pages: Vec<Utf8PathBuf>,
}

impl Report for Written {
    fn human(&self) -> String {
        self.pages.iter().map(|page| page.as_str()).collect::<Vec<_>>().join("\n")
    }
}
