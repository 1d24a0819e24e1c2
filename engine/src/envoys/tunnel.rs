//! Requests and sockets between clients and actors: which message belongs to which.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use futures_util::task::AtomicWaker;
use rivet_envoy_protocol as protocol;

use super::{ConnectionClosed, EnvoyConnection};
use crate::keyspace::{Id, id::random_bytes};

/// How many bytes of an app's answer may wait for a client that reads slowly. Streams stay far
/// below by their windows; a buffered answer is at most 20 MiB, a WebSocket message 32 MiB.
const QUEUE_BYTES: usize = 48 << 20;

/// What a queued message takes besides its body.
const MESSAGE_BYTES: usize = 96;

/// The client reads more slowly than the app writes, and too much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {QUEUE_BYTES} bytes wait for the client")]
pub struct TunnelOverflow;

/// Everything in flight; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Tunnels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    gateway_id: protocol::GatewayId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: u32,
    open: HashMap<protocol::RequestId, Arc<Inbox>>,
    /// The sockets that stay open while their actor sleeps.
    hibernatable: HashMap<Id, HashSet<protocol::RequestId>>,
}

/// What an app has said to one tunnel and nobody has read yet. A queue of its own, and no channel: a
/// channel sets room for dozens of messages aside, and most of these ever hold one.
#[derive(Debug)]
struct Inbox {
    /// Where the actor lives. Ids of tunnels can be guessed, so envoys of other namespaces are not heard.
    namespace_id: Id,
    queue: Mutex<Queue>,
    reader: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<protocol::ToRivetTunnelMessageKind>,
    bytes: usize,
    overflow: bool,
}

/// One request or socket: its id, its counter, and what its actor answers. Dropping it ends it.
#[derive(Debug)]
pub struct Tunnel {
    tunnels: Tunnels,
    actor_id: Id,
    request_id: protocol::RequestId,
    next_index: u16,
    inbox: Arc<Inbox>,
}

impl Default for Tunnels {
    fn default() -> Self {
        let (gateway_id, first): ([u8; 4], [u8; 4]) = (random_bytes(), random_bytes());
        let state = State {
            next: u32::from_le_bytes(first),
            open: HashMap::new(),
            hibernatable: HashMap::new(),
        };
        Self(Arc::new(Inner { gateway_id, state: Mutex::new(state) }))
    }
}

impl Tunnels {
    /// A tunnel to `actor_id`, which lives in `namespace_id`, with an id of its own.
    pub fn open(&self, actor_id: Id, namespace_id: Id) -> Tunnel {
        let inbox = Arc::new(Inbox::new(namespace_id));
        let request_id = self.lock().register(&inbox);
        Tunnel { tunnels: self.clone(), actor_id, request_id, next_index: 0, inbox }
    }

    /// Hands a message of an envoy of the namespace `from` to the tunnel that it names. One that names
    /// none is too late, and ignored; one that names a tunnel of another namespace is ignored as well.
    pub fn deliver(&self, from: Id, message: protocol::ToRivetTunnelMessage) {
        let protocol::ToRivetTunnelMessage { message_id, message_kind } = message;
        if message_id.gateway_id != self.0.gateway_id {
            return;
        }
        let inbox = self.lock().open.get(&message_id.request_id).cloned();
        if let Some(inbox) = inbox.filter(|inbox| inbox.namespace_id == from) {
            inbox.put(message_kind);
        }
    }

    /// The sockets that `actor_id` takes up again when it starts.
    pub fn hibernating(&self, actor_id: &Id) -> Vec<protocol::HibernatingRequest> {
        let gateway_id = self.0.gateway_id;
        let state = self.lock();
        let requests = state.hibernatable.get(actor_id).into_iter().flatten();
        requests
            .map(|request_id| protocol::HibernatingRequest { gateway_id, request_id: *request_id })
            .collect()
    }

    /// How many requests and sockets are in flight.
    pub fn len(&self) -> usize {
        self.lock().open.len()
    }

    /// Whether nothing is in flight.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half way through a change.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn register(&mut self, inbox: &Arc<Inbox>) -> protocol::RequestId {
        loop {
            let request_id = self.next.to_le_bytes();
            self.next = self.next.wrapping_add(1);
            if let std::collections::hash_map::Entry::Vacant(free) = self.open.entry(request_id) {
                free.insert(Arc::clone(inbox));
                return request_id;
            }
        }
    }

    fn set_hibernatable(&mut self, actor_id: Id, request: protocol::RequestId, is: bool) {
        if is {
            self.hibernatable.entry(actor_id).or_default().insert(request);
        } else if let Some(requests) = self.hibernatable.get_mut(&actor_id) {
            requests.remove(&request);
            if requests.is_empty() {
                self.hibernatable.remove(&actor_id);
            }
        }
    }
}

impl Inbox {
    fn new(namespace_id: Id) -> Self {
        Self { namespace_id, queue: Mutex::default(), reader: AtomicWaker::new() }
    }

    fn put(&self, kind: protocol::ToRivetTunnelMessageKind) {
        self.lock().put(kind);
        self.reader.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here can panic half way through a change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn put(&mut self, kind: protocol::ToRivetTunnelMessageKind) {
        let size = size_of_message(&kind);
        if self.overflow || (self.bytes > 0 && self.bytes.saturating_add(size) > QUEUE_BYTES) {
            // What comes after a gap is of no use, and neither is what came before it.
            *self = Self { overflow: true, ..Self::default() };
            return;
        }
        self.bytes = self.bytes.saturating_add(size);
        self.messages.push_back(kind);
    }

    fn take(&mut self) -> Option<Result<protocol::ToRivetTunnelMessageKind, TunnelOverflow>> {
        if self.overflow {
            return Some(Err(TunnelOverflow));
        }
        let kind = self.messages.pop_front()?;
        self.bytes = self.bytes.saturating_sub(size_of_message(&kind));
        Some(Ok(kind))
    }
}

impl Tunnel {
    /// The actor that the tunnel leads to.
    pub fn actor_id(&self) -> Id {
        self.actor_id
    }

    /// Whether the socket stays open while the actor sleeps.
    pub fn set_hibernatable(&self, hibernatable: bool) {
        self.tunnels.lock().set_hibernatable(self.actor_id, self.request_id, hibernatable);
    }

    /// Sends with the next index, which is returned. The counter moves only when it was queued.
    pub async fn send(
        &mut self,
        connection: &EnvoyConnection,
        kind: protocol::ToEnvoyTunnelMessageKind,
    ) -> Result<u16, ConnectionClosed> {
        let index = self.next_index;
        self.resend(connection, index, kind).await?;
        self.next_index = index.wrapping_add(1);
        Ok(index)
    }

    /// Sends with the next index whatever waits there: for the last word of a request.
    pub fn send_now(
        &mut self,
        connection: &EnvoyConnection,
        kind: protocol::ToEnvoyTunnelMessageKind,
    ) -> Result<(), ConnectionClosed> {
        let index = self.next_index;
        connection.send_now(self.message(index, kind))?;
        self.next_index = index.wrapping_add(1);
        Ok(())
    }

    /// Takes the next index without sending anything: for a message that is kept until its actor
    /// is back.
    pub fn reserve(&mut self) -> u16 {
        let index = self.next_index;
        self.next_index = index.wrapping_add(1);
        index
    }

    /// Sends under an index that was taken before.
    pub async fn resend(
        &self,
        connection: &EnvoyConnection,
        index: u16,
        kind: protocol::ToEnvoyTunnelMessageKind,
    ) -> Result<(), ConnectionClosed> {
        connection.send(self.message(index, kind)).await
    }

    fn message(&self, index: u16, kind: protocol::ToEnvoyTunnelMessageKind) -> protocol::ToEnvoy {
        let message_id = protocol::MessageId {
            gateway_id: self.tunnels.0.gateway_id,
            request_id: self.request_id,
            message_index: index,
        };
        let message = protocol::ToEnvoyTunnelMessage { message_id, message_kind: kind };
        protocol::ToEnvoy::ToEnvoyTunnelMessage(message)
    }

    /// Begins again under a new id: nothing that was sent or queued before counts any more.
    pub fn restart(&mut self) {
        *self = self.tunnels.open(self.actor_id, self.inbox.namespace_id);
    }

    /// Waits for the actor's next message. May be dropped before it is there: nothing is lost.
    pub async fn recv(&mut self) -> Result<protocol::ToRivetTunnelMessageKind, TunnelOverflow> {
        poll_fn(|context| {
            if let Some(kind) = self.try_recv() {
                return Poll::Ready(kind);
            }
            self.inbox.reader.register(context.waker());
            // Once more: it may have come in between, when nobody was there to be woken.
            self.try_recv().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Waits until so much has waited for the client that the tunnel is given up. For whoever is not
    /// reading, because it is still writing.
    pub async fn overflowed(&self) {
        poll_fn(|context| {
            self.inbox.reader.register(context.waker());
            if self.inbox.lock().overflow { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// The actor's next message, if it is there already.
    pub fn try_recv(
        &mut self,
    ) -> Option<Result<protocol::ToRivetTunnelMessageKind, TunnelOverflow>> {
        self.inbox.lock().take()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let mut state = self.tunnels.lock();
        state.open.remove(&self.request_id);
        state.set_hibernatable(self.actor_id, self.request_id, false);
    }
}

fn size_of_message(kind: &protocol::ToRivetTunnelMessageKind) -> usize {
    use protocol::ToRivetTunnelMessageKind as Kind;

    let body = match kind {
        Kind::ToRivetResponseStart(start) => {
            let headers = start.headers.iter().map(|(name, value)| name.len() + value.len());
            start.body.as_ref().map_or(0, Vec::len) + headers.sum::<usize>()
        }
        Kind::ToRivetResponseChunk(chunk) => chunk.body.len(),
        Kind::ToRivetWebSocketMessage(message) => message.data.len(),
        Kind::ToRivetResponseAbort(_)
        | Kind::ToRivetRequestBodyWindowUpdate(_)
        | Kind::ToRivetRequestBodyCancel
        | Kind::ToRivetWebSocketOpen(_)
        | Kind::ToRivetWebSocketMessageAck(_)
        | Kind::ToRivetWebSocketClose(_) => 0,
    };
    body + MESSAGE_BYTES
}

#[cfg(test)]
mod tests;
