//! Running `docker compose` (v2) or `docker-compose` (v1), whichever answers.
//!
//! Secrets and values reach it only as environment of the child, whose environment is otherwise
//! empty: nothing that the caller exported (another `COMPOSE_FILE`, a remote `DOCKER_HOST`)
//! changes what it does.

use std::process::{Command, Stdio};

use camino::Utf8Path;

use super::RuntimeError;
use crate::{install::InstallError, site::secret::Secret};

/// Oldest version that reads a Compose file without a version number.
const OLDEST: (u32, u32) = (1, 27);

/// What of the caller's environment the child keeps.
const KEPT: [&str; 4] = ["PATH", "HOME", "DOCKER_CONFIG", "TMPDIR"];

/// The Compose program of this host.
#[derive(Debug, Clone)]
pub(crate) struct Compose {
    program: &'static str,
    first_argument: Option<&'static str>,
    version: String,
    socket: String,
}

/// One variable for Compose to fill in.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// Its value, treated like a secret in any case.
    pub(crate) value: Secret,
    /// Whether it has to be kept out of messages.
    pub(crate) confidential: bool,
}

impl Compose {
    /// Finds the program that is to talk to the daemon at `socket`.
    pub(crate) fn find(socket: &str) -> Result<Self, InstallError> {
        let mut old = None;
        for (program, first_argument) in [("docker", Some("compose")), ("docker-compose", None)] {
            let candidate =
                Self { program, first_argument, version: String::new(), socket: socket.to_owned() };
            let Ok(output) = candidate.command().args(["version", "--short"]).output() else {
                continue;
            };
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            match parse_version(&version) {
                Some(found) if output.status.success() && found >= OLDEST => {
                    return Ok(Self { version, ..candidate });
                }
                Some(_) if output.status.success() => {
                    old = old.or(Some(InstallError::ComposeOld {
                        program: candidate.name(),
                        found: version,
                    }));
                }
                _ => (),
            }
        }
        Err(old.unwrap_or(InstallError::ComposeAbsent))
    }

    /// The program as a person would type it.
    pub(crate) fn name(&self) -> String {
        match self.first_argument {
            Some(argument) => format!("{} {argument}", self.program),
            None => self.program.to_owned(),
        }
    }

    /// Its version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Brings up the named services of the project rendered in `generation`, or all of them.
    pub(crate) fn up(
        &self,
        project: &str,
        generation: &Utf8Path,
        variables: &[Variable],
        services: &[&str],
    ) -> Result<(), RuntimeError> {
        let mut command = self.command();
        command
            .args(["--project-name", project, "--project-directory", generation.as_str()])
            .args(["--file", generation.join("compose.yaml").as_str()])
            .args(["up", "--detach", "--no-build"])
            .args(services);
        for variable in variables {
            command.env(&variable.name, variable.value.expose());
        }
        let output = command
            .output()
            .map_err(|source| RuntimeError::Spawn { program: self.program.to_owned(), source })?;
        if output.status.success() {
            return Ok(());
        }
        Err(RuntimeError::Compose {
            program: self.name(),
            action: "up".into(),
            status: output.status.to_string(),
            said: last_words(&output.stderr, variables),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.env_clear().stdin(Stdio::null());
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("DOCKER_HOST", format!("unix://{}", self.socket));
        command.args(self.first_argument);
        command
    }
}

/// The end of what a program said, on one line, without secrets and escapes.
fn last_words(output: &[u8], variables: &[Variable]) -> String {
    let mut text = String::from_utf8_lossy(output).into_owned();
    for variable in variables.iter().filter(|variable| variable.confidential) {
        text = text.replace(variable.value.expose(), "***");
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(4)..].join("; ");
    let last: String = last.chars().filter(|c| !c.is_control()).collect();
    if last.is_empty() { "it said nothing".to_owned() } else { last }
}

/// The first two numbers of a version like `2.26.1-4` or `v2.3`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_of_compose_are_told_apart_from_too_old_ones() {
        assert!(parse_version("2.26.1-4") >= Some(OLDEST));
        assert!(parse_version("v2.3.3") >= Some(OLDEST));
        assert!(parse_version("1.29.2") >= Some(OLDEST));
        assert!(parse_version("1.25.0") < Some(OLDEST));
        assert_eq!(parse_version("unknown"), None);
    }

    #[test]
    fn a_secret_in_what_compose_says_is_blotted_out() {
        let token = Variable {
            name: "RIVET_TOKEN".into(),
            value: Secret::from_text("rvt_abcdefgh".into()),
            confidential: true,
        };

        let said = last_words(b"one\n\nbad value rvt_abcdefgh\x1b[31m\n", &[token]);

        assert_eq!(said, "one; bad value ***[31m");
    }
}
