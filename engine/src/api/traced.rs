//! What of a request to the API stands in its span: ids, and words of the engine's own.

use axum::{
    extract::{MatchedPath, Request},
    http::Uri,
    response::Response,
};

use super::{Api, error::ErrorCode, query::Query};
use crate::{
    keyspace::Id,
    lifecycle::Lifecycle,
    telemetry::otel::{ActiveSpan, Tracer},
};

/// What routes of an actor begin with.
const OF_ACTOR: &str = "/actors/{actor_id}";

/// Traces requests, where somebody wants that.
#[derive(Debug, Clone)]
pub(super) struct Tracing {
    tracer: Tracer,
    lifecycle: Lifecycle,
}

/// A request that is traced.
#[derive(Debug)]
pub(super) struct Traced {
    span: Box<ActiveSpan>,
    lifecycle: Lifecycle,
    uri: Uri,
}

impl Tracing {
    pub(super) fn of(api: &Api) -> Self {
        Self { tracer: api.tracer.clone(), lifecycle: api.lifecycle.clone() }
    }

    /// The beginning of a request, if it is sampled.
    pub(super) fn begin(&self, request: &Request, route: Option<&MatchedPath>) -> Option<Traced> {
        let span = self.tracer.request("api", request.method(), request.headers())?;
        let route = route.map_or("none", MatchedPath::as_str);
        span.matched(request.method(), route);
        if let Some(actor) = actor(route, request.uri()) {
            span.actor(actor);
        }
        Some(Traced { span, lifecycle: self.lifecycle.clone(), uri: request.uri().clone() })
    }
}

impl Traced {
    /// The end of the request. Wait for it, and for nothing of the response meanwhile: its body is not
    /// for several threads.
    pub(super) fn end(self, ray_id: &str, response: &Response) -> impl Future<Output = ()> + use<> {
        self.span.ray(ray_id);
        self.span.answered(response.status().as_u16());
        if let Some(ErrorCode(group, code)) = response.extensions().get() {
            self.span.error(group, code);
        }
        // By its id: a name is what the client wrote. Of what was refused nothing is looked up.
        let is_success = response.status().is_success();
        async move {
            if is_success
                && let Ok(name) = Query::lenient(&self.uri).required("namespace")
                && let Ok(namespace) = Box::pin(self.lifecycle.namespace_id(&name)).await
            {
                self.span.namespace(namespace);
            }
        }
    }
}

/// The actor in the path of a route of one.
fn actor(route: &str, uri: &Uri) -> Option<Id> {
    let rest = route.strip_prefix(OF_ACTOR)?;
    let is_of_actor = rest.is_empty() || rest.starts_with('/');
    is_of_actor.then(|| uri.path().split('/').nth(2)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_from_routes_of_actors_and_only_when_it_is_an_id() {
        let id = Id::random(1);
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let path = uri(&format!("/actors/{id}/sleep?namespace=default"));

        assert_eq!(actor("/actors/{actor_id}/sleep", &path), Some(id));
        assert_eq!(actor("/actors/names", &uri("/actors/names")), None);
        assert_eq!(actor("/actors/{actor_id}", &uri("/actors/rvt_0123456789abcdef")), None);
        assert_eq!(actor("/auth/tokens/{token_id}", &path), None);
    }
}
