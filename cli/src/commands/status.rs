//! `rivetctl status`: how the installs of this host are.

use bundle_spec::text::Name;
use serde::Serialize;

use crate::{
    error::{Class, Explain, Outcome},
    install::operate::{Installed, Keeper},
    output::{Output, Report},
    runtime::containers::Container,
    site::{
        InstallDir, SiteArgs, SiteError, audit, now,
        state::{InstallState, Runtime},
        timestamp,
    },
};

/// Show how an install is, or all of them. Exit status 6 when one is not well.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The install [default: all]
    name: Option<Name>,

    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Debug, thiserror::Error)]
enum StatusError {
    #[error("not well: {names}")]
    Unwell { names: String },
}

impl Explain for StatusError {
    fn class(&self) -> Class {
        Class::Health
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "RCTL-UNWELL".into()
    }

    fn advice(&self) -> String {
        "`rivetctl logs NAME` shows what happened; running the install command again repairs what is missing.".into()
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let dirs = match &args.name {
        Some(name) => vec![site.existing(name)?],
        None => site.installs()?,
    };
    // A broken log is a finding about the host, not about an install: it is said, not fatal.
    match audit::check(&site.audit_log()) {
        Ok(_) => (),
        Err(error @ SiteError::AuditBroken { .. }) => out.warn(&error.to_string()),
        Err(error) => return Err(error.into()),
    }
    let installs = dirs.into_iter().map(look).collect::<Outcome<Vec<_>>>()?;
    let unwell: Vec<String> = installs
        .iter()
        .filter(|install| !install.is_well)
        .map(|install| install.name.to_string())
        .collect();
    if !unwell.is_empty() {
        // The facts are part of the answer even when the answer is no.
        let failure = StatusError::Unwell { names: unwell.join(", ") };
        return out.report_failed(&Statuses { installs }, failure.into());
    }
    out.report(&Statuses { installs })
}

fn look(dir: InstallDir) -> Outcome<Status> {
    let missing =
        || SiteError::Damaged { path: dir.state_file(), reason: "it is not there".into() };
    let state = InstallState::load(&dir)?.ok_or_else(missing)?;
    let mut findings = Vec::new();
    if state.removing {
        findings.push("its removal was begun and not finished".to_owned());
    } else if !state.complete {
        let last = state.done.last().map_or("none", String::as_str);
        findings.push(format!("its installation is not finished (last step done: {last})"));
    }
    if state.rotation.is_some() {
        findings.push("a token rotation was begun and not finished".to_owned());
    }
    let mut status = Status {
        name: state.name.clone(),
        product: state.product.to_string(),
        channel: state.channel.to_string(),
        version: state.version.to_string(),
        release_seq: state.release_seq,
        bundle_id: state.bundle_id.to_string(),
        generation: state.generation,
        runtime: state.settings.runtime,
        engine: None,
        engine_flavor: state.engine.flavor,
        api: std::net::SocketAddr::new(state.settings.bind, state.settings.port).to_string(),
        namespace: state.settings.namespace.to_string(),
        services: Vec::new(),
        process: None,
        old_tokens_until: Vec::new(),
        findings,
        is_well: false,
    };
    match Installed::open(dir) {
        Ok(installed) => fill(&mut status, &installed)?,
        Err(failure) => status.findings.push(format!("{failure:?}")),
    }
    status.is_well = status.findings.is_empty();
    Ok(status)
}

fn fill(status: &mut Status, installed: &Installed) -> Outcome {
    match installed.api().health() {
        Ok(health) if health.status == "ok" => status.engine = Some(health.version),
        Ok(health) => status.findings.push(format!("the engine says it is {:?}", health.status)),
        Err(error) => status.findings.push(error.to_string()),
    }
    match installed.token() {
        Ok(token) if status.engine.is_some() => match installed.api().probe(Some(&token)) {
            Ok(200) => (),
            Ok(answer) => {
                status.findings.push(format!("the engine answers {answer} to the install's token"));
            }
            Err(error) => status.findings.push(error.to_string()),
        },
        Ok(_) => (),
        Err(failure) => status.findings.push(format!("{failure:?}")),
    }
    if let Some(containers) = installed.containers() {
        status.services = containers.list()?;
        for (service, container) in installed.unwell_services()? {
            let state = container.map_or("not there".to_owned(), |container| {
                format!("{} {}", container.state, container.health.unwrap_or_default())
                    .trim()
                    .to_owned()
            });
            status.findings.push(format!("the service {service} is {state}"));
        }
    } else {
        status.process = Some(match installed.keeper() {
            Keeper::Systemd(unit) => {
                if !unit.is_active() {
                    status.findings.push(format!("{} is not active", unit.name()));
                }
                format!("systemd unit {}", unit.name())
            }
            Keeper::Supervisor(supervised) => {
                let record = supervised.running()?;
                if record.is_none() {
                    status.findings.push("its supervisor does not run".to_owned());
                }
                record.map_or("none".to_owned(), |record| {
                    let engine = record.engine.map_or("not running".to_owned(), |engine| {
                        format!("process {}", engine.pid)
                    });
                    let (supervisor, restarts) = (record.supervisor.pid, record.restarts);
                    format!("supervisor {supervisor}, engine {engine}, {restarts} restarts")
                })
            }
        });
    }
    let until = installed.tokens().expiries()?;
    let current = now() * 1000;
    status.old_tokens_until = until
        .into_iter()
        .filter(|until| *until > current)
        .map(|until| timestamp(until / 1000))
        .collect();
    Ok(())
}

#[derive(Debug, Serialize)]
struct Statuses {
    installs: Vec<Status>,
}

#[derive(Debug, Serialize)]
struct Status {
    name: Name,
    product: String,
    channel: String,
    version: String,
    release_seq: u64,
    bundle_id: String,
    generation: u64,
    runtime: Runtime,
    engine_flavor: bundle_spec::manifest::EngineFlavor,
    /// The version that the engine answers with; none while it does not answer.
    engine: Option<String>,
    api: String,
    namespace: String,
    services: Vec<Container>,
    process: Option<String>,
    /// Until when replaced tokens are still accepted.
    old_tokens_until: Vec<String>,
    /// What is not as it should be.
    findings: Vec<String>,
    is_well: bool,
}

impl Report for Statuses {
    fn human(&self) -> String {
        if self.installs.is_empty() {
            return "nothing is installed".to_owned();
        }
        self.installs.iter().map(Status::human).collect::<Vec<_>>().join("\n")
    }
}

impl Status {
    fn human(&self) -> String {
        let word = if self.is_well { "well" } else { "NOT WELL" };
        let runtime = format!("{:?}", self.runtime).to_lowercase();
        let engine = self.engine.as_deref().unwrap_or("does not answer");
        let mut lines = vec![
            format!("{}: {word}", self.name),
            format!(
                "  product    {} {} (channel {}, release {})",
                self.product, self.version, self.channel, self.release_seq
            ),
            format!("  bundle     {}", self.bundle_id),
            format!("  running    generation {}, runtime {runtime}", self.generation),
            format!("  engine     {engine} at {}, namespace {}", self.api, self.namespace),
        ];
        for service in &self.services {
            let health =
                service.health.as_deref().map(|health| format!(", {health}")).unwrap_or_default();
            let ports = if service.ports.is_empty() {
                String::new()
            } else {
                format!(", {}", service.ports.join(", "))
            };
            lines.push(format!(
                "  service    {} {}{health}, {} restarts{ports}",
                service.service, service.state, service.restarts
            ));
        }
        lines.extend(self.process.iter().map(|process| format!("  process    {process}")));
        lines.extend(
            self.old_tokens_until
                .iter()
                .map(|until| format!("  old token  accepted until {until}")),
        );
        lines.extend(self.findings.iter().map(|finding| format!("  finding    {finding}")));
        lines.join("\n")
    }
}
