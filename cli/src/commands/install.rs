//! `rivetctl install`: from a verified bundle to a running, proved install.

use std::{collections::BTreeMap, fs::File, net::IpAddr};

use bundle_spec::{
    manifest::{Manifest, Platform},
    text::Name,
    verify::VerifiedBundle,
};
use camino::Utf8PathBuf;
use serde::Serialize;

use super::verify;
use crate::{
    docker::Daemon,
    error::{Context as _, Outcome},
    install::{
        InstallError,
        execute::{Done, Execution},
        host::{self, HostFacts},
        operate::Installed,
        plan::{self, Intent, Plan, Request},
        render::{Fragments, is_fragment},
        values::{self, Asking, Schema, Values},
    },
    output::{Output, Report},
    runtime::compose::Compose,
    site::{
        InstallDir, Site, SiteArgs, admit,
        history::Floor,
        lock::Lock,
        policy,
        state::{self, EngineState, InstallState, Runtime, Settings},
    },
};

/// Largest template or schema.
const DOCUMENT_MAX: u64 = 4 << 20;

/// Where the API listens unless told otherwise.
const DEFAULT_PORT: u16 = 6420;
const DEFAULT_BIND: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Install a bundle, or finish an install that was interrupted.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The bundle; signatures next to it (BUNDLE.<key>.sshsig) count too
    #[arg(value_name = "BUNDLE")]
    bundle: Utf8PathBuf,

    /// Name of the install [default: the product's name]
    #[arg(long)]
    name: Option<Name>,

    /// Port of the engine's API [default: 6420]
    #[arg(long)]
    port: Option<u16>,

    /// Address at which the API is published [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<IpAddr>,

    /// How the engine is run [default: compose where Docker answers, else binary]
    #[arg(long, value_enum)]
    runtime: Option<Runtime>,

    /// Namespace made for the product [default: the install's name]
    #[arg(long)]
    namespace: Option<Name>,

    /// A value of the product; wins over --values
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// File with the product's values (.json, .yaml, .toml)
    #[arg(long, value_name = "FILE")]
    values: Option<Utf8PathBuf>,

    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    allowances: policy::Allowances,

    #[command(flatten)]
    site: SiteArgs,
}

/// A bundle that was verified, and everything that is decided before the first change.
struct Prepared {
    platform: Platform,
    settings: Settings,
    values: Values,
    fragments: Fragments,
    plan: Plan,
    floor: Floor,
    seen: u64,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let mut bundle = admit::verify(&args.bundle, &site)?;
    let name = args.name.clone().unwrap_or_else(|| bundle.manifest().product.clone());
    let dir = site.install(&name);
    // A first install has nothing to lock, and must not leave a directory behind when refused.
    let mut lock = if !args.dry_run && dir.path().exists() { Some(take(&dir)?) } else { None };
    let mut prepared = prepare(args, &site, &dir, &mut bundle, out)?;
    if args.dry_run || prepared.plan.outcome == Intent::NothingToDo {
        return out.report(&prepared.plan);
    }
    for risk in &prepared.plan.risks {
        out.note(&format!("risk declared by the vendor: {risk}"));
    }
    for note in &prepared.plan.notes {
        out.note(note);
    }
    verify::check_all(&mut bundle, out)?;
    if lock.is_none() {
        site.create()?;
        dir.create()?;
        lock = Some(take(&dir)?);
        // Somebody may have been faster between the look and the lock.
        if dir.state_file().exists() {
            prepared = prepare(args, &site, &dir, &mut bundle, out)?;
        }
    }
    let done = execute(&site, &dir, &mut bundle, &prepared, out).context(|| {
        format!("the install {name} is not finished (run the same command again to continue)")
    })?;
    drop(lock);
    out.report(&InstallReport { plan: prepared.plan, proved: done.proved, receipt: done.receipt })
}

fn take(dir: &InstallDir) -> Outcome<Lock> {
    Ok(Lock::take(&dir.lock_file(), &format!("the install {}", dir.name()))?)
}

/// Judges, gathers and plans. Changes nothing.
fn prepare(
    args: &Args,
    site: &Site,
    dir: &InstallDir,
    bundle: &mut VerifiedBundle<File>,
    out: &mut Output,
) -> Outcome<Prepared> {
    let state = InstallState::load(dir)?;
    let manifest = bundle.manifest().clone();
    let platform = Platform::current().ok_or_else(|| other_platform(&manifest))?;
    let (judgement, notes) = policy::judge(
        site,
        &manifest,
        bundle.bundle_id(),
        bundle.root().document(),
        platform,
        state.as_ref(),
        args.allowances,
    )?;
    verify::warn(out, &judgement, &notes);

    let runtime = args.runtime.or(state.as_ref().map(|state| state.settings.runtime));
    let runtime = runtime.unwrap_or_else(host::default_runtime);
    let schema = match &manifest.config_schema {
        Some(digest) => Schema::parse(&bundle.read_blob(digest, DOCUMENT_MAX)?)?,
        None => Schema::none(),
    };
    let values = values(args, dir, state.as_ref(), &schema)?;
    let fragments = match runtime {
        Runtime::Compose => fragments(&manifest, platform, &schema, bundle)?,
        Runtime::Binary => Fragments::default(),
    };
    let settings = settings(args, dir, state.as_ref(), runtime, &values);
    let (daemon, compose) = match runtime {
        Runtime::Compose => {
            let daemon = Daemon::connect()?;
            let compose = Compose::find(daemon.socket())?;
            (Some(daemon), Some(compose))
        }
        Runtime::Binary => (None, None),
    };
    let published = fragments.published_ports(&values);
    let ports = plan::ports(&settings)?.into_iter().map(|port| port.address);
    let ports: Vec<_> = ports.chain(published.iter().map(|(_, port)| *port)).collect();
    let docker = daemon.as_ref().zip(compose.as_ref());
    let mut facts = HostFacts::gather(dir, docker, manifest.images_for(platform), &ports)?;
    if let Some(state) = state.as_ref().filter(|state| state.complete) {
        let installed = Installed { dir: dir.clone(), state: state.clone(), daemon };
        facts.is_well = installed.is_well();
    }
    let request = Request {
        name: dir.name(),
        manifest: &manifest,
        bundle_id: bundle.bundle_id(),
        settings: &settings,
        published: &published,
    };
    let plan = plan::plan(&request, &facts, state.as_ref())?;
    Ok(Prepared {
        platform,
        settings,
        values,
        fragments,
        plan,
        floor: policy::floor(&judgement),
        seen: judgement.effective_now,
    })
}

fn execute(
    site: &Site,
    dir: &InstallDir,
    bundle: &mut VerifiedBundle<File>,
    prepared: &Prepared,
    out: &mut Output,
) -> Outcome<Done> {
    let state = next_state(dir, bundle, prepared)?;
    state.store(dir)?;
    let engine = bundle.manifest().engine(prepared.platform).cloned();
    let mut execution = Execution {
        site,
        installed: Installed::open(dir.clone())?,
        bundle,
        platform: prepared.platform,
        engine: engine.expect("the plan was made for it"),
        values: &prepared.values,
        fragments: &prepared.fragments,
        floor: prepared.floor,
        seen: prepared.seen,
    };
    execution.run(&prepared.plan, out)
}

/// The state with which the steps begin: what is known, less what a changed wish has voided.
fn next_state(
    dir: &InstallDir,
    bundle: &VerifiedBundle<File>,
    prepared: &Prepared,
) -> Outcome<InstallState> {
    let manifest = bundle.manifest();
    let plan = &prepared.plan;
    let known = InstallState::load(dir)?;
    let done: Vec<String> =
        plan.steps.iter().filter(|step| step.done).map(|step| step.id.clone()).collect();
    let engine = manifest.engine(prepared.platform).expect("the plan was made for it");
    Ok(InstallState {
        schema: state::SCHEMA.to_owned(),
        name: dir.name().clone(),
        product: manifest.product.clone(),
        channel: manifest.channel.clone(),
        version: manifest.version.clone(),
        release_seq: manifest.release_seq,
        bundle_id: bundle.bundle_id(),
        generation: plan.generation,
        engine: EngineState {
            flavor: engine.flavor,
            version: engine.version.clone(),
            state_format: engine.state_format.writes,
        },
        settings: prepared.settings.clone(),
        container_user: plan.container_user,
        done,
        complete: known.as_ref().is_some_and(|known| known.complete),
        images: known.as_ref().map(|known| known.images.clone()).unwrap_or_default(),
        rotation: known.and_then(|known| known.rotation),
        removing: false,
    })
}

fn other_platform(manifest: &Manifest) -> InstallError {
    let found: Vec<&str> = manifest.platforms.iter().map(|platform| platform.as_str()).collect();
    let expected = Platform::current().map_or("of another kind", Platform::as_str);
    InstallError::OtherPlatform { found: found.join(", "), expected: expected.to_owned() }
}

fn values(
    args: &Args,
    dir: &InstallDir,
    state: Option<&InstallState>,
    schema: &Schema,
) -> Outcome<Values> {
    let mut given = match &args.values {
        Some(path) => values::from_file(path)?,
        None => BTreeMap::new(),
    };
    for pair in &args.set {
        let (name, value) = schema.pair(pair)?;
        given.insert(name, value);
    }
    let earlier = match state {
        Some(state) => {
            Installed { dir: dir.clone(), state: state.clone(), daemon: None }.values()?
        }
        None => Values::default(),
    };
    Ok(schema.complete(given, &earlier, Asking::by_terminal())?)
}

fn settings(
    args: &Args,
    dir: &InstallDir,
    state: Option<&InstallState>,
    runtime: Runtime,
    values: &Values,
) -> Settings {
    let known = state.map(|state| &state.settings);
    Settings {
        runtime,
        bind: args.bind.or(known.map(|known| known.bind)).unwrap_or(DEFAULT_BIND),
        port: args.port.or(known.map(|known| known.port)).unwrap_or(DEFAULT_PORT),
        namespace: args
            .namespace
            .clone()
            .or(known.map(|known| known.namespace.clone()))
            .unwrap_or_else(|| dir.name().clone()),
        values: values.digest(),
    }
}

fn fragments(
    manifest: &Manifest,
    platform: Platform,
    schema: &Schema,
    bundle: &mut VerifiedBundle<File>,
) -> Outcome<Fragments> {
    let mut texts = Vec::new();
    for template in manifest.templates.iter().filter(|template| is_fragment(template.kind)) {
        let bytes = bundle.read_blob(&template.blob, DOCUMENT_MAX)?;
        let text = String::from_utf8(bytes).map_err(|_| InstallError::Template {
            template: template.path.to_string(),
            reason: "it is not UTF-8 text".into(),
        })?;
        texts.push((template.path.to_string(), text));
    }
    Ok(Fragments::check(manifest, platform, schema, &texts)?)
}

#[derive(Debug, Serialize)]
struct InstallReport {
    #[serde(flatten)]
    plan: Plan,
    proved: Vec<String>,
    receipt: Utf8PathBuf,
}

impl Report for InstallReport {
    fn human(&self) -> String {
        let plan = &self.plan;
        let mut lines = vec![format!(
            "installed {}: {} {} (release {}), generation {}",
            plan.install, plan.product, plan.version, plan.release_seq, plan.generation
        )];
        lines.extend(self.proved.iter().map(|proof| format!("proved: {proof}")));
        lines.extend(
            plan.ports.iter().map(|port| format!("port: {} for {}", port.address, port.what)),
        );
        lines.push(format!("namespace: {}", plan.namespace));
        lines.push(format!("receipt: {}", self.receipt));
        lines.push(format!("the admin token: rivetctl token show {}", plan.install));
        lines.join("\n")
    }
}
