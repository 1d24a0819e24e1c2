//! `/datacenters`: where actors can run.

use axum::{Json, extract::State};
use serde::Serialize;

use super::{Api, namespaces::Pagination};

#[derive(Debug, Serialize)]
pub(super) struct Datacenters {
    datacenters: Vec<Datacenter>,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
struct Datacenter {
    label: u16,
    name: String,
    url: String,
}

/// Clients send parameters along that nobody reads, so none is refused.
pub(super) async fn list(State(api): State<Api>) -> Json<Datacenters> {
    let datacenter = api.directory.datacenter();
    let here = Datacenter {
        label: datacenter.label,
        name: datacenter.name.clone(),
        url: datacenter.public_url.clone(),
    };
    Json(Datacenters { datacenters: vec![here], pagination: Pagination { cursor: None } })
}
