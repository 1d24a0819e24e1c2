//! The actor: a count that is kept, and an event for those who watch it.

use std::{pin::Pin, sync::Arc};

use anyhow::Result;
use async_trait::async_trait;
use rivetkit::{Action, Actor, Ctx, Event, Handles, action};
use serde::{Deserialize, Serialize};

type Answer<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// One tally: a key of its own, a count of its own.
#[derive(Debug)]
pub(crate) struct Tally;

/// What is kept of a tally while nobody uses it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Count {
    count: u64,
}

/// `count(by)`: counts on, and says where that leads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CountOn {
    by: u64,
}

/// `value()`: says how far it has counted.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Value {}

/// What watchers hear of every change.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Changed {
    count: u64,
}

impl Action for CountOn {
    type Output = u64;
    const NAME: &'static str = "count";
}

impl Action for Value {
    type Output = u64;
    const NAME: &'static str = "value";
}

impl Event for Changed {
    const NAME: &'static str = "changed";
}

#[async_trait]
impl Actor for Tally {
    type State = Count;
    type Input = ();
    type Actions = (CountOn, Value);
    type Events = (Changed,);
    type Queue = ();
    type ConnParams = ();
    type ConnState = ();
    type Action = action::Raw;

    async fn create_state(_ctx: &Ctx<Self>, _input: ()) -> Result<Count> {
        Ok(Count { count: 0 })
    }

    async fn create(_ctx: &Ctx<Self>) -> Result<Self> {
        Ok(Self)
    }
}

impl Handles<CountOn> for Tally {
    type Future = Answer<u64>;

    fn handle(self: Arc<Self>, ctx: Ctx<Self>, action: CountOn) -> Self::Future {
        Box::pin(async move {
            let count = {
                let mut state = ctx.state_mut();
                state.count = state.count.saturating_add(action.by);
                state.count
            };
            ctx.emit(Changed { count })?;
            Ok(count)
        })
    }
}

impl Handles<Value> for Tally {
    type Future = Answer<u64>;

    fn handle(self: Arc<Self>, ctx: Ctx<Self>, _action: Value) -> Self::Future {
        Box::pin(async move { Ok(ctx.state().count) })
    }
}
