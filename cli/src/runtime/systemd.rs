//! The engine as a systemd service: of the system when we are root, of the user otherwise.

use std::process::{Command, Stdio};

use bundle_spec::text::Name;
use camino::{Utf8Path, Utf8PathBuf};

use super::RuntimeError;
use crate::site::{InstallDir, durable};

const SYSTEM_UNIT: &str = include_str!("../../../templates/systemd/rivet-engine.service");
const USER_UNIT: &str = include_str!("../../../templates/systemd/rivet-engine.user.service");

/// The unit of one install.
#[derive(Debug)]
pub(crate) struct Unit {
    name: String,
    path: Utf8PathBuf,
    of_the_system: bool,
}

/// Whether a systemd that we may use runs this host.
pub(crate) fn is_available() -> bool {
    let of_the_system = rustix::process::geteuid().is_root();
    Utf8Path::new("/run/systemd/system").is_dir()
        && (of_the_system || systemctl(false, &["show-environment"]).is_ok())
}

impl Unit {
    /// The unit of `install`, whether it is there or not; none where there is no place for it.
    pub(crate) fn of(install: &Name) -> Option<Self> {
        let of_the_system = rustix::process::geteuid().is_root();
        let dir = if of_the_system { "/etc/systemd/system".into() } else { user_units()? };
        let name = format!("rivet-{install}.service");
        Some(Self { path: dir.join(&name), name, of_the_system })
    }

    /// Whether it was installed.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Its name, for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Writes the unit and has it running `command`, now and after a restart of the host.
    pub(crate) fn start(
        &self,
        install: &InstallDir,
        command: &[String],
    ) -> Result<(), RuntimeError> {
        let text = render(install, command, self.of_the_system)?;
        if let Some(dir) = self.path.parent() {
            std::fs::create_dir_all(dir)
                .map_err(crate::error::FileError::on("create directory", dir))?;
        }
        durable::write(&self.path, text.as_bytes(), durable::READABLE_FILE)?;
        systemctl(self.of_the_system, &["daemon-reload"])?;
        systemctl(self.of_the_system, &["enable", "--quiet", &self.name])?;
        systemctl(self.of_the_system, &["restart", &self.name])
    }

    /// Restarts the engine.
    pub(crate) fn restart(&self) -> Result<(), RuntimeError> {
        systemctl(self.of_the_system, &["restart", &self.name])
    }

    /// Whether systemd says that it runs.
    pub(crate) fn is_active(&self) -> bool {
        systemctl(self.of_the_system, &["is-active", "--quiet", &self.name]).is_ok()
    }

    /// Stops and removes the unit; fine when it is gone.
    pub(crate) fn remove(&self) -> Result<(), RuntimeError> {
        if self.exists() {
            systemctl(self.of_the_system, &["disable", "--quiet", "--now", &self.name])?;
            durable::remove_file(&self.path)?;
            systemctl(self.of_the_system, &["daemon-reload"])?;
        }
        Ok(())
    }

    /// Gives the journal of the unit to this process's standard output.
    pub(crate) fn journal(&self, tail: &str, follow: bool) -> Result<(), RuntimeError> {
        let mut command = Command::new("journalctl");
        let scope = if self.of_the_system { "--unit" } else { "--user-unit" };
        command.args([scope, &self.name, "--no-pager", "--output", "cat", "--lines", tail]);
        if follow {
            command.arg("--follow");
        }
        let ended = command.stdin(Stdio::null()).status();
        ended
            .map(|_| ())
            .map_err(|source| RuntimeError::Spawn { program: "journalctl".into(), source })
    }
}

/// Fills in the template. Everything that comes from a path is quoted.
fn render(
    install: &InstallDir,
    command: &[String],
    of_the_system: bool,
) -> Result<String, RuntimeError> {
    let quoted: Vec<String> = command.iter().map(|word| quote(word)).collect::<Result<_, _>>()?;
    let target = if of_the_system { "multi-user.target" } else { "default.target" };
    let unit = if of_the_system { SYSTEM_UNIT } else { USER_UNIT };
    Ok(unit
        .replace("@NAME@", install.name().as_str())
        .replace("@COMMAND@", &quoted.join(" "))
        .replace("@DATA@", &quote(install.data().as_str())?)
        .replace("@TARGET@", target))
}

/// One word of a unit file, where `%` starts a specifier; `$` is not treated alike in every line.
fn quote(word: &str) -> Result<String, RuntimeError> {
    if word.chars().any(|c| c.is_control() || matches!(c, '@' | '$')) {
        return Err(RuntimeError::AwkwardPath { path: word.to_owned(), place: "a systemd unit" });
    }
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    Ok(format!("\"{escaped}\""))
}

fn user_units() -> Option<Utf8PathBuf> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| value.starts_with('/'));
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(format!("{}/.config", set("HOME")?)))?;
    Some(Utf8PathBuf::from(config).join("systemd/user"))
}

fn systemctl(of_the_system: bool, arguments: &[&str]) -> Result<(), RuntimeError> {
    let output = Command::new("systemctl")
        .args((!of_the_system).then_some("--user"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| RuntimeError::Spawn { program: "systemctl".into(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(RuntimeError::Systemctl { action: arguments.join(" "), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_break_out_of_its_word() {
        assert_eq!(quote("/a b").unwrap(), "\"/a b\"");
        assert_eq!(quote("/a\"%hx\\").unwrap(), "\"/a\\\"%%hx\\\\\"");
        assert!(quote("/a\nExecStartPre=/bin/x").is_err());
        assert!(quote("/$HOME").is_err());
    }

    #[test]
    fn nothing_of_the_units_template_is_left_unfilled() {
        let site = camino_tempfile::tempdir().unwrap();
        let install = crate::site::tests::site_at(site.path()).install(&"notes".parse().unwrap());
        let command = ["/x/rivet-engine".to_owned(), "start".to_owned()];

        for of_the_system in [true, false] {
            let unit = render(&install, &command, of_the_system).unwrap();

            assert!(unit.contains("ExecStart=\"/x/rivet-engine\" \"start\"\n"));
            assert!(!unit.contains('@'), "{unit}");
        }
    }
}
