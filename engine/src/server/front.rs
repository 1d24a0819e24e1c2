//! What a request to the API port is: an envoy's connection, a client's way to an actor, or the API.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::body::Incoming;
use tower_service::Service;

use super::paced::{Pace, Pacing};
use crate::{gateway::Gateway, session::Sessions};

/// Everything behind the API port.
#[derive(Debug, Clone)]
pub(super) struct Front {
    pub(super) sessions: Sessions,
    pub(super) gateway: Gateway,
    pub(super) router: Router,
    pub(super) pacing: Pacing,
}

impl Service<Request<Incoming>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.answer(request.map(Body::new)).await) })
    }
}

impl Front {
    async fn answer(mut self, request: Request) -> Response {
        if self.sessions.claims(&request) {
            return self.sessions.connect(request);
        }
        if let Some(claim) = self.gateway.claim(&request) {
            let request = request.map(|body| self.pacing.apply(body, Pace::Piece));
            return self.gateway.answer(claim, request).await;
        }
        let request = request.map(|body| self.pacing.apply(body, Pace::Whole));
        match self.router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
