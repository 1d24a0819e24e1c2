//! The door of every route that is not for everybody: who asks, whether they may, and the entry in
//! the audit log.
//!
//! The credential comes first, then the demand, then the route: a stranger learns nothing about what
//! a query or a body should look like. What a demand is about stands in the path, the query or the
//! body; it is read here only for credentials for which it makes a difference.

mod about;
mod audited;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

pub(super) use self::audited::Noted;
use super::{Api, error::ApiError, routes::Wants};
use crate::{
    audit::AuditLog,
    auth::{self, ClientAddress, Credential, Denied, Gate, Presented, TOKEN_HEADER},
    lifecycle::Lifecycle,
};

/// What stands before one method of one route.
#[derive(Debug, Clone)]
pub(super) struct Door {
    gate: Gate,
    lifecycle: Lifecycle,
    audit: AuditLog,
    wants: Wants,
}

impl Door {
    /// The door of a route that wants this.
    pub(super) fn new(api: &Api, wants: Wants) -> Self {
        Self {
            gate: api.gate.clone(),
            lifecycle: api.lifecycle.clone(),
            audit: api.audit.clone(),
            wants,
        }
    }

    async fn answer(self, request: Request, next: Next) -> Response {
        let from = request.extensions().get::<ClientAddress>().copied();
        let known = self.gate.identify(&presented(request.headers()), from);
        if !self.wants.is_audited() {
            return self.pass(known, request, next).await;
        }
        let call = audited::Call::of(&request, known.as_ref().ok());
        let stranger = known.as_ref().err().copied();
        let audit = self.audit.clone();
        // A task of its own: whoever hangs up half way through changes nothing about what is
        // written down.
        let answered = tokio::spawn(async move {
            let response = self.pass(known, request, next).await;
            match (call.entry(audit.now(), &response), stranger) {
                // Those who guess are counted, and write nothing.
                (None, _) | (_, Some(Denied::TooMany { .. })) => {}
                (Some(entry), Some(_)) => audit.record_stranger(entry).await,
                (Some(entry), None) => audit.record(entry).await,
            }
            response
        });
        answered.await.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
    }

    async fn pass(
        &self,
        known: Result<Credential, Denied>,
        request: Request,
        next: Next,
    ) -> Response {
        let admitted = match known {
            Ok(credential) => self.admit(credential, request).await,
            Err(denied) => Err(ApiError::denied(denied)),
        };
        match admitted {
            Ok(request) => next.run(request).await,
            Err(error) => error.into_response(),
        }
    }
}

/// Passes `request` on when its token is good for it.
pub(super) async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    door.answer(request, next).await
}

/// The tokens that a request to the API carries: behind `Bearer`, as upstream takes it, or in the
/// header in which clients of actors put it, which is all that some of them send.
pub(super) fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut presented = Presented::default();
    let authorization = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    if let Some(token) = authorization.and_then(auth::bearer) {
        presented.add(token);
    }
    if let Some(token) = headers.get(TOKEN_HEADER) {
        presented.add(token.as_bytes());
    }
    presented
}

/// Who asks, for routes that answer different callers differently.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) Credential);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Without the door there is no caller, and then there is no answer.
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| ApiError::denied(Denied::NotProvided))
    }
}
