//! `/` and `/ui/`: the dashboard's files, for everybody. What they show needs a token.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{body::Path, error::ApiError};
use crate::dashboard;

/// From where people end up by themselves to the page. The way is relative, so that a proxy may put a
/// prefix before it.
pub(super) async fn to_page() -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "ui/")]).into_response()
}

pub(super) async fn page(asked: HeaderMap) -> Result<Response, ApiError> {
    find("", &asked)
}

pub(super) async fn file(Path(name): Path<String>, asked: HeaderMap) -> Result<Response, ApiError> {
    find(&name, &asked)
}

fn find(name: &str, asked: &HeaderMap) -> Result<Response, ApiError> {
    dashboard::file(name).map(|file| file.answer(asked)).ok_or_else(ApiError::route_not_found)
}
