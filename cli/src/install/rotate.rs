//! Changing the admin token while everything runs.
//!
//! Our engine accepts several tokens, so the new one is introduced beside the old one, the product
//! is moved over, the new one is proved, and the old one ends after the grace period: by the
//! engine's own clock, whether rivetctl runs or not. An upstream engine knows one token and reads
//! it at start: it is restarted with the new one, and with the old one again when that fails.
//!
//! `secrets/token.next` and the state say that a rotation is under way; whoever runs next
//! finishes it with the same new token.

use std::time::{Duration, Instant};

use bundle_spec::manifest::EngineFlavor;

use super::{operate::Installed, prove, rehearse};
use crate::{
    engine_api::{EngineApi, tokens::Reread},
    error::Outcome,
    output::Output,
    site::{now, secret::Secret, state::Rotation, tokens::Accepted},
};

/// How long the old token is accepted at least while the product is being moved: an interrupted
/// rotation must not leave it with a token that is refused, and not with one that never ends.
const MOVE_SECONDS: u64 = 3600;

/// How long our engine has to notice a new token file: it is asked to read it, and one that does not
/// know that question looks every second.
const NOTICE: Duration = Duration::from_secs(15);

/// What a rotation reached.
#[derive(Debug)]
pub(crate) struct Rotated {
    /// Seconds since 1970 at which the engine refuses the old token.
    pub(crate) old_refused_at: u64,
    /// What was proved, in words.
    pub(crate) proved: Vec<String>,
}

/// The engine did not take the new token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotateError {
    #[error("the engine did not accept the new token within {seconds} s (it answers {status})")]
    NotNoticed { seconds: u64, status: u16 },

    #[error("the engine cannot use the file with the new token: {reason}")]
    Refused { reason: String },

    #[error(
        "the engine did not come back with the new token, so the old one is in force again: {reason}"
    )]
    WentBack { reason: String },
}

impl crate::error::Explain for RotateError {
    fn class(&self) -> crate::error::Class {
        crate::error::Class::Health
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::NotNoticed { .. } => "RCTL-ROTATE-UNNOTICED",
            Self::Refused { .. } => "RCTL-ROTATE-REFUSED",
            Self::WentBack { .. } => "RCTL-ROTATE-WENT-BACK",
        }
        .into()
    }

    fn advice(&self) -> String {
        "The old token still works. `rivetctl logs NAME` shows what the engine says; run the command again after mending it.".into()
    }
}

/// Rotates the token, or finishes a rotation that was interrupted.
pub(crate) fn rotate(
    installed: &mut Installed,
    grace_seconds: u64,
    out: &mut Output,
) -> Outcome<Rotated> {
    let old = installed.token()?;
    let next = installed.tokens().next()?;
    let is_promoted = match &next {
        Some(next) => *next == old,
        None => installed.state.rotation.is_some(),
    };
    if is_promoted {
        return finish(installed, &old);
    }
    let new = installed.tokens().next_or_new()?;
    installed.state.rotation = Some(Rotation { grace_seconds });
    installed.state.store(&installed.dir)?;
    rehearse::after("rotate:new");

    out.note("introducing the new token");
    match installed.flavor() {
        EngineFlavor::RivetEngine => {
            introduce(installed, &old, &new, MOVE_SECONDS.max(grace_seconds))?;
        }
        EngineFlavor::Upstream => replace(installed, &old, &new)?,
    }
    rehearse::after("rotate:introduce");

    out.note("moving the product's services to it");
    installed.start_services(&new)?;
    rehearse::after("rotate:move");

    let proved = installed.prove(&new)?;
    let old_refused_at = now() + grace_seconds;
    if installed.flavor() == EngineFlavor::RivetEngine {
        retire(installed, &old, &new, grace_seconds)?;
    }
    // From here on the new token is the one in force, whatever happens to this process.
    installed.tokens().promote_next()?;
    rehearse::after("rotate:promote");
    installed.state.rotation = None;
    installed.state.store(&installed.dir)?;
    let old_refused_at = match installed.flavor() {
        EngineFlavor::RivetEngine => old_refused_at,
        EngineFlavor::Upstream => now(),
    };
    Ok(Rotated { old_refused_at, proved })
}

/// The end of a rotation that was killed after the new token had become the one in force.
fn finish(installed: &mut Installed, token: &Secret) -> Outcome<Rotated> {
    let proved = installed.prove(token)?;
    let ends = installed.tokens().expiries()?.into_iter().max().map_or(0, |millis| millis / 1000);
    installed.tokens().drop_next()?;
    installed.state.rotation = None;
    installed.state.store(&installed.dir)?;
    Ok(Rotated { old_refused_at: ends.max(now()), proved })
}

/// Has the engine accept both, and proves that it does.
fn introduce(installed: &Installed, old: &Secret, new: &Secret, seconds: u64) -> Outcome {
    let until = (now() + seconds) * 1000;
    let accepted =
        [Accepted { token: new, not_after: None }, Accepted { token: old, not_after: Some(until) }];
    installed.tokens().publish(EngineFlavor::RivetEngine, &accepted)?;
    let api = installed.api();
    let failed = match api.reread_tokens(old) {
        Reread::Refused(reason) => Some(RotateError::Refused { reason }),
        Reread::Done | Reread::Unknown => {
            let status = wait_for_status(&api, new, |status| status == 200)?;
            status.map(|status| RotateError::NotNoticed { seconds: NOTICE.as_secs(), status })
        }
    };
    let Some(failed) = failed else { return Ok(()) };
    // The new token was never in use: take it back, so that nothing has changed.
    let only_old = [Accepted { token: old, not_after: None }];
    installed.tokens().publish(EngineFlavor::RivetEngine, &only_old)?;
    installed.tokens().drop_next()?;
    Err(failed.into())
}

/// Tells the engine when the old token ends; at once when there is no grace.
fn retire(installed: &Installed, old: &Secret, new: &Secret, grace_seconds: u64) -> Outcome {
    let mut accepted = vec![Accepted { token: new, not_after: None }];
    if grace_seconds > 0 {
        accepted.push(Accepted { token: old, not_after: Some((now() + grace_seconds) * 1000) });
    }
    installed.tokens().publish(EngineFlavor::RivetEngine, &accepted)?;
    let api = installed.api();
    // Whatever comes of it: with grace the engine's next look is early enough, and without grace the
    // proof is that the old token is refused.
    let _ = api.reread_tokens(new);
    if grace_seconds > 0 {
        return Ok(());
    }
    match wait_for_status(&api, old, |status| matches!(status, 401 | 403))? {
        None => Ok(()),
        Some(status) => {
            Err(prove::ProofError::Open { status, whom: "the old token".into() }.into())
        }
    }
}

/// Asks with `token` until the status is as `wanted`. Otherwise it is returned when the engine had its
/// time.
fn wait_for_status(
    api: &EngineApi,
    token: &Secret,
    wanted: impl Fn(u16) -> bool,
) -> Outcome<Option<u16>> {
    let started = Instant::now();
    loop {
        let status = api.probe(Some(token))?;
        if wanted(status) {
            return Ok(None);
        }
        if started.elapsed() >= NOTICE {
            return Ok(Some(status));
        }
        std::thread::sleep(prove::POLL);
    }
}

/// Restarts an engine that knows one token; goes back to the old one when it does not come up.
fn replace(installed: &mut Installed, old: &Secret, new: &Secret) -> Outcome {
    let publish = |installed: &Installed, token: &Secret| -> Outcome {
        let accepted = [Accepted { token, not_after: None }];
        installed.tokens().publish(EngineFlavor::Upstream, &accepted)?;
        installed.restart_engine()
    };
    let tried = publish(installed, new).and_then(|()| {
        prove::wait_healthy(&installed.api(), prove::HEALTH_PATIENCE, &|| installed.engine_said())?;
        prove::closed(&installed.api(), new)??;
        Ok(())
    });
    let Err(failure) = tried else { return Ok(()) };
    publish(installed, old)?;
    prove::wait_healthy(&installed.api(), prove::HEALTH_PATIENCE, &|| installed.engine_said())?;
    installed.tokens().drop_next()?;
    installed.state.rotation = None;
    installed.state.store(&installed.dir)?;
    Err(RotateError::WentBack { reason: format!("{failure:?}") }.into())
}
