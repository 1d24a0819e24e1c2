//! Why an install, or one of its steps, was refused or failed.

use std::borrow::Cow;

use camino::Utf8PathBuf;

use crate::error::{Class, Explain};

/// Reasons that stop an install. Those of class preflight come before the first change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error("the bundle is for {found}, but this host is {expected}")]
    OtherPlatform { found: String, expected: String },

    #[error("the install {name:?} is of product {found:?}, but the bundle is of {expected:?}")]
    NameInUse { name: String, found: String, expected: String },

    #[error("the install {name:?} exists with {what} {found}, but {wanted} was asked for")]
    OtherSettings { name: String, what: &'static str, found: String, wanted: String },

    #[error(
        "the install {name:?} has release {found} (bundle {found_id}); this bundle is release {offered} ({offered_id})"
    )]
    OtherRelease { name: String, found: u64, found_id: String, offered: u64, offered_id: String },

    #[error("the removal of {name:?} was begun and not finished")]
    BeingRemoved { name: String },

    #[error("port {address} is taken{by}")]
    PortTaken { address: std::net::SocketAddr, by: String },

    #[error(
        "the ports {port}, {port}+1 and {port}+10 do not all exist; expected a port from 1 to 65525"
    )]
    PortRange { port: u16 },

    #[error("{filesystem} has {free} bytes free, but {needed} are needed ({what})")]
    DiskFull { filesystem: String, free: u64, needed: u64, what: String },

    #[error("the value {name} is missing{what}")]
    MissingValue { name: String, what: String },

    #[error("the value {name} is not in the product's schema; known are {known}")]
    UnknownValue { name: String, known: String },

    #[error("the values do not fit the product's schema: {reason}")]
    BadValue { reason: String },

    #[error("the value name {name} is reserved")]
    ReservedValue { name: String },

    #[error("cannot read values from {path}: {reason}")]
    ValuesFile { path: Utf8PathBuf, reason: String },

    #[error("{text:?} is not KEY=VALUE")]
    NotAPair { text: String },

    #[error("neither `docker compose` nor `docker-compose` answers")]
    ComposeAbsent,

    #[error("{program} is version {found}, but 1.27 or newer is needed")]
    ComposeOld { program: String, found: String },

    #[error("the tag {tag} belongs to another image, {found}; expected {expected}")]
    TagTaken { tag: String, found: String, expected: String },

    #[error("the daemon made {found} from the image {image}, but {expected} was sent")]
    WrongImage { image: String, found: String, expected: String },

    #[error("the daemon refused the image {image}: {reason}")]
    LoadRefused { image: String, reason: String },

    #[error("the template {template} cannot be used: {reason}")]
    Template { template: String, reason: String },

    #[error("the template {template} asks for {risk}, which the vendor did not declare")]
    UndeclaredRisk { template: String, risk: String },

    #[error("the engine in the bundle is not a static {expected} executable: {found}")]
    EngineUnfit { expected: String, found: String },
}

impl Explain for InstallError {
    fn class(&self) -> Class {
        match self {
            Self::WrongImage { .. } | Self::LoadRefused { .. } => Class::Daemon,
            Self::EngineUnfit { .. } | Self::Template { .. } | Self::UndeclaredRisk { .. } => {
                Class::Verification
            }
            Self::MissingValue { .. }
            | Self::UnknownValue { .. }
            | Self::BadValue { .. }
            | Self::ValuesFile { .. }
            | Self::NotAPair { .. } => Class::Usage,
            _ => Class::Preflight,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::OtherPlatform { .. } => "RCTL-PLATFORM",
            Self::NameInUse { .. } => "RCTL-NAME-IN-USE",
            Self::OtherSettings { .. } => "RCTL-OTHER-SETTINGS",
            Self::OtherRelease { .. } => "RCTL-OTHER-RELEASE",
            Self::BeingRemoved { .. } => "RCTL-BEING-REMOVED",
            Self::PortTaken { .. } => "RCTL-PORT-TAKEN",
            Self::PortRange { .. } => "RCTL-PORT-RANGE",
            Self::DiskFull { .. } => "RCTL-DISK",
            Self::MissingValue { .. } => "RCTL-VALUE-MISSING",
            Self::UnknownValue { .. } => "RCTL-VALUE-UNKNOWN",
            Self::BadValue { .. } => "RCTL-VALUE-BAD",
            Self::ReservedValue { .. } => "RCTL-VALUE-RESERVED",
            Self::ValuesFile { .. } => "RCTL-VALUES-FILE",
            Self::NotAPair { .. } => "RCTL-VALUE-PAIR",
            Self::ComposeAbsent => "RCTL-COMPOSE-ABSENT",
            Self::ComposeOld { .. } => "RCTL-COMPOSE-OLD",
            Self::TagTaken { .. } => "RCTL-TAG-TAKEN",
            Self::WrongImage { .. } => "RCTL-IMAGE-WRONG",
            Self::LoadRefused { .. } => "RCTL-LOAD-REFUSED",
            Self::Template { .. } => "RCTL-TEMPLATE",
            Self::UndeclaredRisk { .. } => "RCTL-RISK",
            Self::EngineUnfit { .. } => "RCTL-ENGINE-UNFIT",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::OtherPlatform { .. } => "Ask the vendor for a bundle that has this platform.".into(),
            Self::NameInUse { .. } => "Choose another name with --name.".into(),
            Self::OtherSettings { name, .. } => format!("To change it, run `rivetctl uninstall {name}` (the data stays) and install again."),
            Self::OtherRelease { name, .. } => format!("This version of rivetctl does not upgrade in place: run `rivetctl uninstall {name}` (the data stays) and install again, or choose another name with --name."),
            Self::BeingRemoved { name } => format!("Run `rivetctl uninstall {name}` again to finish it."),
            Self::PortTaken { .. } => "Stop what listens there, or choose another port: with --port for the engine, with --set for one of the product's services.".into(),
            Self::PortRange { .. } => "Choose another port with --port.".into(),
            Self::DiskFull { .. } => "Free space there, or move the directory to a larger disk.".into(),
            Self::MissingValue { name, .. } => format!("Give it with --set {name}=…, or in a file with --values."),
            Self::UnknownValue { .. } | Self::BadValue { .. } => "`rivetctl inspect BUNDLE --schema` prints the schema.".into(),
            Self::ReservedValue { .. } => "The vendor has to rename it: names that steer Docker, Compose, the loader or rivetctl cannot be values.".into(),
            Self::ValuesFile { .. } => "Expected one JSON, YAML or TOML object of names and values, by the file's ending.".into(),
            Self::NotAPair { .. } => "Write it like --set TITLE=Notes.".into(),
            Self::ComposeAbsent => "Install Docker's Compose plugin from your distribution's media, or use `--runtime binary`.".into(),
            Self::ComposeOld { .. } => "Upgrade Compose, or use `--runtime binary`.".into(),
            Self::TagTaken { tag, .. } => format!("Find out who made it (`docker image inspect {tag}`), then remove the tag with `docker rmi {tag}`."),
            Self::WrongImage { .. } => "Do not use it. Remove it with `docker rmi`, check the daemon, and run again.".into(),
            Self::LoadRefused { .. } => "Look at the daemon's log and its free disk, then run the same command again.".into(),
            Self::Template { .. } | Self::UndeclaredRisk { .. } | Self::EngineUnfit { .. } => "Nothing was started. Tell the vendor.".into(),
        }
    }
}
