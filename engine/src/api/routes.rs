//! Every route there is, with who may use it. The only place that adds routes to a router.

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodRouter, delete, get, post, put},
};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use super::{
    Api, access, actors, dashboard, datacenters, envoys, error::ApiError, figures, health,
    metadata, namespaces, runner_configs,
};
use crate::auth::Gate;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody. The answer must be fit for strangers.
    Public,
    /// Those with an admin token.
    Admin,
}

/// A route.
#[derive(Debug)]
pub struct Route {
    /// Its template.
    pub path: &'static str,
    /// Who may use it. There is no default.
    pub access: Access,
    methods: MethodRouter<Api>,
}

/// The routes of the API port.
pub fn public() -> Vec<Route> {
    vec![
        route("/", Access::Public, get(dashboard::to_page)),
        route("/ui", Access::Public, get(dashboard::to_page)),
        route("/ui/", Access::Public, get(dashboard::page)),
        route("/ui/{file}", Access::Public, get(dashboard::file)),
        route("/health", Access::Public, get(health::health)),
        route("/metadata", Access::Public, get(metadata::metadata)),
        route("/health/fanout", Access::Admin, get(health::fanout)),
        route("/datacenters", Access::Admin, get(datacenters::list)),
        route("/namespaces", Access::Admin, get(namespaces::list).post(namespaces::create)),
        route("/runner-configs", Access::Admin, get(runner_configs::list)),
        route(
            "/runner-configs/{runner_name}",
            Access::Admin,
            put(runner_configs::replace).delete(runner_configs::remove),
        ),
        route(
            "/runner-configs/{runner_name}/refresh-metadata",
            Access::Admin,
            post(runner_configs::refresh_metadata),
        ),
        route(
            "/runner-configs/serverless-health-check",
            Access::Admin,
            post(runner_configs::health_check),
        ),
        route(
            "/actors",
            Access::Admin,
            get(actors::list).post(actors::create).put(actors::get_or_create),
        ),
        route("/actors/names", Access::Admin, get(actors::names)),
        route("/actors/{actor_id}", Access::Admin, delete(actors::destroy)),
        route("/actors/{actor_id}/sleep", Access::Admin, post(actors::sleep)),
        route("/actors/{actor_id}/reschedule", Access::Admin, post(actors::reschedule)),
        route("/actors/{actor_id}/placement", Access::Admin, get(actors::placement)),
        route("/actors/{actor_id}/kv/keys", Access::Admin, get(actors::kv_entries)),
        route("/actors/{actor_id}/kv/keys/{key}", Access::Admin, get(actors::kv_value)),
        route("/envoys", Access::Admin, get(envoys::list)),
        route("/figures", Access::Admin, get(figures::figures)),
        route("/runners", Access::Admin, get(envoys::runners)),
        route("/runners/names", Access::Admin, get(envoys::runner_names)),
    ]
}

/// The routes of the health port.
pub fn peer() -> Vec<Route> {
    vec![route("/health", Access::Public, get(health::health))]
}

/// The routes as a router, each behind its policy.
pub(super) fn router(routes: Vec<Route>, gate: &Gate) -> Router<Api> {
    let mut router = Router::new();
    for Route { path, access, methods } in routes {
        let methods = match access {
            Access::Public => methods,
            // Only requests that a method answers: a wrong method needs no token to be told so.
            Access::Admin => {
                methods.route_layer(from_fn_with_state(gate.clone(), access::require_token))
            }
        };
        // Outside of the policy: a browser's preflight carries no token.
        let methods = methods.layer(mirroring_cors());
        router = router.route(path, methods);
    }
    router.fallback_service(Router::new().fallback(not_found).layer(CorsLayer::permissive()))
}

fn route(path: &'static str, access: Access, methods: MethodRouter<Api>) -> Route {
    Route { path, access, methods }
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
