//! The door of routes that need a token.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::error::ApiError;
use crate::auth::Gate;

/// Passes `request` on when it carries a valid token. Neither its query nor its body is looked at
/// before.
pub(super) async fn require_token(
    State(gate): State<Gate>,
    request: Request,
    next: Next,
) -> Response {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    match gate.check(authorization) {
        Ok(()) => next.run(request).await,
        Err(denied) => ApiError::forbidden(denied).into_response(),
    }
}
