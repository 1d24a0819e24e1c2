//! `rivetctl key root rotate` — the next root document, made from the one before and a list of
//! changes. It has to be signed by enough keys of both.

use bundle_spec::{
    KeyId,
    root::{Role, RootDocument},
};
use camino::Utf8PathBuf;

use super::{
    root::{RootError, public_keys, write},
    root_show,
};
use crate::{
    error::{FileError, Outcome},
    output::Output,
    produce::{RootFile, directory_of},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Newest root document
    #[arg(long, value_name = "FILE")]
    from: Utf8PathBuf,

    /// File to write [default: the next number, in the same directory]
    #[arg(long, value_name = "FILE")]
    out: Option<Utf8PathBuf>,

    /// Public key to add to the root role; may be repeated
    #[arg(long, value_name = "KEY")]
    add_root_key: Vec<String>,

    /// Id (SHA256:…) of a key to take out of the root role; may be repeated
    #[arg(long, value_name = "ID")]
    remove_root_key: Vec<KeyId>,

    /// Signatures that a root document needs from now on
    #[arg(long, value_name = "N")]
    root_threshold: Option<u32>,

    /// Public key to add to the release role; may be repeated
    #[arg(long, value_name = "KEY")]
    add_release_key: Vec<String>,

    /// Id of a key to take out of the release role; may be repeated
    #[arg(long, value_name = "ID")]
    remove_release_key: Vec<KeyId>,

    /// Signatures that a bundle needs from now on
    #[arg(long, value_name = "N")]
    release_threshold: Option<u32>,

    /// Id of a stolen or lost key: taken out of its role and refused for ever; may be repeated
    #[arg(long, value_name = "ID")]
    revoke_key: Vec<KeyId>,

    /// Sequence of a bundle that must not be installed any more; may be repeated
    #[arg(long, value_name = "N")]
    revoke_release: Vec<u64>,

    /// Sites forget higher sequences than this one: for after a thief signed a huge one
    #[arg(long, value_name = "N")]
    reset_floor: Option<u64>,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Outcome {
    let from = RootFile::read(&args.from)?.document;
    let next = change(&from, args)?;
    let path = match &args.out {
        Some(path) => path.clone(),
        None => directory_of(&args.from).join(format!("{}.json", next.version)),
    };
    write(&next, &path)?;
    // A chain is one directory: without its neighbor the new root could not be signed or carried.
    let beside = directory_of(&path).join(format!("{}.json", from.version));
    if !beside.exists() {
        std::fs::copy(&args.from, &beside).map_err(FileError::on("write", &beside))?;
    }
    root_show::show(&path, out)
}

fn change(from: &RootDocument, args: &Args) -> Outcome<RootDocument> {
    let mut next = from.clone();
    next.version += 1;
    // It concerns the step it was made for only.
    next.reset_floor = args.reset_floor;
    change_role(
        &mut next.root,
        "root",
        &args.add_root_key,
        &args.remove_root_key,
        args.root_threshold,
    )?;
    change_role(
        &mut next.release,
        "release",
        &args.add_release_key,
        &args.remove_release_key,
        args.release_threshold,
    )?;
    for id in &args.revoke_key {
        if next.revoked_keys.contains(id) {
            return Err(problem(format!("{id} is revoked already")));
        }
        next.root.keys.retain(|key| key.id() != *id);
        next.release.keys.retain(|key| key.id() != *id);
        next.revoked_keys.push(*id);
    }
    for sequence in &args.revoke_release {
        if next.revoked_releases.contains(sequence) {
            return Err(problem(format!("sequence {sequence} is revoked already")));
        }
        next.revoked_releases.push(*sequence);
    }
    next.revoked_keys.sort();
    next.revoked_releases.sort_unstable();

    let unchanged = RootDocument { version: from.version, ..next.clone() };
    if unchanged == *from {
        return Err(problem("nothing would change".to_owned()));
    }
    Ok(next)
}

fn change_role(
    role: &mut Role,
    name: &str,
    add: &[String],
    remove: &[KeyId],
    threshold: Option<u32>,
) -> Outcome {
    for id in remove {
        let before = role.keys.len();
        role.keys.retain(|key| key.id() != *id);
        if role.keys.len() == before {
            return Err(problem(format!("{id} is no key of the {name} role")));
        }
    }
    for key in public_keys(add)? {
        if role.keys.contains(&key) {
            return Err(problem(format!("{} is in the {name} role already", key.id())));
        }
        role.keys.push(key);
    }
    if let Some(threshold) = threshold {
        role.threshold = threshold;
    }
    Ok(())
}

fn problem(problem: String) -> crate::error::Failure {
    RootError::Change { problem }.into()
}
