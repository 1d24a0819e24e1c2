//! A request through the tunnel, and its answer.
//!
//! The request is sent when the actor runs; bodies flow both ways at once, each within a window of
//! what the other end has not consumed. A request is sent a second time only where that does no
//! harm: it was never delivered, or its method promises that repeating it is safe.

mod download;
mod in_flight;
mod upload;

use std::{collections::HashMap, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH},
    response::Response,
};
use rivet_envoy_protocol as protocol;
use tokio::time::{Instant, sleep_until};

use self::{in_flight::InFlight, upload::Upload};
use super::{Gateway, GatewayError, InProgress, headers, reached::Over, route::Routed};
use crate::{keyspace::Id, telemetry::otel::ActiveSpan};

/// The largest piece of a body.
const CHUNK_BYTES: usize = 64 << 10;

/// How much of a body may be on its way, unconsumed.
const WINDOW_BYTES: u64 = protocol::HTTP_STREAM_INITIAL_WINDOW_BYTES;

/// An app that does not know an actor which it was just told to start, or has just stopped it,
/// says so; the news of it arrives within this time.
const NEWS_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a request that no app took is offered again.
const MAX_OFFERS: u32 = 8;

/// What the actor sees of a request, apart from its body.
#[derive(Debug)]
struct Message {
    actor_id: Id,
    method: Method,
    path: String,
    /// As the client sent them: what the actor gets is made of them for each attempt, since there is
    /// seldom a second one, and to copy what was made for the first costs more.
    headers: HeaderMap,
    ray_id: String,
    forward_tokens: bool,
    skip_ready_wait: bool,
}

/// The beginning of an actor's answer, and what is needed for the rest of it.
#[derive(Debug)]
struct Answer {
    in_flight: InFlight,
    upload: Upload,
    in_progress: InProgress,
    start: protocol::ToRivetResponseStart,
}

/// Why an attempt came to nothing.
#[derive(Debug)]
enum Failure {
    /// The generation ended before it could get the request.
    NotDelivered,
    /// The app says that it does not have the actor.
    NotThere,
    /// The generation ended before it answered.
    Stopped,
    /// The app gave the request up.
    Aborted(protocol::HttpStreamAbortReasonKind),
    /// Something that no other attempt changes.
    Final(GatewayError),
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        Self::Final(error)
    }
}

impl Message {
    /// The headers that the actor gets.
    fn headers(&self) -> HashMap<String, String> {
        headers::to_actor(&self.headers, &self.ray_id, self.forward_tokens)
    }

    /// Whether a request that was delivered may be delivered once more (RFC 9110, section 9.2.1).
    fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}

impl Gateway {
    /// Passes `request` on to its actor and answers with what the actor answers.
    pub(super) async fn forward(
        &self,
        routed: Routed,
        request: Request,
        ray_id: &str,
        span: Option<&ActiveSpan>,
    ) -> Result<Response, GatewayError> {
        let (head, body) = request.into_parts();
        let declared = head.headers.get(CONTENT_LENGTH).and_then(|text| text.to_str().ok());
        let declared = declared.and_then(|text| text.parse().ok());
        let mut upload = Upload::begin(body, declared, self.settings().max_request_body).await?;
        let Routed { target, path, skip_ready_wait, .. } = routed;
        let actor_id = self.find(target).await?;
        self.trace_actor(span, actor_id).await;
        let in_progress = self.counted(actor_id, false).await?;
        let forward_tokens = !self.settings().require_token;
        let message = Message {
            actor_id,
            method: head.method,
            path,
            headers: head.headers,
            ray_id: ray_id.to_owned(),
            forward_tokens,
            skip_ready_wait,
        };
        let (in_flight, start) = self.attempts(&message, &mut upload, span).await?;
        let answer = Answer { in_flight, upload, in_progress, start };
        self.pass_back(&message, answer)
    }

    /// Sends the request until it is answered, or until it must not be sent again.
    async fn attempts(
        &self,
        message: &Message,
        upload: &mut Upload,
        span: Option<&ActiveSpan>,
    ) -> Result<(InFlight, protocol::ToRivetResponseStart), GatewayError> {
        let (mut offers, mut deliveries) = (0_u32, 0_u32);
        loop {
            let reached = self.ready(message.actor_id, message.skip_ready_wait, span).await?;
            let tunnel = self.lifecycle().tunnels().open(message.actor_id, reached.namespace_id());
            let mut in_flight = InFlight::new(tunnel, reached, message.actor_id);
            let failure = match self.attempt(&mut in_flight, message, upload).await {
                Ok(start) => return Ok((in_flight, start)),
                Err(failure) => failure,
            };
            let stopped = || {
                let actor_id = message.actor_id.to_string();
                GatewayError::StoppedWhileWaiting { actor_id }
            };
            offers += 1;
            let repeatable = upload.can_be_repeated() && offers < MAX_OFFERS;
            match failure {
                Failure::Final(error) => return Err(error),
                Failure::NotDelivered if repeatable => {}
                Failure::NotThere if repeatable && offers == 1 => {
                    in_flight.news(NEWS_TIMEOUT).await;
                }
                Failure::NotDelivered | Failure::NotThere => return Err(stopped()),
                Failure::Stopped => {
                    deliveries += 1;
                    if !message.is_safe() || !repeatable {
                        return Err(stopped());
                    }
                    self.pause(deliveries, &stopped()).await?;
                }
                // The handler itself failed: another attempt is not for us to make.
                Failure::Aborted(protocol::HttpStreamAbortReasonKind::HandlerError) => {
                    return Err(GatewayError::UpstreamFailed);
                }
                Failure::Aborted(_) => {
                    deliveries += 1;
                    if !message.is_safe() || !repeatable {
                        return Err(GatewayError::RequestAborted);
                    }
                    self.pause(deliveries, &GatewayError::RequestAborted).await?;
                }
            }
        }
    }

    /// Waits before the next delivery, twice as long each time, or gives up.
    async fn pause(&self, deliveries: u32, last: &GatewayError) -> Result<(), GatewayError> {
        let settings = self.settings();
        if deliveries >= settings.retry_attempts {
            let (_, last, status) = last.wire();
            let last_status = status.as_u16();
            return Err(GatewayError::RetriesExceeded { attempts: deliveries, last, last_status });
        }
        let factor = 2_u32.saturating_pow(deliveries - 1);
        tokio::time::sleep(settings.retry_interval.saturating_mul(factor)).await;
        Ok(())
    }

    /// Sends the request to one generation and waits for the beginning of its answer.
    async fn attempt(
        &self,
        in_flight: &mut InFlight,
        message: &Message,
        upload: &mut Upload,
    ) -> Result<protocol::ToRivetResponseStart, Failure> {
        use protocol::ToRivetTunnelMessageKind as Kind;

        let streams = in_flight.streams();
        if !streams {
            upload.read_whole().await?;
        }
        let (inline, follows) = (upload.inline().cloned(), upload.follows());
        in_flight.begin(message, inline, follows, streams).await?;
        let timeout = self.settings().response_start_timeout;
        let mut deadline = Instant::now() + timeout;
        loop {
            while let Some(piece) = upload.next_piece().filter(|_| streams) {
                in_flight.send_piece(&piece).await?;
                // As long as the body flows, nobody waits for an answer in vain.
                deadline = Instant::now() + timeout;
            }
            tokio::select! {
                kind = in_flight.recv() => match kind? {
                    Kind::ToRivetResponseStart(start) => return judged(in_flight, start),
                    Kind::ToRivetRequestBodyWindowUpdate(update) => {
                        upload.consumed(update.consumed_bytes);
                    }
                    Kind::ToRivetRequestBodyCancel => upload.cancel(),
                    Kind::ToRivetResponseAbort(abort) => {
                        in_flight.settled();
                        return Err(Failure::Aborted(abort.reason.kind));
                    }
                    _ => {}
                },
                read = upload.read(), if upload.wants_more() => read?,
                () = sleep_until(deadline) => {
                    return Err(GatewayError::ResponseStartTimeout.into());
                }
            }
        }
    }

    /// The answer to the client, which may still be on its way.
    fn pass_back(&self, message: &Message, answer: Answer) -> Result<Response, GatewayError> {
        let Answer { mut in_flight, upload, in_progress, start } = answer;
        let protocol::ToRivetResponseStart { status, headers, body, stream } = start;
        let status = headers::status(status)?;
        let bodiless = message.method == Method::HEAD
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let headers = headers::from_actor(headers, stream || bodiless);
        let body = if stream {
            let idle_timeout = self.settings().chunk_idle_timeout;
            let first = body.unwrap_or_default().into();
            let (download, body) = download::begin(in_flight, upload, first, idle_timeout);
            self.tasks().spawn(async move {
                download.run().await;
                drop(in_progress);
            });
            body
        } else {
            in_flight.settled();
            Body::from(body.unwrap_or_default())
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// The actor's answer, unless it is the app's that does not have the actor.
fn judged(
    in_flight: &mut InFlight,
    start: protocol::ToRivetResponseStart,
) -> Result<protocol::ToRivetResponseStart, Failure> {
    const NOT_THERE: [&str; 2] = ["envoy.actor_not_found", "envoy.actor_generation_mismatch"];
    let says = |(name, value): (&String, &String)| {
        name.eq_ignore_ascii_case("x-rivet-error") && NOT_THERE.contains(&value.as_str())
    };
    if start.status == StatusCode::SERVICE_UNAVAILABLE.as_u16() && start.headers.iter().any(says) {
        in_flight.settled();
        return Err(Failure::NotThere);
    }
    Ok(start)
}

impl From<Over> for Failure {
    fn from(over: Over) -> Self {
        match over {
            Over::Stopped => Self::Stopped,
            Over::Destroyed => Self::Final(GatewayError::actor_not_found()),
        }
    }
}
