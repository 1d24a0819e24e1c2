//! One start of one actor: the request, its event stream, and its end.

use std::time::Duration;

use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use rivet_envoy_protocol as protocol;
use tokio::{sync::watch, time::Instant};
use vbare::OwnedVersionedData as _;

use super::{
    Serverless,
    client::{RequestError, beginning_of_body, blocked, reason},
    sse::{Events, StartEvent},
};
use crate::{
    actor::Event,
    auth::{NamespaceId, NamespaceRef, TokenStoreError},
    keyspace::tables::{PoolError, ServerlessRow},
    lifecycle::{Phase, ServerlessStart, View},
};

/// How much of an answer is kept that is none of ours.
const BODY_SHOWN: usize = 512;

/// An actor's last word and the end of its request go two ways: this long the one may be late.
const LAST_WORD: Duration = Duration::from_secs(2);

/// How a start request ends.
#[derive(Debug)]
enum End {
    /// The generation is over.
    Over,
    /// The app ended it, or it failed.
    ByApp(Result<(), PoolError>),
    /// It has lasted as long as it may.
    TimeUp,
}

impl Serverless {
    /// Starts a generation of an actor, and keeps its request open as long as it may run.
    pub(super) async fn start(&self, start: ServerlessStart) {
        let mut view = match self.0.lifecycle.observe(start.actor_id).await {
            Ok(view) => view,
            Err(error) => {
                tracing::warn!(actor_id = %start.actor_id, %error, "an actor was not started");
                return;
            }
        };
        let found = self.0.directory.serverless_pool(start.namespace_id, start.pool.clone()).await;
        let pool = match found {
            Ok(Some(pool)) => pool.config,
            Ok(None) => {
                return self.failed(&start, &view, PoolError::InternalError).await;
            }
            Err(error) => {
                tracing::error!(actor_id = %start.actor_id, %error, "a pool could not be read");
                return self.failed(&start, &view, PoolError::InternalError).await;
            }
        };
        let end = self.while_it_runs(&start, &pool, &mut view).await;
        if matches!(end, End::Over | End::ByApp(Ok(()))) {
            return;
        }
        let last_word = is_over(&mut view, start.generation);
        if tokio::time::timeout(LAST_WORD, last_word).await.is_ok() {
            return;
        }
        match end {
            End::ByApp(Err(error)) => self.failed(&start, &view, error).await,
            // It had its time to leave. Where an envoy is still there, it may take longer.
            _ => self.give_up(&start, &view, PoolError::ServerlessStreamEndedEarly).await,
        }
    }

    async fn while_it_runs(
        &self,
        start: &ServerlessStart,
        pool: &ServerlessRow,
        view: &mut watch::Receiver<View>,
    ) -> End {
        let begun = Instant::now();
        let lifespan = Duration::from_secs(pool.request_lifespan.into());
        let grace = Duration::from_secs(pool.drain_grace_period.into());
        let mut request = std::pin::pin!(self.request(start, pool));
        let mut over = std::pin::pin!(is_over(view, start.generation));
        let mut drain = std::pin::pin!(tokio::time::sleep(lifespan.saturating_sub(grace)));
        let mut end = std::pin::pin!(tokio::time::sleep_until(begun + lifespan));
        let mut drained = false;
        loop {
            tokio::select! {
                () = &mut over => return End::Over,
                ended = &mut request => return End::ByApp(ended),
                () = &mut end => return End::TimeUp,
                () = &mut drain, if !drained => {
                    drained = true;
                    let event = Event::Drain { generation: start.generation };
                    if let Err(error) = self.0.lifecycle.apply(start.actor_id, event).await {
                        tracing::warn!(actor_id = %start.actor_id, %error, "a drain failed");
                    }
                }
            }
        }
    }

    /// Sends the request and reads its events until the app ends it.
    async fn request(
        &self,
        start: &ServerlessStart,
        pool: &ServerlessRow,
    ) -> Result<(), PoolError> {
        let request = self.prepared(start, pool).await?;
        let mut response = answered(request).await?;
        let mut events = Events::default();
        let mut succeeded = false;
        loop {
            let chunk = response.chunk().await.map_err(|error| {
                tracing::debug!(actor_id = %start.actor_id, %error, "a start request broke off");
                PoolError::ServerlessStreamEndedEarly
            })?;
            let Some(chunk) = chunk else { return Err(PoolError::ServerlessStreamEndedEarly) };
            let found =
                events.feed(&chunk).map_err(|too_long| PoolError::ServerlessInvalidSsePayload {
                    message: "a line of the event stream is too long".to_owned(),
                    raw_payload: Some(too_long.beginning),
                })?;
            if !found.is_empty() && !std::mem::replace(&mut succeeded, true) {
                self.0.pools.succeeded(start.namespace_id, &start.pool);
                self.0.lifecycle.metrics().serverless_start("started");
            }
            if found.contains(&StartEvent::Stopping) {
                return Ok(());
            }
        }
    }

    async fn prepared(
        &self,
        start: &ServerlessStart,
        pool: &ServerlessRow,
    ) -> Result<RequestBuilder, PoolError> {
        let internal = |what: &str, error: &dyn std::fmt::Display| {
            tracing::error!(actor_id = %start.actor_id, %error, "{what}");
            PoolError::InternalError
        };
        let version = self
            .protocol_version(start.namespace_id, &start.pool)
            .unwrap_or(protocol::PROTOCOL_VERSION);
        let commands = protocol::ToEnvoy::ToEnvoyCommands(vec![start.command.clone()]);
        let body = protocol::versioned::ToEnvoy::wrap_latest(commands)
            .serialize_with_embedded_version(version)
            .map_err(|error| internal("a start command was not encoded", &error))?;
        let headers = self
            .own_headers(start, pool)
            .await
            .map_err(|error| internal("the token for a started app was not issued", &error))?;
        let request = self.0.client.post(&pool.url, "start", &pool.headers).map_err(|error| {
            let message = match error {
                RequestError::Invalid => "invalid request".to_owned(),
                RequestError::Blocked(blocked) => blocked.to_string(),
            };
            PoolError::ServerlessConnectionError { message }
        })?;
        Ok(request.headers(headers).body(body))
    }

    /// What the app needs to connect back. Replaces what the pool is configured to send.
    async fn own_headers(
        &self,
        start: &ServerlessStart,
        pool: &ServerlessRow,
    ) -> Result<HeaderMap, TokenStoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        for (name, value) in [
            ("x-rivet-endpoint", &self.0.directory.datacenter().public_url),
            ("x-rivet-pool-name", &start.pool),
            ("x-rivet-namespace-name", &start.namespace),
        ] {
            // A pool's name may be any text; a header takes less.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        let namespace = NamespaceRef {
            id: NamespaceId(start.namespace_id),
            name: start.namespace.as_str().into(),
        };
        let token = self.0.tokens.hand_out(namespace, &start.pool, pool.request_lifespan).await?;
        if let Some(token) = token
            && let Ok(mut value) = HeaderValue::try_from(token.expose())
        {
            value.set_sensitive(true);
            headers.insert("x-rivet-token", value);
        }
        Ok(headers)
    }

    /// Notes that a start failed.
    async fn failed(
        &self,
        start: &ServerlessStart,
        view: &watch::Receiver<View>,
        error: PoolError,
    ) {
        let ServerlessStart { namespace_id, pool, actor_id, generation, .. } = start;
        tracing::info!(%actor_id, generation, pool, ?error, "a start request failed");
        self.0.pools.failed(*namespace_id, pool, error.clone());
        self.0.lifecycle.metrics().serverless_start("failed");
        self.give_up(start, view, error).await;
    }

    /// Gives the generation up, unless an envoy has taken it over: when that goes too, it is
    /// noticed by itself.
    async fn give_up(
        &self,
        start: &ServerlessStart,
        view: &watch::Receiver<View>,
        error: PoolError,
    ) {
        let ServerlessStart { actor_id, generation, .. } = start;
        let envoy = view.borrow().envoy.clone();
        if envoy.is_some_and(|envoy| self.0.lifecycle.envoys().connection(&envoy).is_some()) {
            return;
        }
        let event = Event::ServerlessFailed { generation: *generation, error };
        if let Err(error) = self.0.lifecycle.apply(*actor_id, event).await {
            tracing::warn!(%actor_id, %error, "a failed start was not noted");
        }
    }
}

/// The answer, when it is an event stream.
async fn answered(request: RequestBuilder) -> Result<Response, PoolError> {
    let response = request.send().await.map_err(|error| {
        let blocked = blocked(&error).map(|blocked| blocked.to_string());
        let message = blocked.unwrap_or_else(|| reason(error));
        PoolError::ServerlessConnectionError { message }
    })?;
    let status = response.status();
    if status != StatusCode::OK {
        let body = beginning_of_body(response, 4 * BODY_SHOWN).await;
        let body = body.map(|(body, _)| body).unwrap_or_default();
        let body = String::from_utf8_lossy(&body).chars().take(BODY_SHOWN).collect();
        return Err(PoolError::ServerlessHttpError { status_code: status.as_u16(), body });
    }
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("text/event-stream") {
        return Ok(response);
    }
    let shown: String = content_type.chars().take(BODY_SHOWN).collect();
    Err(PoolError::ServerlessInvalidSsePayload {
        message: format!("expected text/event-stream, got {shown:?}"),
        raw_payload: None,
    })
}

/// Waits until the generation no longer runs.
async fn is_over(view: &mut watch::Receiver<View>, generation: u32) {
    let over = |view: &View| {
        let none_runs = matches!(view.phase, Phase::Pending | Phase::Sleeping | Phase::Destroyed);
        none_runs || view.generation != generation
    };
    if view.wait_for(over).await.is_err() {
        // Nobody speaks of it any more: there is nothing to wait for.
        std::future::pending::<()>().await;
    }
}
