//! `/auth/…`: tokens of namespaces, scoped tokens, and the keys that sign these.

mod keys;

use axum::{
    Extension, Json as Answer,
    extract::State,
    http::{HeaderValue, header},
    response::{AppendHeaders, IntoResponse},
};
use serde::{Deserialize, Serialize};

pub(super) use self::keys::{list_keys, rotate_keys};
use super::{
    Api,
    access::{Caller, Noted},
    body::{Done, Json, Path},
    error::ApiError,
    namespaces::Pagination,
    query::{NamespaceQuery, QueryOf},
};
use crate::{
    auth::{
        Credential, Denied, Grant, Issuer, NamespaceId, NamespaceRef, NewScopedToken, TokenId,
        TokenSummary, grant,
    },
    keyspace::{Id, tables::NamespaceTokenKind},
};

/// How long a scoped token lasts, in seconds: unless it is said, and at most.
const DURATION: u64 = 3600;
const DURATION_MAX: u64 = 86_400;

/// The longest name of a token and the longest subject, in bytes.
const TEXT_MAX: usize = 256;

/// What nobody on the way keeps a copy of.
type NotStored = AppendHeaders<[(header::HeaderName, HeaderValue); 1]>;

fn not_stored() -> NotStored {
    AppendHeaders([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssueRequest {
    namespace: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    duration: Option<u64>,
    grants: Vec<Grant>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "clients know these names")]
pub(super) struct Issued {
    token: String,
    token_id: TokenId,
    issued_ts: u64,
    expires_ts: u64,
}

/// Signs a scoped token.
pub(super) async fn issue(
    State(api): State<Api>,
    Caller(caller): Caller,
    Json(request): Json<IssueRequest>,
) -> Result<(NotStored, Extension<Noted>, Answer<Issued>), ApiError> {
    let issuer = match &caller {
        Credential::Open | Credential::Admin => Issuer::Admin,
        Credential::Namespace(token) if token.kind == NamespaceTokenKind::Secret => {
            Issuer::Secret(token.id)
        }
        Credential::Namespace(_) | Credential::Scoped(_) => {
            return Err(ApiError::denied(Denied::NotPermitted));
        }
    };
    let duration = request.duration.unwrap_or(DURATION);
    if !(1..=DURATION_MAX).contains(&duration) {
        let message = format!("A token lasts 1 to {DURATION_MAX} seconds.");
        return Err(ApiError::invalid_input(&message));
    }
    check_text("The subject", request.subject.as_deref())?;
    grant::check(&request.grants).map_err(|error| ApiError::invalid_input(&error.to_string()))?;
    let namespace = namespace_ref(&api, request.namespace).await?;
    let noted = namespace.name.clone();
    let issued = api.tokens.issue(NewScopedToken {
        namespace,
        subject: request.subject,
        issuer,
        duration,
        grants: request.grants,
    });
    let issued = issued.await?;
    let answer = Issued {
        token: issued.token.expose().to_owned(),
        token_id: issued.id,
        issued_ts: issued.issued_ts,
        expires_ts: issued.expires_ts,
    };
    Ok((not_stored(), Noted::created_in(&noted, &issued.id), Answer(answer)))
}

/// Takes a scoped token back.
pub(super) async fn revoke_scoped(
    State(api): State<Api>,
    Path(token_id): Path<TokenId>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
) -> Result<Answer<Done>, ApiError> {
    let namespace = namespace_ref(&api, namespace).await?;
    api.tokens.revoke_scoped(namespace.id, token_id).await?;
    Ok(Answer(Done {}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateRequest {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Serialize)]
struct Created {
    token: String,
    #[serde(flatten)]
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct Summary {
    token_id: TokenId,
    name: Option<String>,
    create_ts: u64,
}

#[derive(Debug, Serialize)]
struct Listed {
    tokens: Vec<Summary>,
    pagination: Pagination,
}

pub(super) async fn create_secret(
    api: State<Api>,
    query: QueryOf<NamespaceQuery>,
    request: Json<CreateRequest>,
) -> Result<impl IntoResponse, ApiError> {
    create(NamespaceTokenKind::Secret, api, query, request).await
}

pub(super) async fn create_public(
    api: State<Api>,
    query: QueryOf<NamespaceQuery>,
    request: Json<CreateRequest>,
) -> Result<impl IntoResponse, ApiError> {
    create(NamespaceTokenKind::Public, api, query, request).await
}

pub(super) async fn list_secret(
    api: State<Api>,
    query: QueryOf<NamespaceQuery>,
) -> Result<impl IntoResponse, ApiError> {
    list(NamespaceTokenKind::Secret, api, query).await
}

pub(super) async fn list_public(
    api: State<Api>,
    query: QueryOf<NamespaceQuery>,
) -> Result<impl IntoResponse, ApiError> {
    list(NamespaceTokenKind::Public, api, query).await
}

pub(super) async fn revoke_secret(
    api: State<Api>,
    token_id: Path<TokenId>,
    query: QueryOf<NamespaceQuery>,
) -> Result<Answer<Done>, ApiError> {
    revoke(NamespaceTokenKind::Secret, api, token_id, query).await
}

pub(super) async fn revoke_public(
    api: State<Api>,
    token_id: Path<TokenId>,
    query: QueryOf<NamespaceQuery>,
) -> Result<Answer<Done>, ApiError> {
    revoke(NamespaceTokenKind::Public, api, token_id, query).await
}

async fn create(
    kind: NamespaceTokenKind,
    State(api): State<Api>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
    Json(request): Json<CreateRequest>,
) -> Result<(NotStored, Extension<Noted>, Answer<Created>), ApiError> {
    check_text("The name", request.name.as_deref())?;
    let namespace = namespace_ref(&api, namespace).await?;
    let (summary, token) = api.tokens.create(kind, namespace, request.name).await?;
    let noted = Noted::created(&summary.id);
    let answer = Created { token: token.expose().to_owned(), summary: summary.into() };
    Ok((not_stored(), noted, Answer(answer)))
}

async fn list(
    kind: NamespaceTokenKind,
    State(api): State<Api>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
) -> Result<Answer<Listed>, ApiError> {
    let namespace = namespace_ref(&api, namespace).await?;
    let mut found = api.tokens.list(kind, namespace.id).await?;
    found.sort_by_key(|token| (token.create_ts, token.id));
    let tokens = found.into_iter().map(Summary::from).collect();
    Ok(Answer(Listed { tokens, pagination: Pagination { cursor: None } }))
}

async fn revoke(
    kind: NamespaceTokenKind,
    State(api): State<Api>,
    Path(token_id): Path<TokenId>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
) -> Result<Answer<Done>, ApiError> {
    let namespace = namespace_ref(&api, namespace).await?;
    api.tokens.revoke(kind, namespace.id, token_id).await?;
    Ok(Answer(Done {}))
}

async fn namespace_ref(api: &Api, name: String) -> Result<NamespaceRef, ApiError> {
    let id: Id = api.lifecycle.namespace_id(&name).await?;
    Ok(NamespaceRef { id: NamespaceId(id), name: name.into() })
}

fn check_text(what: &str, text: Option<&str>) -> Result<(), ApiError> {
    let fits =
        |text: &str| (1..=TEXT_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if text.is_none_or(fits) {
        return Ok(());
    }
    let message = format!("{what} has 1 to {TEXT_MAX} bytes, and no control characters.");
    Err(ApiError::invalid_input(&message))
}

impl From<TokenSummary> for Summary {
    fn from(token: TokenSummary) -> Self {
        let TokenSummary { id, name, create_ts } = token;
        Self { token_id: id, name, create_ts }
    }
}
