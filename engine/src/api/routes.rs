//! Every route there is, with who may use it. The only place that adds routes to a router.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    middleware::from_fn_with_state,
    routing::{MethodFilter, MethodRouter},
};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use super::{
    Api,
    access::{self, Door},
    actors, admin, audit, dashboard, datacenters, envoys,
    error::ApiError,
    figures, health, metadata, namespaces, runner_configs, tokens,
};
use crate::auth::{Operation, Resource};

/// Who may use a method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody. The answer must be fit for strangers.
    Public,
    /// Those who were given a ticket, which the route itself looks at.
    Ticket,
    /// Those whose credential is good for this.
    Wants(Wants),
}

/// What a method of a route does, as [`crate::auth::policy`] is asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// To what kind of thing it is done.
    pub resource: Resource,
    /// What is done.
    pub operation: Operation,
    /// How a request says to which of them.
    pub about: About,
}

/// How a request says what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// It is about the engine as a whole.
    Engine,
    /// It is about what the caller may see: the route leaves the rest out.
    Own,
    /// The query names a namespace.
    Namespace,
    /// The body names a namespace.
    NamespaceInBody,
    /// The query names a namespace, the path an actor in it.
    ActorInPath,
    /// The query names a namespace, and actors in it. Asked for by id or key they are *found*
    /// ([`Resource::ActorResolution`], [`Operation::Read`]), not listed.
    ActorsInQuery,
    /// The query names a namespace, the body an actor in it.
    ActorInBody,
}

impl Wants {
    /// Whether a call is written to the audit log.
    pub fn is_audited(&self) -> bool {
        // Who took all data away is worth knowing, too.
        if (self.resource, self.operation) == (Resource::Checkpoint, Operation::Read) {
            return true;
        }
        match self.operation {
            Operation::Create | Operation::Update | Operation::Delete => true,
            Operation::Read | Operation::List => false,
        }
    }
}

/// A route.
#[derive(Debug)]
pub struct Route {
    /// Its template.
    pub path: &'static str,
    /// What it answers.
    pub endpoints: Vec<Endpoint>,
}

/// A method of a route. It cannot be made without saying who may use it.
#[derive(Debug)]
pub struct Endpoint {
    /// The method. Who may `GET` may also ask for the head alone.
    pub method: Method,
    /// Who may use it.
    pub access: Access,
    handler: MethodRouter<Api>,
}

/// The routes of the API port.
pub fn public() -> Vec<Route> {
    [for_everybody(), engine_and_pools(), actors_and_envoys(), tokens_and_audit(), admin()]
        .into_iter()
        .flatten()
        .collect()
}

/// What strangers may see.
fn for_everybody() -> Vec<Route> {
    vec![
        route("/", [get(Access::Public, dashboard::to_page)]),
        route("/ui", [get(Access::Public, dashboard::to_page)]),
        route("/ui/", [get(Access::Public, dashboard::page)]),
        route("/ui/{file}", [get(Access::Public, dashboard::file)]),
        route("/health", [get(Access::Public, health::health)]),
        route("/ready", [get(Access::Public, health::ready)]),
        route("/metadata", [get(Access::Public, metadata::metadata)]),
    ]
}

/// The engine itself, its namespaces, and the pools of a namespace.
fn engine_and_pools() -> Vec<Route> {
    use About::{Engine as Whole, Namespace as InNamespace, Own};
    use Operation::{Create, Delete, List, Read, Update};
    use Resource::{Datacenter, Engine, Namespace, RunnerConfig};

    vec![
        route("/health/fanout", [get(wants(Engine, Read, Whole), health::fanout)]),
        route("/datacenters", [get(wants(Datacenter, List, Own), datacenters::list)]),
        route(
            "/namespaces",
            [
                get(wants(Namespace, List, Own), namespaces::list),
                post(wants(Namespace, Create, Whole), namespaces::create),
            ],
        ),
        route(
            "/runner-configs",
            [get(wants(RunnerConfig, List, InNamespace), runner_configs::list)],
        ),
        route(
            "/runner-configs/{runner_name}",
            [
                put(wants(RunnerConfig, Update, InNamespace), runner_configs::replace),
                delete(wants(RunnerConfig, Delete, InNamespace), runner_configs::remove),
            ],
        ),
        route(
            "/runner-configs/{runner_name}/refresh-metadata",
            [post(wants(RunnerConfig, Update, InNamespace), runner_configs::refresh_metadata)],
        ),
        route(
            "/runner-configs/serverless-health-check",
            [post(wants(RunnerConfig, Update, InNamespace), runner_configs::health_check)],
        ),
        route("/figures", [get(wants(Engine, Read, Whole), figures::figures)]),
    ]
}

/// Actors, and the processes that run them.
fn actors_and_envoys() -> Vec<Route> {
    use About::{ActorInBody, ActorInPath, ActorsInQuery, Namespace as InNamespace, Own};
    use Operation::{Create, Delete, List, Read, Update};
    use Resource::{Actor, ActorKv, ActorResolution, Envoy};

    vec![
        route(
            "/actors",
            [
                get(wants(Actor, List, ActorsInQuery), actors::list),
                post(wants(Actor, Create, ActorInBody), actors::create),
                put(wants(ActorResolution, Create, ActorInBody), actors::get_or_create),
            ],
        ),
        route("/actors/names", [get(wants(Actor, List, InNamespace), actors::names)]),
        route("/actors/{actor_id}", [delete(wants(Actor, Delete, ActorInPath), actors::destroy)]),
        route("/actors/{actor_id}/sleep", [post(wants(Actor, Update, ActorInPath), actors::sleep)]),
        route(
            "/actors/{actor_id}/reschedule",
            [post(wants(Actor, Update, ActorInPath), actors::reschedule)],
        ),
        route(
            "/actors/{actor_id}/placement",
            [get(wants(Actor, Read, ActorInPath), actors::placement)],
        ),
        route(
            "/actors/{actor_id}/kv/keys",
            [get(wants(ActorKv, List, ActorInPath), actors::kv_entries)],
        ),
        route(
            "/actors/{actor_id}/kv/keys/{key}",
            [get(wants(ActorKv, Read, ActorInPath), actors::kv_value)],
        ),
        route("/envoys", [get(wants(Envoy, List, InNamespace), envoys::list)]),
        route("/envoys/connect", [get(wants(Envoy, List, Own), envoys::connect)]),
        route("/runners", [get(wants(Envoy, List, InNamespace), envoys::runners)]),
        route("/runners/names", [get(wants(Envoy, List, InNamespace), envoys::runner_names)]),
    ]
}

/// Who may do what, and who did.
fn tokens_and_audit() -> Vec<Route> {
    use About::{Engine as Whole, Namespace as InNamespace, NamespaceInBody};
    use Operation::{Create, Delete, List};
    use Resource::{AuditLog, PublicToken, ScopedToken, SecretToken, SigningKey};

    vec![
        route("/auth/tokens", [post(wants(ScopedToken, Create, NamespaceInBody), tokens::issue)]),
        route(
            "/auth/tokens/{token_id}",
            [delete(wants(ScopedToken, Delete, InNamespace), tokens::revoke_scoped)],
        ),
        route(
            "/auth/public-tokens",
            [
                get(wants(PublicToken, List, InNamespace), tokens::list_public),
                post(wants(PublicToken, Create, InNamespace), tokens::create_public),
            ],
        ),
        route(
            "/auth/public-tokens/{token_id}",
            [delete(wants(PublicToken, Delete, InNamespace), tokens::revoke_public)],
        ),
        route(
            "/auth/secret-tokens",
            [
                get(wants(SecretToken, List, InNamespace), tokens::list_secret),
                post(wants(SecretToken, Create, InNamespace), tokens::create_secret),
            ],
        ),
        route(
            "/auth/secret-tokens/{token_id}",
            [delete(wants(SecretToken, Delete, InNamespace), tokens::revoke_secret)],
        ),
        route(
            "/auth/signing-keys",
            [
                get(wants(SigningKey, List, Whole), tokens::list_keys),
                post(wants(SigningKey, Create, Whole), tokens::rotate_keys),
            ],
        ),
        route("/audit", [get(wants(AuditLog, List, Whole), audit::list)]),
    ]
}

/// What an operator does with the engine as a whole.
fn admin() -> Vec<Route> {
    use About::Engine as Whole;
    use Operation::{Create, Delete, List, Read, Update};
    use Resource::{Checkpoint, Engine};

    vec![
        route("/admin/checkpoint", [post(wants(Checkpoint, Create, Whole), admin::create)]),
        route("/admin/checkpoints", [get(wants(Checkpoint, List, Whole), admin::list)]),
        route(
            "/admin/checkpoints/{checkpoint_id}",
            [delete(wants(Checkpoint, Delete, Whole), admin::remove)],
        ),
        route(
            "/admin/checkpoints/{checkpoint_id}/archive",
            [get(wants(Checkpoint, Read, Whole), admin::archive)],
        ),
        route(
            "/admin/checkpoints/{checkpoint_id}/ticket",
            [post(wants(Checkpoint, Read, Whole), admin::ticket)],
        ),
        route("/admin/downloads/{ticket}", [get(Access::Ticket, admin::download)]),
        route("/admin/storage", [get(wants(Engine, Read, Whole), admin::statistics)]),
        route("/admin/compact", [post(wants(Engine, Update, Whole), admin::compact)]),
        route(
            "/admin/drain",
            [
                get(wants(Engine, Read, Whole), admin::progress),
                post(wants(Engine, Update, Whole), admin::begin),
                delete(wants(Engine, Update, Whole), admin::end),
            ],
        ),
        route("/admin/token/rotate", [post(wants(Engine, Update, Whole), admin::rotate)]),
    ]
}

/// The routes of the health port.
pub fn peer() -> Vec<Route> {
    vec![
        route("/health", [get(Access::Public, health::health)]),
        route("/ready", [get(Access::Public, health::ready)]),
    ]
}

/// The routes as a router, each method behind its policy.
pub(super) fn router(routes: Vec<Route>, api: &Api) -> Router<Api> {
    let mut router = Router::new();
    for Route { path, endpoints } in routes {
        let guarded = endpoints.into_iter().map(|Endpoint { access, handler, .. }| match access {
            Access::Public | Access::Ticket => handler,
            // Only requests that a method answers: a wrong method needs no token to be told so.
            Access::Wants(wants) => {
                handler.route_layer(from_fn_with_state(Door::new(api, wants), access::pass))
            }
        });
        let methods = guarded.reduce(MethodRouter::merge).unwrap_or_default();
        // Outside of the policy: a browser's preflight carries no token.
        router = router.route(path, methods.layer(mirroring_cors()));
    }
    router.fallback_service(Router::new().fallback(not_found).layer(CorsLayer::permissive()))
}

fn route<const N: usize>(path: &'static str, endpoints: [Endpoint; N]) -> Route {
    Route { path, endpoints: endpoints.into() }
}

fn wants(resource: Resource, operation: Operation, about: About) -> Access {
    Access::Wants(Wants { resource, operation, about })
}

fn get<H: Handler<T, Api>, T: 'static>(access: Access, handler: H) -> Endpoint {
    endpoint(Method::GET, MethodFilter::GET, access, handler)
}

fn post<H: Handler<T, Api>, T: 'static>(access: Access, handler: H) -> Endpoint {
    endpoint(Method::POST, MethodFilter::POST, access, handler)
}

fn put<H: Handler<T, Api>, T: 'static>(access: Access, handler: H) -> Endpoint {
    endpoint(Method::PUT, MethodFilter::PUT, access, handler)
}

fn delete<H: Handler<T, Api>, T: 'static>(access: Access, handler: H) -> Endpoint {
    endpoint(Method::DELETE, MethodFilter::DELETE, access, handler)
}

fn endpoint<H: Handler<T, Api>, T: 'static>(
    method: Method,
    filter: MethodFilter,
    access: Access,
    handler: H,
) -> Endpoint {
    Endpoint { method, access, handler: axum::routing::on(filter, handler) }
}

async fn not_found() -> ApiError {
    ApiError::route_not_found()
}

fn mirroring_cors() -> CorsLayer {
    CorsLayer::new()
        .allow_credentials(true)
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
}
