//! What ours does otherwise than upstream, on purpose. `docs/compatibility.md` tells users the same list,
//! and a test keeps the two equal. Without an entry here, a test expects the same of both engines.

use crate::program::{Flavor, flavor};

/// A difference on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// By which tests name it.
    pub id: &'static str,
    /// What upstream's engine does.
    pub upstream: &'static str,
    /// What ours does.
    pub ours: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// What to expect of the engine under test where the two differ.
pub fn chosen<T>(id: &str, upstream: T, ours: T) -> T {
    assert!(DIFFERENCES.iter().any(|difference| difference.id == id), "{id} is not in the list");
    match flavor() {
        Flavor::Upstream => upstream,
        Flavor::Ours => ours,
    }
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        id: "version",
        upstream: "`version` is upstream's",
        ours: "`version` is this engine's own",
        reason: "an operator has to see what runs; no client compares it",
    },
    Difference {
        id: "bad-cursor",
        upstream: "a `cursor` that cannot be read is answered 500 `core.internal_error`",
        ours: "400 `api.bad_request`",
        reason: "the mistake is the caller's",
    },
    Difference {
        id: "get-or-create-race",
        upstream: "some of several that create the same key at once may get `actor.destroyed_during_creation`, and seldom two of them make an actor",
        ours: "all of them get the one actor",
        reason: "get-or-create is there to be raced",
    },
    Difference {
        id: "pending-start",
        upstream: "an actor that waits for an envoy waits for its timer even when one connects",
        ours: "it starts when an envoy of its pool connects",
        reason: "nobody gains by the wait, which grows to minutes",
    },
    Difference {
        id: "pool-without-envoy",
        upstream: "an actor of a pool that never had an envoy gets the error `no_capacity` and sleeps",
        ours: "it gets `no_envoys` and waits, as in any pool without an envoy",
        reason: "upstream takes such a pool for one of the runners that came before envoys",
    },
    Difference {
        id: "envoy-version",
        upstream: "an envoy whose `version` is no number is closed with `core.internal_error`",
        ours: "with `ws.invalid_request`",
        reason: "the mistake is the app's",
    },
    Difference {
        id: "cut-answer",
        upstream: "a streamed answer of some megabytes is now and then cut off in the middle",
        ours: "it arrives whole",
        reason: "a client cannot know whether it may ask again",
    },
    Difference {
        id: "lost-envoy-request",
        upstream: "with streaming on, a request that comes after its envoy was cut off mostly fails with 500 after about 20 s",
        ours: "it waits, and the next envoy answers it",
        reason: "it was never delivered, so it can be",
    },
    Difference {
        id: "pages-of-the-destroyed",
        upstream: "the pages of a destroyed actor can still be read by the generation that ended",
        ours: "they are deleted, and reading them is refused",
        reason: "destroying is there to delete",
    },
    Difference {
        id: "gateway-token",
        upstream: "calling or creating an actor through the gateway needs no token",
        ours: "it needs one, as the API does, unless `auth.gateway` is `open`",
        reason: "a set token is meant to keep strangers out",
    },
    Difference {
        id: "api-token-header",
        upstream: "the API takes the token from `Authorization` alone",
        ours: "from `x-rivet-token` too",
        reason: "some clients send it nowhere else",
    },
    Difference {
        id: "start-token",
        upstream: "an app of a serverless pool is started with the admin token",
        ours: "with a token for its namespace alone, which ends",
        reason: "whoever may register a pool must not get the admin token by it",
    },
    Difference {
        id: "envoy-path-token",
        upstream: "a plain request to `/envoys/connect` without a token is answered 400",
        ours: "403 `api.forbidden`",
        reason: "it is refused as everywhere",
    },
    Difference {
        id: "namespace-tokens",
        upstream: "there is one kind of token, the admin's",
        ours: "secret, public and scoped tokens of a namespace too",
        reason: "an app and a browser should not hold the keys to everything",
    },
    Difference {
        id: "gateway-malformed-id",
        upstream: "an actor id that cannot be read is answered 500 `core.internal_error`",
        ours: "404 `actor.not_found`",
        reason: "there is no such actor",
    },
    Difference {
        id: "query-error-cors",
        upstream: "errors in the `rvt-` parameters have no CORS headers",
        ours: "they have them",
        reason: "a browser could not read what was wrong",
    },
    Difference {
        id: "always-streaming",
        upstream: "unless `features.guard_gateway_v3` is on, bodies are buffered, and answers in pieces are lost",
        ours: "bodies always stream",
        reason: "apps take both, and memory stays bounded",
    },
    Difference {
        id: "handler-error-retry",
        upstream: "a request whose handler failed before it answered is delivered again",
        ours: "it is answered 502",
        reason: "the handler may have had effects",
    },
    Difference {
        id: "delivered-once",
        upstream: "a request whose actor stops before it answers is delivered again, whatever its method",
        ours: "only GET and HEAD are; others are answered 503 `guard.actor_stopped_while_waiting`, and rivetkit's client repeats its actions itself",
        reason: "the handler may have had effects",
    },
    Difference {
        id: "engine-token-forwarded",
        upstream: "the token in `x-rivet-token` or in the subprotocol `rivet_token.` is passed on to the actor",
        ours: "it is taken out where requests need it",
        reason: "it opens the engine, and no actor reads it",
    },
    Difference {
        id: "unoffered-subprotocol",
        upstream: "a WebSocket handshake is answered with the subprotocol `rivet` even when it was not offered",
        ours: "only when it was offered",
        reason: "strict clients fail otherwise",
    },
    Difference {
        id: "destroyed-in-flight",
        upstream: "with streaming on, a request to an actor that is destroyed meanwhile is answered 503 `guard.actor_stopped_while_waiting`",
        ours: "404 `actor.not_found`, as without streaming",
        reason: "there is nothing left to wait for",
    },
    Difference {
        id: "ready-timeout",
        upstream: "an actor that finds no envoy counts as one that stops while it is waited for: 503 `guard.actor_wake_retries_exceeded` after eight short retries",
        ours: "it is waited for as long as for any other: 503 `guard.actor_ready_timeout`",
        reason: "an app that starts a little late is no error",
    },
    Difference {
        id: "closed-sockets-restored",
        upstream: "a socket that its client closed may still be listed for restoring",
        ours: "it is not",
        reason: "the app would wait for a client that has gone",
    },
    Difference {
        id: "destroyed-hibernating",
        upstream: "a hibernating socket stays open when its actor is destroyed",
        ours: "it is closed with 1000",
        reason: "nobody will ever answer on it",
    },
    Difference {
        id: "closed-before-open",
        upstream: "a client whose socket the app refuses before accepting it waits for a timeout",
        ours: "it is told at once: `guard.websocket_closed_before_open`",
        reason: "the app has answered",
    },
    Difference {
        id: "foreign-pages",
        upstream: "a commit for an actor of another namespace is accepted, and kept where nobody reads it",
        ours: "it is refused",
        reason: "namespaces are meant to keep apps apart",
    },
    Difference {
        id: "no-token-no-start",
        upstream: "without `auth.admin_token` the engine starts and lets everybody in",
        ours: "it does so only where nothing but its own host reaches it; elsewhere it needs a token, or `auth.insecure_allow_unauthenticated`",
        reason: "an engine that is open by omission is found by somebody",
    },
    Difference {
        id: "limits",
        upstream: "what is in flight is limited per address of a client: 2000 at once, 10000 in a minute",
        ours: "per actor and per namespace, and connections per address; the keys are those of the block `limits`",
        reason: "behind a proxy all clients have one address, and one busy actor should not cost another its room",
    },
    Difference {
        id: "dashboard",
        upstream: "`/` leads to `/ui/`, a dashboard that asks other hosts for scripts",
        ours: "`/` leads to `ui/`, a dashboard that asks nobody but the engine",
        reason: "a site may have no network, and a proxy may put a prefix before the path",
    },
];
