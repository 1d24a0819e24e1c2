//! Actors as clients write and read them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    keyspace::{
        Id,
        tables::{ActorError, ActorRow, CrashPolicy},
    },
    lifecycle::NewActor,
};

/// An actor that is to be created.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct CreateRequest {
    #[serde(default)]
    datacenter: Option<String>,
    name: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    input: Option<String>,
    runner_name_selector: String,
    crash_policy: CrashPolicy,
}

/// An actor that is to be found or created: only with a key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct GetOrCreateRequest {
    #[serde(default)]
    datacenter: Option<String>,
    name: String,
    key: String,
    #[serde(default)]
    input: Option<String>,
    runner_name_selector: String,
    crash_policy: CrashPolicy,
}

impl CreateRequest {
    pub(super) fn in_namespace(self, namespace: String) -> NewActor {
        NewActor {
            namespace,
            name: self.name,
            key: self.key,
            pool: self.runner_name_selector,
            input: decoded(self.input),
            crash_policy: self.crash_policy,
            datacenter: self.datacenter,
        }
    }
}

impl GetOrCreateRequest {
    pub(super) fn in_namespace(self, namespace: String) -> NewActor {
        NewActor {
            namespace,
            name: self.name,
            key: Some(self.key),
            pool: self.runner_name_selector,
            input: decoded(self.input),
            crash_policy: self.crash_policy,
            datacenter: self.datacenter,
        }
    }
}

/// Input that is no base64 counts as none: clients rely on it.
fn decoded(input: Option<String>) -> Option<Vec<u8>> {
    STANDARD.decode(input?).ok()
}

/// An actor as it is answered.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "clients know these names")]
pub(in crate::api) struct Actor {
    actor_id: Id,
    name: String,
    key: Option<String>,
    namespace_id: Id,
    datacenter: String,
    runner_name_selector: String,
    crash_policy: CrashPolicy,
    create_ts: u64,
    start_ts: Option<u64>,
    /// Of a protocol that this engine does not speak; clients read the field.
    pending_allocation_ts: Option<u64>,
    connectable_ts: Option<u64>,
    sleep_ts: Option<u64>,
    reschedule_ts: Option<u64>,
    destroy_ts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ActorError>,
}

impl Actor {
    pub(in crate::api) fn new(actor_id: Id, row: ActorRow, datacenter: &str) -> Self {
        Self {
            actor_id,
            name: row.name,
            key: row.key,
            namespace_id: row.namespace_id,
            datacenter: datacenter.to_owned(),
            runner_name_selector: row.pool,
            // Envoys' actors always sleep when they crash, whatever was asked for.
            crash_policy: CrashPolicy::Sleep,
            create_ts: row.create_ts,
            start_ts: row.start_ts,
            pending_allocation_ts: None,
            connectable_ts: row.connectable_ts,
            sleep_ts: row.sleep_ts,
            reschedule_ts: row.reschedule_ts,
            destroy_ts: row.destroy_ts,
            error: row.error,
        }
    }
}
