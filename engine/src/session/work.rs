//! What one message of an envoy asks for, and who does it.

use std::{sync::Arc, time::Instant};

use rivet_envoy_protocol as protocol;

use super::{
    events::Report,
    lanes::{Lanes, Room},
    sqlite,
};
use crate::{
    actor_data::{ActorData, Fence},
    envoys::EnvoyConnection,
    keyspace::{Id, tables::ActorNameRow},
    lifecycle::{Lifecycle, LifecycleError},
};

/// The most names that one announcement may hold, and the most that an envoy may say about itself.
const NAMES_MAX: usize = 4096;
const METADATA_MAX: usize = 1 << 20;

/// Whose work it is: events of an actor are in order, and so are its storage requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Lane {
    Life(Id),
    Data(Id),
    Names,
}

#[derive(Debug)]
enum Task {
    Events(Id, Vec<Report>),
    Acknowledged(Id, u32, i64),
    Names(Vec<(String, ActorNameRow)>),
    Kv(Id, u32, protocol::KvRequestData),
    Sqlite(Id, Box<protocol::ToRivet>),
}

/// Sorts the messages of one connection.
#[derive(Debug)]
pub(super) struct Dispatcher {
    worker: Worker,
    lanes: Lanes<Lane, (Task, Room)>,
}

#[derive(Debug, Clone)]
struct Worker {
    lifecycle: Lifecycle,
    connection: Arc<EnvoyConnection>,
}

impl Dispatcher {
    pub(super) fn new(lifecycle: Lifecycle, connection: Arc<EnvoyConnection>) -> Self {
        Self { worker: Worker { lifecycle, connection }, lanes: Lanes::default() }
    }

    /// Takes in a message of `bytes`. Waits when too much work is waiting already.
    pub(super) async fn dispatch(&self, message: protocol::ToRivet, bytes: usize) {
        let Worker { lifecycle, connection } = &self.worker;
        match message {
            protocol::ToRivet::ToRivetTunnelMessage(message) => {
                lifecycle.tunnels().deliver(connection.envoy().namespace_id, message);
            }
            protocol::ToRivet::ToRivetPong(pong) => {
                let now = lifecycle.now();
                let sent = u64::try_from(pong.ts).unwrap_or(now);
                lifecycle.envoys().pong(connection.envoy(), now, now.saturating_sub(sent));
            }
            protocol::ToRivet::ToRivetStopping => {
                let worker = self.worker.clone();
                tokio::spawn(async move {
                    worker.lifecycle.envoy_stopping(worker.connection.envoy()).await;
                });
            }
            message => {
                let Some(room) = self.lanes.room(bytes).await else { return };
                self.queue(message, &room).await;
            }
        }
    }

    async fn queue(&self, message: protocol::ToRivet, room: &Room) {
        use protocol::ToRivet as Message;

        match message {
            Message::ToRivetMetadata(metadata) => self.take_metadata(metadata, room),
            Message::ToRivetEvents(events) => {
                for (actor_id, reports) in by_actor(events) {
                    self.add(Lane::Life(actor_id), Task::Events(actor_id, reports), room);
                }
            }
            Message::ToRivetAckCommands(acks) => {
                for checkpoint in acks.last_command_checkpoints {
                    let Ok(actor_id) = checkpoint.actor_id.parse() else { continue };
                    let task =
                        Task::Acknowledged(actor_id, checkpoint.generation, checkpoint.index);
                    self.add(Lane::Life(actor_id), task, room);
                }
            }
            Message::ToRivetKvRequest(request) => match request.actor_id.parse::<Id>() {
                Ok(actor_id) => {
                    let task = Task::Kv(actor_id, request.request_id, request.data);
                    self.add(Lane::Data(actor_id), task, room);
                }
                Err(error) => {
                    let message = error.to_string();
                    let data =
                        protocol::KvResponseData::KvErrorResponse(protocol::KvErrorResponse {
                            message,
                        });
                    self.worker.answer_kv(request.request_id, data).await;
                }
            },
            other => self.queue_sqlite(other, room).await,
        }
    }

    async fn queue_sqlite(&self, request: protocol::ToRivet, room: &Room) {
        let Some(actor_id) = sqlite::actor_of(&request) else { return };
        let elsewhere = sqlite::namespace_of(&request)
            .is_some_and(|name| *name != **self.worker.connection.namespace());
        match actor_id.parse::<Id>() {
            Ok(actor_id) if !elsewhere => {
                let task = Task::Sqlite(actor_id, Box::new(request));
                self.add(Lane::Data(actor_id), task, room);
            }
            Ok(_) => {
                let refusal = sqlite::refusal(&request, "actor does not exist");
                self.worker.answer(refusal).await;
            }
            Err(error) => {
                let message = format!("invalid sqlite actor id: {error}");
                let refusal = sqlite::refusal(&request, &message);
                self.worker.answer(refusal).await;
            }
        }
    }

    fn take_metadata(&self, metadata: protocol::ToRivetMetadata, room: &Room) {
        let Worker { lifecycle, connection } = &self.worker;
        let text = metadata.metadata.filter(|text| text.len() <= METADATA_MAX);
        if let Some(value) = text.and_then(|text| serde_json::from_str(&text).ok()) {
            lifecycle.envoys().set_metadata(connection.envoy(), value);
        }
        let names = metadata.prepopulate_actor_names.unwrap_or_default();
        let rows: Vec<_> = names
            .into_iter()
            .take(NAMES_MAX)
            .filter(|(_, name)| name.metadata.len() <= METADATA_MAX)
            .map(|(name, row)| {
                let metadata = serde_json::from_str(&row.metadata).unwrap_or_default();
                (name, ActorNameRow { metadata })
            })
            .collect();
        if !rows.is_empty() {
            self.add(Lane::Names, Task::Names(rows), room);
        }
    }

    fn add(&self, lane: Lane, task: Task, room: &Room) {
        let worker = self.worker.clone();
        self.lanes.add(lane, (task, Arc::clone(room)), move |(task, room)| {
            let worker = worker.clone();
            async move {
                worker.run(task).await;
                drop(room);
            }
        });
    }
}

impl Worker {
    async fn run(&self, task: Task) {
        match task {
            Task::Events(actor_id, reports) => self.report(actor_id, reports).await,
            Task::Acknowledged(actor_id, generation, index) => {
                let checkpoints = vec![(actor_id, generation, index)];
                let envoy = self.connection.envoy();
                let done = self.lifecycle.commands_acknowledged(envoy, checkpoints).await;
                self.log(&done);
            }
            Task::Names(names) => {
                let namespace_id = self.connection.envoy().namespace_id;
                let done = self.lifecycle.names_announced(namespace_id, names).await;
                self.log(&done);
            }
            Task::Kv(actor_id, request_id, data) => {
                let (begun, operation) = (Instant::now(), kv_operation(&data));
                let fence = self.fence(actor_id, None);
                let response = self.data().kv(fence, data).await;
                self.lifecycle.metrics().data_request(operation, begun.elapsed());
                self.answer_kv(request_id, response).await;
            }
            Task::Sqlite(actor_id, request) => {
                let (begun, operation) = (Instant::now(), sqlite::operation(&request));
                let response = self.sqlite_response(actor_id, *request).await;
                self.lifecycle.metrics().data_request(operation, begun.elapsed());
                self.answer(response).await;
            }
        }
    }

    /// Applies an actor's events in order. What is on disk is acknowledged.
    async fn report(&self, actor_id: Id, reports: Vec<Report>) {
        let mut last = None;
        for report in reports {
            match self.lifecycle.apply_from(self.connection.envoy(), actor_id, report.event).await {
                // An actor that is not there any more needs no event again.
                Ok(_) | Err(LifecycleError::NotFound) => last = Some(report.checkpoint),
                Err(error) => {
                    tracing::error!(%actor_id, %error, "an event could not be stored");
                    break;
                }
            }
        }
        if let Some(checkpoint) = last {
            let acks = protocol::ToEnvoyAckEvents { last_event_checkpoints: vec![checkpoint] };
            self.answer(Some(protocol::ToEnvoy::ToEnvoyAckEvents(acks))).await;
        }
    }

    async fn sqlite_response(
        &self,
        actor_id: Id,
        request: protocol::ToRivet,
    ) -> Option<protocol::ToEnvoy> {
        use protocol::{ToEnvoy as Out, ToRivet as In};

        let data = self.data();
        let fence = |generation: Option<u64>| self.fence(actor_id, generation);
        Some(match request {
            In::ToRivetSqliteGetPagesRequest(request) => {
                let fence = fence(request.data.expected_generation);
                Out::ToEnvoySqliteGetPagesResponse(protocol::ToEnvoySqliteGetPagesResponse {
                    request_id: request.request_id,
                    data: data.get_pages(fence, request.data).await,
                })
            }
            In::ToRivetSqliteCommitRequest(request) => {
                let fence = fence(request.data.expected_generation);
                Out::ToEnvoySqliteCommitResponse(protocol::ToEnvoySqliteCommitResponse {
                    request_id: request.request_id,
                    data: data.commit(fence, request.data).await,
                })
            }
            In::ToRivetSqliteCommitStageBeginRequest(request) => {
                let fence = fence(request.data.expected_generation);
                Out::ToEnvoySqliteCommitStageBeginResponse(
                    protocol::ToEnvoySqliteCommitStageBeginResponse {
                        request_id: request.request_id,
                        data: data.stage_begin(fence, request.data).await,
                    },
                )
            }
            In::ToRivetSqliteCommitStageSegmentRequest(request) => {
                let fence = fence(request.data.expected_generation);
                Out::ToEnvoySqliteCommitStageSegmentResponse(
                    protocol::ToEnvoySqliteCommitStageSegmentResponse {
                        request_id: request.request_id,
                        data: data.stage_segment(fence, request.data).await,
                    },
                )
            }
            In::ToRivetSqliteCommitFinalizeRequest(request) => {
                let fence = fence(request.data.expected_generation);
                Out::ToEnvoySqliteCommitFinalizeResponse(
                    protocol::ToEnvoySqliteCommitFinalizeResponse {
                        request_id: request.request_id,
                        data: data.finalize(fence, request.data).await,
                    },
                )
            }
            In::ToRivetSqliteExecRequest(request) => {
                let fence = fence(Some(request.data.generation));
                Out::ToEnvoySqliteExecResponse(protocol::ToEnvoySqliteExecResponse {
                    request_id: request.request_id,
                    data: data.exec(fence, request.data).await,
                })
            }
            In::ToRivetSqliteExecuteRequest(request) => {
                let fence = fence(Some(request.data.generation));
                Out::ToEnvoySqliteExecuteResponse(protocol::ToEnvoySqliteExecuteResponse {
                    request_id: request.request_id,
                    data: data.execute(fence, request.data).await,
                })
            }
            In::ToRivetSqliteExecuteBatchRequest(request) => {
                let fence = fence(Some(request.data.generation));
                Out::ToEnvoySqliteExecuteBatchResponse(
                    protocol::ToEnvoySqliteExecuteBatchResponse {
                        request_id: request.request_id,
                        data: data.execute_batch(fence, request.data).await,
                    },
                )
            }
            _ => return None,
        })
    }
}

impl Worker {
    fn data(&self) -> &ActorData {
        self.lifecycle.data()
    }

    fn fence(&self, actor: Id, generation: Option<u64>) -> Fence {
        let envoy = self.connection.envoy();
        Fence {
            namespace_id: envoy.namespace_id,
            envoy_key: envoy.key.to_string(),
            actor,
            generation,
        }
    }

    async fn answer_kv(&self, request_id: u32, data: protocol::KvResponseData) {
        let response = protocol::ToEnvoyKvResponse { request_id, data };
        self.answer(Some(protocol::ToEnvoy::ToEnvoyKvResponse(response))).await;
    }

    async fn answer(&self, response: Option<protocol::ToEnvoy>) {
        if let Some(response) = response
            && self.connection.send(response).await.is_err()
        {
            // The envoy asks again when it is back.
            tracing::debug!(envoy_key = %self.connection.envoy().key, "an answer came too late");
        }
    }

    fn log<T>(&self, done: &Result<T, LifecycleError>) {
        if let Err(error) = done {
            let envoy_key = &self.connection.envoy().key;
            tracing::error!(%error, %envoy_key, "an envoy's message could not be stored");
        }
    }
}

/// What a request for entries is called in the metrics.
fn kv_operation(data: &protocol::KvRequestData) -> &'static str {
    use protocol::KvRequestData as Data;

    match data {
        Data::KvGetRequest(_) => "kv_get",
        Data::KvListRequest(_) => "kv_list",
        Data::KvPutRequest(_) => "kv_put",
        Data::KvDeleteRequest(_) => "kv_delete",
        Data::KvDeleteRangeRequest(_) => "kv_delete_range",
        Data::KvDropRequest => "kv_drop",
    }
}

/// The events of each actor, in order.
fn by_actor(events: Vec<protocol::EventWrapper>) -> Vec<(Id, Vec<Report>)> {
    let mut sorted: Vec<(Id, Vec<Report>)> = Vec::new();
    for report in events.into_iter().filter_map(Report::of) {
        match sorted.last_mut() {
            Some((actor_id, reports)) if *actor_id == report.actor_id => reports.push(report),
            _ => sorted.push((report.actor_id, vec![report])),
        }
    }
    sorted
}
