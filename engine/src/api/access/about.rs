//! What a request is about, where that decides whether it may pass: read from path, query and body
//! as the route itself reads them.

use axum::{
    RequestExt as _,
    body::{Body, to_bytes},
    extract::{RawPathParams, Request},
    http::Uri,
};
use serde::Deserialize;

use super::{Caller, Door};
use crate::{
    api::{
        actors::{ListQuery, Selection},
        error::ApiError,
        query::{FromQuery as _, Query},
        routes::About,
    },
    auth::{ActorRef, Credential, Demand, NamespaceRef, Operation, Place, Resource},
    keyspace::Id,
};

/// The largest body of a request to the API, in bytes: what the routes themselves read.
const BODY_MAX: usize = 2 << 20;

/// The actor that a body describes.
#[derive(Debug, Deserialize)]
struct NamedActor {
    name: String,
    key: Option<String>,
}

/// The namespace that a body names.
#[derive(Debug, Deserialize)]
struct NamedNamespace {
    namespace: String,
}

impl Door {
    /// The request as the route gets it, when the credential is good for it.
    pub(super) async fn admit(
        &self,
        credential: Credential,
        request: Request,
    ) -> Result<Request, ApiError> {
        let mut request = if let Some(namespace) = credential.namespace() {
            self.within(&credential, namespace, request).await?
        } else {
            // What it is about makes no difference, so nothing is read.
            self.ask(&credential, Place::Engine, ActorRef::default())?;
            request
        };
        request.extensions_mut().insert(Caller(credential));
        Ok(request)
    }

    async fn within(
        &self,
        credential: &Credential,
        own: &NamespaceRef,
        mut request: Request,
    ) -> Result<Request, ApiError> {
        let nobody = ActorRef::default();
        match self.wants.about {
            About::Engine => self.ask(credential, Place::Engine, nobody)?,
            About::Own => self.ask(credential, Place::Own, nobody)?,
            About::Namespace => {
                let namespace = namespace(&request)?;
                self.ask(credential, Place::Named(&namespace), nobody)?;
            }
            About::NamespaceInBody => {
                let (again, body) = with_body(request).await?;
                request = again;
                let named = serde_json::from_slice::<NamedNamespace>(&body);
                let named = named.map_err(|error| ApiError::bad_request(&error.to_string()))?;
                self.ask(credential, Place::Named(&named.namespace), nobody)?;
            }
            About::ActorInPath => {
                let namespace = namespace(&request)?;
                let parameters = request.extract_parts::<RawPathParams>().await;
                let id = parameters.ok().and_then(|parameters| {
                    let id = parameters.iter().find(|(name, _)| *name == "actor_id");
                    id?.1.parse().ok()
                });
                self.ask_about(credential, own, &namespace, self.wanted(), id).await?;
            }
            About::ActorsInQuery => self.ask_about_listed(credential, own, request.uri()).await?,
            About::ActorInBody => {
                let namespace = namespace(&request)?;
                let place = Place::Named(&namespace);
                if matches!(credential, Credential::Scoped(_)) {
                    let (again, body) = with_body(request).await?;
                    request = again;
                    // What describes no actor is refused by the route; until then it is none that
                    // a grant names.
                    let named = serde_json::from_slice::<NamedActor>(&body).ok();
                    let actor = ActorRef {
                        id: None,
                        name: named.as_ref().map(|named| named.name.as_str()),
                        key: named.as_ref().and_then(|named| named.key.as_deref()),
                    };
                    self.ask(credential, place, actor)?;
                } else {
                    self.ask(credential, place, nobody)?;
                }
            }
        }
        Ok(request)
    }

    /// Asks for actors by id or key, which is what clients do before they call them, or for a list.
    async fn ask_about_listed(
        &self,
        credential: &Credential,
        own: &NamespaceRef,
        uri: &Uri,
    ) -> Result<(), ApiError> {
        let query = Query::parse(uri, ListQuery::PARAMETERS)?;
        let ListQuery { namespace, selection, .. } = ListQuery::from_query(&query)?;
        let resolution = (Resource::ActorResolution, Operation::Read);
        match selection {
            Selection::Ids(ids) => {
                for id in ids {
                    self.ask_about(credential, own, &namespace, resolution, Some(id)).await?;
                }
            }
            Selection::Key { name, key } => {
                let id = if *own.name == *namespace {
                    self.lifecycle.find(&namespace, &name, &key).await?
                } else {
                    None
                };
                let actor = ActorRef { id, name: Some(&name), key: Some(&key) };
                self.ask_for(credential, Place::Named(&namespace), resolution, actor)?;
            }
            Selection::Name { name, .. } => {
                let actor = ActorRef { name: Some(&name), ..ActorRef::default() };
                self.ask(credential, Place::Named(&namespace), actor)?;
            }
        }
        Ok(())
    }

    /// Asks for one actor. Of one that is elsewhere or nowhere only the id is known.
    async fn ask_about(
        &self,
        credential: &Credential,
        own: &NamespaceRef,
        namespace: &str,
        wanted: (Resource, Operation),
        id: Option<Id>,
    ) -> Result<(), ApiError> {
        let identity = match (credential, id) {
            // The namespace is enough for all others.
            (Credential::Scoped(_), Some(id)) => self.lifecycle.identity(id).await?,
            _ => None,
        };
        let identity = identity.filter(|identity| identity.namespace_id == own.id.0);
        let actor = ActorRef {
            id,
            name: identity.as_ref().map(|identity| identity.name.as_str()),
            key: identity.as_ref().and_then(|identity| identity.key.as_deref()),
        };
        self.ask_for(credential, Place::Named(namespace), wanted, actor)
    }

    fn ask(
        &self,
        credential: &Credential,
        place: Place<'_>,
        actor: ActorRef<'_>,
    ) -> Result<(), ApiError> {
        self.ask_for(credential, place, self.wanted(), actor)
    }

    fn ask_for(
        &self,
        credential: &Credential,
        place: Place<'_>,
        (resource, operation): (Resource, Operation),
        actor: ActorRef<'_>,
    ) -> Result<(), ApiError> {
        let demand = Demand { place, resource, operation, actor };
        self.gate.authorize(credential, &demand).map_err(ApiError::denied)
    }

    fn wanted(&self) -> (Resource, Operation) {
        (self.wants.resource, self.wants.operation)
    }
}

/// The namespace that the query names, in exactly one way.
fn namespace(request: &Request) -> Result<String, ApiError> {
    Query::lenient(request.uri()).required("namespace")
}

/// The request with its whole body, and that body.
async fn with_body(request: Request) -> Result<(Request, axum::body::Bytes), ApiError> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BODY_MAX).await;
    let body = body.map_err(|error| {
        ApiError::bad_request(&format!("Failed to buffer the request body: {error}"))
    })?;
    Ok((Request::from_parts(head, Body::from(body.clone())), body))
}
