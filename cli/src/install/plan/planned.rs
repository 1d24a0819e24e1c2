//! The words of a plan: steps, images, ports, bytes.

use std::net::SocketAddr;

use bundle_spec::{digest::Sha256Digest, manifest::EngineFlavor, text::Name};
use serde::Serialize;

use crate::{install::images::ImageStore, site::state::Runtime};

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Plan {
    pub(crate) install: Name,
    pub(crate) product: Name,
    pub(crate) channel: Name,
    pub(crate) version: String,
    pub(crate) release_seq: u64,
    pub(crate) bundle_id: Sha256Digest,
    pub(crate) generation: u64,
    pub(crate) outcome: Intent,
    pub(crate) runtime: Runtime,
    pub(crate) engine_flavor: EngineFlavor,
    pub(crate) engine_version: String,
    /// What runs the containers.
    pub(crate) docker: Option<PlannedDocker>,
    pub(crate) namespace: Name,
    pub(crate) pools: Vec<Name>,
    pub(crate) steps: Vec<PlannedStep>,
    pub(crate) images: Vec<PlannedImage>,
    pub(crate) ports: Vec<PlannedPort>,
    pub(crate) space: Vec<PlannedSpace>,
    /// The numeric user of the engine's container, when it is not the one who installs.
    pub(crate) container_user: Option<u32>,
    /// Risky settings of the product that its vendor declared.
    pub(crate) risks: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// What the plan amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Intent {
    /// A first install.
    Install,
    /// An install that was begun and not finished, or that is not well.
    Continue,
    /// Everything is as the bundle wants it.
    NothingToDo,
}

/// One step and whether it is behind us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedStep {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) done: bool,
    #[serde(skip)]
    pub(crate) kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepKind {
    Prepare,
    Load(Name),
    Render,
    Token,
    EngineBinary,
    Start,
    Namespace,
    Pools,
    App,
    Prove,
    Record,
}

/// What happens to one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedImage {
    pub(crate) name: Name,
    pub(crate) tag: String,
    /// The id that the daemon gives it.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) action: ImageAction,
}

/// How an image gets its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub(crate) enum ImageAction {
    /// The daemon has it under our tag.
    Keep,
    /// The daemon has it; only the tag is made.
    Tag,
    /// It is sent, without the layers that the daemon has.
    Send { bytes: u64, layers_sent: usize, layers_skipped: usize },
}

/// The daemon and the Compose that the plan was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedDocker {
    pub(crate) version: String,
    pub(crate) compose: String,
    pub(crate) store: ImageStore,
}

/// One port that will be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedPort {
    pub(crate) address: SocketAddr,
    pub(crate) what: String,
}

/// Bytes needed on one file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedSpace {
    pub(crate) filesystem: String,
    pub(crate) needed: u64,
    pub(crate) free: u64,
    pub(crate) what: String,
}
