//! A plan in words.

use indicatif::HumanBytes;

use super::{ImageAction, Intent, Plan};
use crate::output::Report;

impl Report for Plan {
    fn human(&self) -> String {
        let mut text = String::new();
        let mut line = |entry: String| {
            text.push_str(&entry);
            text.push('\n');
        };
        line(format!(
            "{}: {} {} ({}, release {}) as generation {}",
            self.install,
            self.product,
            self.version,
            self.channel,
            self.release_seq,
            self.generation
        ));
        let id = &self.bundle_id.to_hex()[..16];
        let runtime = format!("{:?}", self.runtime).to_lowercase();
        line(format!(
            "bundle {id}, runtime {runtime}, engine {} {}",
            self.flavor(),
            self.engine_version
        ));
        if let Some(docker) = &self.docker {
            line(format!(
                "docker {} ({:?} image store), {}",
                docker.version, docker.store, docker.compose
            ));
        }
        for port in &self.ports {
            line(format!("port   {} for {}", port.address, port.what));
        }
        for space in &self.space {
            let (needed, free) = (HumanBytes(space.needed), HumanBytes(space.free));
            line(format!(
                "disk   {}: {needed} needed, {free} free ({})",
                space.filesystem, space.what
            ));
        }
        for image in &self.images {
            let action = match image.action {
                ImageAction::Keep => "is there already".to_owned(),
                ImageAction::Tag => "is in the daemon; only tagged".to_owned(),
                ImageAction::Send { bytes, layers_sent, layers_skipped } => {
                    let bytes = HumanBytes(bytes);
                    format!("{bytes} to send; layers: {layers_sent} sent, {layers_skipped} skipped")
                }
            };
            line(format!("image  {} {action}", image.name));
        }
        for risk in &self.risks {
            line(format!("risk   {risk} (declared by the vendor)"));
        }
        for note in &self.notes {
            line(format!("note   {note}"));
        }
        match self.outcome {
            Intent::NothingToDo => line("nothing to do: it runs and is well".to_owned()),
            Intent::Install | Intent::Continue => {
                for step in &self.steps {
                    line(format!(
                        "{}   {:<24} {}",
                        if step.done { "done" } else { "step" },
                        step.id,
                        step.what
                    ));
                }
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

impl Plan {
    fn flavor(&self) -> &'static str {
        match self.engine_flavor {
            bundle_spec::manifest::EngineFlavor::RivetEngine => "rivet-engine",
            bundle_spec::manifest::EngineFlavor::Upstream => "upstream",
        }
    }
}
