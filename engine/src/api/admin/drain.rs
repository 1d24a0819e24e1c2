//! `/admin/drain`: emptying the engine before it is stopped, and serving again.

use axum::{Extension, Json as Answer, extract::State};

use crate::{
    api::{
        Api,
        access::Noted,
        body::{Json, Nothing},
    },
    drain::Progress,
};

/// What the audit log says about a call, where asking twice changes nothing.
type WrittenDown = Option<Extension<Noted>>;

/// Begins to drain.
pub(in crate::api) async fn begin(
    State(api): State<Api>,
    Json(Nothing {}): Json<Nothing>,
) -> (WrittenDown, Answer<Progress>) {
    let noted = noted(api.admin.drain.begin());
    (noted, Answer(api.admin.drain.progress()))
}

/// How far it is.
pub(in crate::api) async fn progress(State(api): State<Api>) -> Answer<Progress> {
    Answer(api.admin.drain.progress())
}

/// Serves again.
pub(in crate::api) async fn end(State(api): State<Api>) -> (WrittenDown, Answer<Progress>) {
    let noted = noted(api.admin.drain.end());
    (noted, Answer(api.admin.drain.progress()))
}

fn noted(is_change: bool) -> WrittenDown {
    (!is_change).then_some(Extension(Noted::Unchanged))
}
