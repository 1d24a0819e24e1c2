//! Bodies and path parameters, refused in our envelope when they are not what the route takes.

use axum::{
    extract::{
        FromRequest, FromRequestParts, Json as AxumJson, Path as AxumPath, Request,
        rejection::{JsonRejection, PathRejection},
    },
    http::request::Parts,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::error::ApiError;

/// The body of a request that says everything by its path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// What is answered where there is nothing to say.
#[derive(Debug, Serialize)]
pub(super) struct Done {}

/// A JSON body of at most 2 MiB.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let refused = |rejection: JsonRejection| ApiError::bad_request(&rejection.body_text());
        let AxumJson(value) = AxumJson::from_request(request, state).await.map_err(refused)?;
        Ok(Self(value))
    }
}

/// The parameters in the path.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refused = |rejection: PathRejection| ApiError::bad_request(&rejection.body_text());
        let AxumPath(value) = AxumPath::from_request_parts(parts, state).await.map_err(refused)?;
        Ok(Self(value))
    }
}
