//! The sample product's second app: the actor `tally`, in Rust.
//!
//! A static binary in an image that holds nothing else. It knows `RIVET_ENDPOINT` and
//! `RIVET_POOL_NAME`, as every rivetkit app does. `sample-tally check` calls an actor as a client
//! would, because such an image has no other program for a health check.

mod tally;

use std::{env, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, ensure};
use rivetkit::{
    Registry, ServeConfig,
    client::{Client, ClientConfig, GetOrCreateOptions},
};
use tokio::time::timeout;

use tally::Tally;

/// The name under which clients find the actor.
const NAME: &str = "tally";

/// The tally that health checks read.
const CHECKED_KEY: &str = "health";

/// Longer than a cold start of an actor, shorter than Docker waits.
const CHECK_TIMEOUT: Duration = Duration::from_secs(8);

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match env::args().nth(1).as_deref() {
        None => serve().await,
        Some("check") => check().await,
        Some(other) => {
            Err(anyhow::anyhow!("unknown argument {other:?}: expected none, or `check`"))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sample-tally: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs actors for the engine until somebody asks for the end.
async fn serve() -> Result<()> {
    let mut registry = Registry::new();
    registry.register_actor::<Tally>(NAME);
    registry.start().await
}

/// Fails unless an actor of this app answers.
async fn check() -> Result<()> {
    let config = ServeConfig::from_env()?;
    let client = Client::new(
        ClientConfig::new(config.endpoint)
            .token_opt(config.token)
            .namespace(config.namespace)
            .pool_name(config.pool_name),
    );
    let tally =
        client.get_or_create(NAME, vec![CHECKED_KEY.to_owned()], GetOrCreateOptions::default())?;
    let answer = timeout(CHECK_TIMEOUT, tally.action("value", Vec::new()))
        .await
        .context("the actor did not answer in time")??;
    ensure!(answer.is_u64(), "expected a count, found {answer}");
    Ok(())
}
