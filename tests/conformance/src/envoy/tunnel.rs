//! Requests and sockets of clients, as they reach the app.

use std::collections::HashMap;

use super::{Envoy, Line};
use crate::protocol::{
    HttpStreamAbortReason, HttpStreamAbortReasonKind, MessageId, ToEnvoy, ToEnvoyRequestStart,
    ToEnvoyTunnelMessage, ToEnvoyTunnelMessageKind as FromClient, ToEnvoyWebSocketOpen, ToRivet,
    ToRivetRequestBodyWindowUpdate, ToRivetResponseAbort, ToRivetResponseChunk,
    ToRivetResponseStart, ToRivetTunnelMessage, ToRivetTunnelMessageKind as ToClient,
    ToRivetWebSocketClose, ToRivetWebSocketMessage, ToRivetWebSocketMessageAck,
    ToRivetWebSocketOpen,
};

/// A request or a socket that has reached the app.
#[derive(Debug, Clone)]
pub struct Reached<T> {
    /// Its id, with the index of its first message.
    pub id: MessageId,
    /// Its first message.
    pub start: T,
}

impl Envoy {
    /// Waits for the request with this path.
    pub async fn request(&self, path: &str) -> Reached<ToEnvoyRequestStart> {
        self.request_after(0, path).await
    }

    /// Waits for the request with this path, behind the first `count` messages.
    pub async fn request_after(&self, count: usize, path: &str) -> Reached<ToEnvoyRequestStart> {
        self.inbox()
            .first_after(count, &format!("the request {path}"), |message| {
                let ToEnvoy::ToEnvoyTunnelMessage(message) = message else { return None };
                match &message.message_kind {
                    FromClient::ToEnvoyRequestStart(start) if start.path == path => {
                        Some(Reached { id: message.message_id.clone(), start: start.clone() })
                    }
                    _ => None,
                }
            })
            .await
    }

    /// Waits for the socket with this path.
    pub async fn socket(&self, path: &str) -> Reached<ToEnvoyWebSocketOpen> {
        self.inbox()
            .first(&format!("the socket {path}"), |message| {
                let ToEnvoy::ToEnvoyTunnelMessage(message) = message else { return None };
                match &message.message_kind {
                    FromClient::ToEnvoyWebSocketOpen(start) if start.path == path => {
                        Some(Reached { id: message.message_id.clone(), start: start.clone() })
                    }
                    _ => None,
                }
            })
            .await
    }

    /// All messages so far of one request or socket, with their indexes.
    pub fn tunneled(&self, id: &MessageId) -> Vec<(u16, FromClient)> {
        self.inbox().all(|message| {
            tunneled(message, id).map(|m| (m.message_id.message_index, m.message_kind.clone()))
        })
    }

    /// Waits for the first message of a request or socket that `pick` takes.
    pub async fn from_client<T>(
        &self,
        id: &MessageId,
        what: &str,
        mut pick: impl FnMut(u16, &FromClient) -> Option<T>,
    ) -> T {
        self.inbox()
            .first(what, |message| {
                let message = tunneled(message, id)?;
                pick(message.message_id.message_index, &message.message_kind)
            })
            .await
    }

    /// Waits for what a socket's client says, and the index under which it came.
    pub async fn heard(&self, id: &MessageId, text: &str) -> u16 {
        self.from_client(id, &format!("the client says {text}"), |index, kind| match kind {
            FromClient::ToEnvoyWebSocketMessage(said) if said.data == text.as_bytes() => {
                Some(index)
            }
            _ => None,
        })
        .await
    }

    /// Waits until a socket's client has gone, and how.
    pub async fn client_gone(&self, id: &MessageId) -> (Option<u16>, Option<String>) {
        self.from_client(id, "the client closes its socket", |_, kind| match kind {
            FromClient::ToEnvoyWebSocketClose(close) => Some((close.code, close.reason.clone())),
            _ => None,
        })
        .await
    }

    /// Waits for the engine to give a request up.
    pub async fn aborted(&self, id: &MessageId) -> HttpStreamAbortReason {
        self.from_client(id, "the request is aborted", |_, kind| match kind {
            FromClient::ToEnvoyRequestAbort(abort) => Some(abort.reason.clone()),
            _ => None,
        })
        .await
    }

    /// Sends a message of a request or socket, with its next index.
    pub fn tunnel(&self, id: &MessageId, kind: ToClient) {
        self.line.tunnel(id, kind);
    }

    /// Answers a request in one piece.
    pub fn respond(&self, id: &MessageId, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let body = (!body.is_empty()).then(|| body.to_vec());
        let start = ToRivetResponseStart { status, headers: map(headers), body, stream: false };
        self.tunnel(id, ToClient::ToRivetResponseStart(start));
    }

    /// Begins an answer whose body follows in pieces.
    pub fn respond_streaming(&self, id: &MessageId, status: u16, headers: &[(&str, &str)]) {
        let headers = map(headers);
        let start = ToRivetResponseStart { status, headers, body: None, stream: true };
        self.tunnel(id, ToClient::ToRivetResponseStart(start));
    }

    /// The next piece of a body.
    pub fn chunk(&self, id: &MessageId, body: &[u8], finish: bool) {
        let chunk = ToRivetResponseChunk { body: body.to_vec(), finish };
        self.tunnel(id, ToClient::ToRivetResponseChunk(chunk));
    }

    /// Gives an answer up.
    pub fn abort(&self, id: &MessageId, kind: HttpStreamAbortReasonKind, detail: &str) {
        let reason = HttpStreamAbortReason { kind, detail: Some(detail.to_owned()) };
        self.tunnel(id, ToClient::ToRivetResponseAbort(ToRivetResponseAbort { reason }));
    }

    /// Says how much of a request's body the app has used.
    pub fn consumed(&self, id: &MessageId, bytes: u64) {
        let update = ToRivetRequestBodyWindowUpdate { consumed_bytes: bytes };
        self.tunnel(id, ToClient::ToRivetRequestBodyWindowUpdate(update));
    }

    /// Accepts a socket.
    pub fn open(&self, id: &MessageId, can_hibernate: bool) {
        let open = ToRivetWebSocketOpen { can_hibernate };
        self.tunnel(id, ToClient::ToRivetWebSocketOpen(open));
    }

    /// Says something to a socket's client.
    pub fn say(&self, id: &MessageId, text: &str) {
        let message = ToRivetWebSocketMessage { data: text.as_bytes().to_vec(), binary: false };
        self.tunnel(id, ToClient::ToRivetWebSocketMessage(message));
    }

    /// Acknowledges what a socket's client said, up to an index.
    pub fn acknowledge_message(&self, id: &MessageId, index: u16) {
        let acknowledgement = ToRivetWebSocketMessageAck { index };
        self.tunnel(id, ToClient::ToRivetWebSocketMessageAck(acknowledgement));
    }

    /// Closes a socket.
    pub fn hang_up(
        &self,
        id: &MessageId,
        code: Option<u16>,
        reason: Option<&str>,
        hibernate: bool,
    ) {
        let reason = reason.map(ToOwned::to_owned);
        let close = ToRivetWebSocketClose { code, reason, hibernate };
        self.tunnel(id, ToClient::ToRivetWebSocketClose(close));
    }

    /// Restores a socket that hibernated: its messages count from 0 again.
    pub fn restore(&self, gateway_id: [u8; 4], request_id: [u8; 4]) {
        let open = ToRivetWebSocketOpen { can_hibernate: true };
        self.line.restart(gateway_id, request_id, ToClient::ToRivetWebSocketOpen(open));
    }
}

fn tunneled<'m>(message: &'m ToEnvoy, id: &MessageId) -> Option<&'m ToEnvoyTunnelMessage> {
    let ToEnvoy::ToEnvoyTunnelMessage(message) = message else { return None };
    let same = message.message_id.gateway_id == id.gateway_id
        && message.message_id.request_id == id.request_id;
    same.then_some(message)
}

fn map(headers: &[(&str, &str)]) -> HashMap<String, String> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Line {
    pub(super) fn tunnel(&self, id: &MessageId, message_kind: ToClient) {
        let message_index = {
            let mut messages = self.messages.lock().unwrap();
            let next = messages.entry(id.request_id).or_default();
            *next = next.wrapping_add(1);
            next.wrapping_sub(1)
        };
        let message_id = MessageId { message_index, ..id.clone() };
        let message = ToRivetTunnelMessage { message_id, message_kind };
        self.send(ToRivet::ToRivetTunnelMessage(message));
    }

    pub(super) fn restart(&self, gateway_id: [u8; 4], request_id: [u8; 4], kind: ToClient) {
        self.messages.lock().unwrap().remove(&request_id);
        self.tunnel(&MessageId { gateway_id, request_id, message_index: 0 }, kind);
    }
}
