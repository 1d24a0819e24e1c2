//! Tells whoever answers a request where it comes from, and hands sockets the room that they take.

use std::task::{Context, Poll};

use axum::extract::Request;
use hyper::body::Incoming;
use tower_service::Service;

use crate::{auth::ClientAddress, limits::Admission, websocket::is_websocket};

/// A service whose requests carry the address of their connection.
#[derive(Debug, Clone)]
pub(super) struct Addressed<S> {
    pub(super) address: ClientAddress,
    pub(super) admission: Admission,
    pub(super) service: S,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Addressed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> S::Future {
        request.extensions_mut().insert(self.address);
        // What becomes a socket outlives its connection, and still counts.
        if is_websocket(request.headers()) {
            request.extensions_mut().insert(self.admission.clone());
        }
        self.service.call(request)
    }
}
