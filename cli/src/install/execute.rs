//! Doing what a plan says, one recorded step after another.
//!
//! Every step can be repeated: it looks for what is there and does what is missing. After each the
//! state is on disk before the next begins, so a run that was killed is continued by the next one.

use std::{
    fs::File,
    io,
    os::unix::fs::{MetadataExt, lchown},
};

use bundle_spec::{
    manifest::{Engine, EngineFlavor, Platform},
    verify::VerifiedBundle,
};
use camino::Utf8Path;

use super::{
    InstallError, load,
    operate::Installed,
    plan::{ImageAction, Plan, PlannedImage, StepKind},
    prove, rehearse,
    render::{self, Fragments},
    values::Values,
};
use crate::{
    error::{Class, FileError, Outcome},
    output::Output,
    site::{
        Site, audit, durable,
        history::{Floor, Highest, History},
        now,
        receipt::Receipt,
        state::{Runtime, TaggedImage},
        timestamp,
        tokens::Accepted,
        trust::TrustStore,
    },
};

/// Everything that the steps work with.
pub(crate) struct Execution<'a> {
    pub(crate) site: &'a Site,
    pub(crate) installed: Installed,
    pub(crate) bundle: &'a mut VerifiedBundle<File>,
    pub(crate) platform: Platform,
    pub(crate) engine: Engine,
    pub(crate) values: &'a Values,
    pub(crate) fragments: &'a Fragments,
    /// Whether a newer root lowered the highest release.
    pub(crate) floor: Floor,
    /// The time to remember: the latest of this host's clock and what bundles have shown.
    pub(crate) seen: u64,
}

/// What a finished run has to show.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What was proved, in words.
    pub(crate) proved: Vec<String>,
    /// Where the receipt is.
    pub(crate) receipt: camino::Utf8PathBuf,
}

impl Execution<'_> {
    /// Carries out the plan.
    pub(crate) fn run(&mut self, plan: &Plan, out: &mut Output) -> Outcome<Done> {
        let mut done = Done::default();
        for step in plan.steps.iter().filter(|step| !step.done) {
            out.note(&format!("{}: {}", step.id, step.what));
            self.step(&step.kind, plan, out, &mut done)?;
            rehearse::before(&step.id);
            let state = &mut self.installed.state;
            if !state.is_done(&step.id) {
                state.done.push(step.id.clone());
            }
            state.complete |= step.kind == StepKind::Record;
            state.store(&self.installed.dir)?;
            rehearse::after(&step.id);
        }
        Ok(done)
    }

    fn step(&mut self, step: &StepKind, plan: &Plan, out: &mut Output, done: &mut Done) -> Outcome {
        match step {
            StepKind::Prepare => self.prepare(),
            StepKind::Load(name) => {
                let image = plan.images.iter().find(|image| image.name == *name);
                self.load(image.expect("the plan has an action for each of its images"), out)
            }
            StepKind::Render => self.render(),
            StepKind::Token => self.token(),
            StepKind::EngineBinary => self.engine_binary(),
            StepKind::Start => self.start(),
            StepKind::Namespace => {
                let token = self.installed.token()?;
                let name = &self.installed.state.settings.namespace;
                Ok(self.installed.api().ensure_namespace(&token, name)?)
            }
            StepKind::Pools => self.pools(),
            StepKind::App => self.installed.start_services(&self.installed.token()?),
            StepKind::Prove => {
                done.proved = self.installed.prove(&self.installed.token()?)?;
                Ok(())
            }
            StepKind::Record => {
                done.receipt = self.record(plan, &done.proved)?;
                Ok(())
            }
        }
    }

    fn prepare(&self) -> Outcome {
        let dir = &self.installed.dir;
        dir.create_tree()?;
        for part in [render::engine_data(dir), render::app_data(dir)] {
            durable::create_dir(&part, durable::PRIVATE_DIR)?;
        }
        if let Some(user) = self.installed.state.container_user {
            for part in [render::engine_data(dir), render::app_data(dir), dir.engine_secrets()] {
                hand_over(&part, user).map_err(FileError::on("change the owner of", &part))?;
            }
        }
        Ok(())
    }

    fn load(&mut self, planned: &PlannedImage, out: &mut Output) -> Outcome {
        let manifest = self.bundle.manifest();
        let image = manifest.images_for(self.platform).find(|image| image.name == planned.name);
        let image = image.expect("the plan was made from this manifest").clone();
        let daemon = self.installed.daemon.as_ref().expect("only the compose runtime loads images");
        let mut send = |bytes, skipped| {
            let mut progress = out.progress(&format!("loading {}", image.name), bytes);
            let mut advance = |bytes| progress.advance(bytes);
            load::send(daemon, self.bundle, &image, planned, skipped, &mut advance)
        };
        // What the daemon had when the plan was made may have gone with another install since.
        match planned.action {
            ImageAction::Keep => (),
            ImageAction::Tag => match load::tag(daemon, &image, planned) {
                Err(refused) if refused.exit() == Class::Daemon as u8 => send(0, 0)?,
                outcome => outcome?,
            },
            ImageAction::Send { bytes, layers_skipped: 0, .. } => send(bytes, 0)?,
            ImageAction::Send { bytes, layers_skipped, .. } => match send(bytes, layers_skipped) {
                Err(refused) if refused.exit() == Class::Daemon as u8 => send(bytes, 0)?,
                outcome => outcome?,
            },
        }
        let images = &mut self.installed.state.images;
        images.retain(|known| known.name != planned.name);
        images.push(TaggedImage {
            name: planned.name.clone(),
            tag: planned.tag.clone(),
            id: planned.id.clone(),
        });
        Ok(())
    }

    fn render(&self) -> Outcome {
        let Installed { dir, state, .. } = &self.installed;
        render::write(dir, state, &self.engine, self.values, self.fragments)
    }

    fn token(&self) -> Outcome {
        let tokens = self.installed.tokens();
        let token = tokens.current_or_new()?;
        Ok(tokens.publish(self.engine.flavor, &[Accepted { token: &token, not_after: None }])?)
    }

    fn engine_binary(&mut self) -> Outcome {
        let dir = self.installed.generation().join("bin");
        durable::create_dir(&dir, durable::PRIVATE_DIR)?;
        let mut engine = self.bundle.blob(&self.engine.binary)?;
        let path = self.installed.engine_program();
        durable::write_from(&path, durable::PROGRAM, |file| {
            io::copy(&mut engine, file).map(|_| ())
        })?;
        check_program(&path, self.platform)?;
        // The bundle may lie on a medium that is taken away: what supervises stays here.
        let own =
            std::env::current_exe().map_err(FileError::on("find", "rivetctl's own program"))?;
        let mut own = File::open("/proc/self/exe").map_err(FileError::on("open", own.display()))?;
        let path = self.installed.supervisor_program();
        durable::write_from(&path, durable::PROGRAM, |file| io::copy(&mut own, file).map(|_| ()))?;
        Ok(())
    }

    fn start(&self) -> Outcome {
        let Installed { dir, state, .. } = &self.installed;
        durable::switch_link(
            &dir.current(),
            Utf8Path::new(&format!("generations/{}", state.generation)),
        )?;
        let token = self.installed.token()?;
        self.installed.start_engine(&token)?;
        prove::wait_healthy(&self.installed.api(), prove::HEALTH_PATIENCE, &|| {
            self.installed.engine_said()
        })?;
        Ok(())
    }

    fn pools(&self) -> Outcome {
        let token = self.installed.token()?;
        let namespace = &self.installed.state.settings.namespace;
        for pool in &self.bundle.manifest().pools {
            self.installed.api().register_pool(&token, namespace, pool)?;
        }
        Ok(())
    }

    /// What must not be remembered before it is true: the roots, the release, the receipt.
    fn record(&self, plan: &Plan, proved: &[String]) -> Outcome<camino::Utf8PathBuf> {
        let trusted = self.bundle.root();
        TrustStore::of(self.site).accept(trusted)?;
        let mut history = History::load(self.site, &plan.product)?.unwrap_or_default();
        let accepted = Highest {
            channel: plan.channel.clone(),
            release_seq: plan.release_seq,
            bundle_id: plan.bundle_id,
            root_version: trusted.document().version,
            revoked_releases: self.bundle.manifest().revoked_releases.iter().copied().collect(),
        };
        history.remember(accepted, self.floor, self.seen);
        history.store(self.site, &plan.product)?;
        let flavor = match self.engine.flavor {
            EngineFlavor::RivetEngine => "rivet-engine",
            EngineFlavor::Upstream => "upstream",
        };
        let runtime = match plan.runtime {
            Runtime::Compose => "compose",
            Runtime::Binary => "binary",
        };
        let detail = [
            ("product", plan.product.to_string()),
            ("version", plan.version.clone()),
            ("release_seq", plan.release_seq.to_string()),
            ("bundle_id", plan.bundle_id.to_string()),
            ("root_version", trusted.document().version.to_string()),
            ("generation", plan.generation.to_string()),
            ("runtime", runtime.to_owned()),
            ("engine", format!("{flavor} {}", self.engine.version)),
        ];
        let audit = audit::record(self.site, "install.done", plan.install.as_str(), &detail)?;
        let receipt = Receipt {
            schema: "rivetctl-receipt/1",
            event: "install",
            install: plan.install.to_string(),
            product: plan.product.to_string(),
            channel: plan.channel.to_string(),
            version: plan.version.clone(),
            release_seq: plan.release_seq,
            bundle_id: plan.bundle_id,
            root_version: trusted.document().version,
            signers: self.bundle.signers().iter().map(ToString::to_string).collect(),
            generation: plan.generation,
            runtime: runtime.to_owned(),
            time: timestamp(now()),
            rivetctl: env!("CARGO_PKG_VERSION"),
            proved: proved.to_vec(),
            audit,
        };
        Ok(receipt.store(self.site)?)
    }
}

/// Gives a directory and all in it to `user`. Links are not followed.
fn hand_over(dir: &Utf8Path, user: u32) -> io::Result<()> {
    let found = dir.symlink_metadata()?;
    if found.uid() != user || found.gid() != user {
        lchown(dir, Some(user), Some(user))?;
    }
    if found.is_dir() {
        for entry in dir.read_dir_utf8()? {
            hand_over(entry?.path(), user)?;
        }
    }
    Ok(())
}

/// The vendor's tool checked this too; here it keeps a shell script or a foreign program from
/// being started as the engine.
fn check_program(path: &Utf8Path, platform: Platform) -> Outcome {
    let mut head = [0; 20];
    let mut file = File::open(path).map_err(FileError::on("open", path))?;
    io::Read::read_exact(&mut file, &mut head).map_err(FileError::on("read", path))?;
    let machine = u16::from_le_bytes([head[18], head[19]]);
    let expected = match platform {
        Platform::LinuxAmd64 => 62,
        Platform::LinuxArm64 => 183,
    };
    let found = match (&head[..4] == b"\x7fELF", head[4], machine) {
        (true, 2, machine) if machine == expected => return Ok(()),
        (true, _, machine) => format!("an ELF file for machine {machine}"),
        (false, ..) => "not an ELF file".to_owned(),
    };
    Err(InstallError::EngineUnfit { expected: platform.to_string(), found }.into())
}
