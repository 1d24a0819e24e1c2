mod held;

use super::*;
use crate::keyspace::{
    Id,
    tables::{ActorError, ActorRow, ActorState, CommandRow, CrashPolicy, PoolError, StopReason},
};

const NOW: u64 = 1_000_000;

/// An actor with a world around it.
struct Story {
    actor: ActorRow,
    now: u64,
    place: Place,
    effects: Vec<Effect>,
    rules: Rules,
    index: i64,
}

impl Story {
    fn new(place: Place) -> Self {
        let rules = Rules::default();
        let (actor, effects) = {
            let at = |_: &ActorRow| place.clone();
            let context = Context { now: NOW, jitter: 0, rules: &rules, place: &at };
            create(
                Id::random(1),
                "counter".to_owned(),
                Some("k".to_owned()),
                "default".to_owned(),
                CrashPolicy::Restart,
                &context,
            )
        };
        Self { actor, now: NOW, place, effects, rules, index: -1 }
    }

    fn on(envoy: &str) -> Self {
        Self::new(Place::Envoy(envoy.to_owned()))
    }

    fn nowhere() -> Self {
        Self::new(Place::Nowhere { error: ActorError::NoEnvoys, serverless: false })
    }

    fn running() -> Self {
        let mut story = Self::on("e1");
        story.says_it_runs();
        story
    }

    fn asleep() -> Self {
        let mut story = Self::running();
        story.wants_to_sleep();
        story.says_it_stopped(StopCode::Ok);
        story
    }

    #[expect(clippy::needless_pass_by_value, reason = "a story reads better without references")]
    fn happens(&mut self, event: Event) -> bool {
        let place = self.place.clone();
        let at = |_: &ActorRow| place.clone();
        let context = Context { now: self.now, jitter: 0, rules: &self.rules, place: &at };
        let effects = step(&mut self.actor, &event, &context);
        let changed = effects.is_some();
        self.effects = effects.unwrap_or_default();
        changed
    }

    fn next_index(&mut self) -> (u32, i64) {
        if self.actor.last_event == -1 {
            self.index = -1;
        }
        self.index += 1;
        (self.actor.generation, self.index)
    }

    fn says_it_runs(&mut self) -> bool {
        let (generation, index) = self.next_index();
        self.happens(Event::Running { generation, index })
    }

    fn says_it_stopped(&mut self, code: StopCode) -> bool {
        let (generation, index) = self.next_index();
        let message = (code == StopCode::Error).then(|| "boom".to_owned());
        self.happens(Event::Stopped { generation, index, code, message })
    }

    fn wants_to_sleep(&mut self) -> bool {
        let (generation, index) = self.next_index();
        self.happens(Event::SleepIntent { generation, index })
    }

    fn wants_to_end(&mut self) -> bool {
        let (generation, index) = self.next_index();
        self.happens(Event::StopIntent { generation, index })
    }

    fn sets_alarm(&mut self, alarm_ts: Option<i64>) -> bool {
        let (generation, index) = self.next_index();
        self.happens(Event::SetAlarm { generation, index, alarm_ts })
    }

    /// The commands that the last step sent: index and what.
    fn commands(&self) -> Vec<(i64, &'static str)> {
        let name = |command: &CommandRow| match command {
            CommandRow::Start { .. } => "start",
            CommandRow::Stop { reason: StopReason::Sleep, .. } => "stop: sleep",
            CommandRow::Stop { reason: StopReason::Stop, .. } => "stop: stop",
            CommandRow::Stop { reason: StopReason::Destroy, .. } => "stop: destroy",
            CommandRow::Stop { reason: StopReason::GoingAway, .. } => "stop: going away",
            CommandRow::Stop { reason: StopReason::Lost, .. } => "stop: lost",
        };
        let commands = self.effects.iter().filter_map(|effect| match effect {
            Effect::Command { index, command, .. } => Some((*index, name(command))),
            _ => None,
        });
        commands.collect()
    }

    fn is_starting(&self) -> bool {
        matches!(self.actor.state, ActorState::Starting { .. })
    }

    fn is_stopping_for(&self, wanted: StopReason) -> bool {
        matches!(self.actor.state, ActorState::Stopping { reason, .. } if reason == wanted)
    }
}

#[test]
fn a_new_actor_is_sent_to_an_envoy_as_generation_one() {
    let story = Story::on("e1");

    assert!(story.is_starting());
    assert_eq!(story.actor.generation, 1);
    assert_eq!(story.commands(), [(1, "start")]);
    assert!(story.effects.contains(&Effect::Placed { envoy_key: "e1".to_owned() }));
}

#[test]
fn a_new_actor_without_an_envoy_waits_and_says_why() {
    let story = Story::nowhere();

    assert_eq!(story.actor.state, ActorState::Pending);
    assert_eq!(story.actor.generation, 0);
    assert_eq!(story.actor.error, Some(ActorError::NoEnvoys));
    assert_eq!(story.actor.reschedule_ts, Some(NOW + 4_000));
    assert_eq!(deadline(&story.actor), Some(NOW + 4_000));
}

#[test]
fn room_ends_the_wait_at_once() {
    let mut story = Story::nowhere();
    assert!(!story.happens(Event::Room), "there is none");
    story.place = Place::Envoy("e1".to_owned());

    assert!(story.happens(Event::Room));

    assert!(story.is_starting());
    assert_eq!(story.actor.reschedule_ts, None);
}

#[test]
fn waits_grow_until_the_actor_is_given_up() {
    let mut story = Story::nowhere();
    let mut waits = Vec::new();
    while story.actor.state == ActorState::Pending {
        let at = deadline(&story.actor).unwrap();
        waits.push(at - story.now);
        story.now = at;
        assert!(story.happens(Event::Due));
    }

    assert_eq!(waits[..3], [4_000, 8_000, 16_000]);
    assert_eq!(story.actor.state, ActorState::Sleeping);
    assert_eq!(deadline(&story.actor), None);
}

#[test]
fn a_crowd_that_asks_for_a_waiting_actor_does_not_lengthen_its_wait() {
    let mut story = Story::nowhere();
    for _ in 0..100 {
        assert!(!story.happens(Event::Wake));
    }
}

#[test]
fn the_first_word_that_it_runs_is_remembered_as_its_start() {
    let mut story = Story::asleep();
    let first = story.actor.start_ts;
    story.now += 5_000;
    story.happens(Event::Wake);
    story.says_it_runs();

    assert_eq!(story.actor.start_ts, first);
    assert_eq!(story.actor.connectable_ts, Some(story.now));
    assert_eq!(story.actor.sleep_ts, None);
}

#[test]
fn it_sleeps_when_it_wants_to() {
    let mut story = Story::running();
    assert!(story.wants_to_sleep());
    assert!(story.is_stopping_for(StopReason::Sleep));
    assert_eq!(story.commands(), [(2, "stop: sleep")]);
    assert_eq!(story.actor.connectable_ts, None);

    assert!(story.says_it_stopped(StopCode::Ok));

    assert_eq!(story.actor.state, ActorState::Sleeping);
    assert_eq!(story.actor.sleep_ts, Some(story.now));
    assert_eq!(story.actor.error, None);
    assert!(story.effects.contains(&Effect::GenerationOver { generation: 1 }));
}

#[test]
fn a_request_while_it_falls_asleep_wakes_it_at_once() {
    let mut story = Story::running();
    story.wants_to_sleep();
    story.happens(Event::Wake);
    story.says_it_stopped(StopCode::Ok);

    assert!(story.is_starting());
    assert_eq!(story.actor.generation, 2);
    assert_eq!(story.commands(), [(1, "start")]);
}

#[test]
fn an_alarm_wakes_it_once() {
    let mut story = Story::running();
    let at = NOW + 60_000;
    story.sets_alarm(Some(i64::try_from(at).unwrap()));
    story.wants_to_sleep();
    story.says_it_stopped(StopCode::Ok);
    assert_eq!(deadline(&story.actor), Some(at));

    story.now = at - 1;
    assert!(!story.happens(Event::Due), "it is too early");
    story.now = at;
    assert!(story.happens(Event::Due));

    assert!(story.is_starting());
    assert_eq!(story.actor.alarm_ts, None);
}

#[test]
fn an_alarm_that_is_due_when_it_falls_asleep_wakes_it_at_once() {
    let mut story = Story::running();
    story.sets_alarm(Some(-5));
    story.wants_to_sleep();
    story.says_it_stopped(StopCode::Ok);

    assert!(story.is_starting());
}

#[test]
fn an_alarm_does_not_disturb_an_actor_that_runs() {
    let mut story = Story::running();
    story.sets_alarm(Some(0));

    assert_eq!(deadline(&story.actor), None);
}

#[test]
fn setting_the_same_alarm_again_changes_nothing() {
    let mut story = Story::running();
    assert!(!story.sets_alarm(None));
}

#[test]
fn an_end_that_it_wanted_is_final() {
    let mut story = Story::running();
    story.wants_to_end();
    assert_eq!(story.commands(), [(2, "stop: stop")]);
    story.says_it_stopped(StopCode::Ok);

    assert_eq!(story.actor.state, ActorState::Destroyed);
    assert!(story.effects.contains(&Effect::Destroyed));
}

#[test]
fn an_end_that_nobody_asked_for_is_final_when_it_went_well() {
    let mut story = Story::running();
    story.says_it_stopped(StopCode::Ok);

    assert_eq!(story.actor.state, ActorState::Destroyed);
}

#[test]
fn a_crash_lets_it_sleep_with_its_last_words_whatever_policy_it_has() {
    let mut story = Story::running();
    story.says_it_stopped(StopCode::Error);

    assert_eq!(story.actor.state, ActorState::Sleeping);
    let crashed = ActorError::Crashed { message: Some("boom".to_owned()) };
    assert_eq!(story.actor.error, Some(crashed));
}

#[test]
fn a_crash_while_starting_lets_it_sleep_too() {
    let mut story = Story::on("e1");
    story.says_it_stopped(StopCode::Error);

    assert_eq!(story.actor.state, ActorState::Sleeping);
}

#[test]
fn the_api_destroys_a_sleeping_actor_at_once() {
    let mut story = Story::asleep();
    story.happens(Event::Destroy);

    assert_eq!(story.actor.state, ActorState::Destroyed);
    assert_eq!(story.actor.destroy_ts, Some(story.now));
    assert_eq!(story.commands(), []);
}

#[test]
fn the_api_destroys_a_running_actor_when_it_has_stopped() {
    let mut story = Story::running();
    story.happens(Event::Destroy);
    assert_eq!(story.commands(), [(2, "stop: destroy")]);
    story.says_it_stopped(StopCode::Error);

    assert_eq!(story.actor.state, ActorState::Destroyed);
}

#[test]
fn an_actor_that_starts_is_destroyed_when_it_runs() {
    let mut story = Story::on("e1");
    story.happens(Event::Destroy);
    assert_eq!(story.commands(), []);

    story.says_it_runs();

    assert_eq!(story.commands(), [(2, "stop: destroy")]);
    story.says_it_stopped(StopCode::Ok);
    assert_eq!(story.actor.state, ActorState::Destroyed);
}

#[test]
fn an_actor_that_is_destroyed_while_it_falls_asleep_does_not_come_back() {
    let mut story = Story::running();
    story.wants_to_sleep();
    story.happens(Event::Wake);
    story.happens(Event::Destroy);
    assert_eq!(story.commands(), [(3, "stop: destroy")]);
    story.says_it_stopped(StopCode::Ok);

    assert_eq!(story.actor.state, ActorState::Destroyed);
}

#[test]
fn nothing_wakes_what_is_destroyed() {
    let mut story = Story::asleep();
    story.happens(Event::Destroy);

    for event in [Event::Wake, Event::Reschedule, Event::Room, Event::Due, Event::Destroy] {
        assert!(!story.happens(event));
    }
}

#[test]
fn an_actor_moves_when_its_envoy_leaves() {
    let mut story = Story::running();
    story.place = Place::Envoy("e2".to_owned());
    story.happens(Event::EnvoyStopping { envoy_key: "e1".to_owned() });
    assert_eq!(story.commands(), [(2, "stop: going away")]);
    story.says_it_stopped(StopCode::Ok);

    assert!(story.is_starting());
    assert_eq!(story.actor.envoy_key.as_deref(), Some("e2"));
    assert_eq!(story.actor.error, None);
}

#[test]
fn the_news_of_another_envoy_does_not_concern_it() {
    let mut story = Story::running();

    assert!(!story.happens(Event::EnvoyStopping { envoy_key: "e2".to_owned() }));
    assert!(!story.happens(Event::EnvoyLost { envoy_key: "e2".to_owned() }));
}

#[test]
fn an_actor_of_a_lost_envoy_sleeps_and_the_envoy_is_told() {
    let mut story = Story::running();
    story.happens(Event::EnvoyLost { envoy_key: "e1".to_owned() });

    assert_eq!(story.actor.state, ActorState::Sleeping);
    let error = ActorError::EnvoyConnectionLost { envoy_key: "e1".to_owned() };
    assert_eq!(story.actor.error, Some(error));
    assert_eq!(story.commands(), [(2, "stop: lost")]);
}

#[test]
fn an_actor_that_was_to_be_destroyed_is_when_its_envoy_is_lost() {
    let mut story = Story::running();
    story.happens(Event::Destroy);
    story.happens(Event::EnvoyLost { envoy_key: "e1".to_owned() });

    assert_eq!(story.actor.state, ActorState::Destroyed);
}

#[test]
fn an_envoy_that_does_not_start_it_in_time_loses_it() {
    let mut story = Story::on("e1");
    story.now = deadline(&story.actor).unwrap();
    story.happens(Event::Due);

    let error = ActorError::EnvoyNoResponse { envoy_key: "e1".to_owned() };
    assert_eq!(story.actor.error, Some(error));
    assert_eq!(story.actor.state, ActorState::Sleeping);
}

#[test]
fn events_of_another_generation_are_not_heard() {
    let mut story = Story::asleep();
    story.happens(Event::Wake);
    let old = Event::Stopped { generation: 1, index: 9, code: StopCode::Ok, message: None };

    assert!(!story.happens(old));
    assert!(story.is_starting());
}

#[test]
fn events_that_come_again_are_not_heard_again() {
    let mut story = Story::running();
    story.wants_to_sleep();
    let again = Event::SleepIntent { generation: 1, index: 1 };
    let first = Event::Running { generation: 1, index: 0 };

    assert!(!story.happens(first));
    assert!(!story.happens(again));
}

#[test]
fn the_api_moves_a_running_actor_and_starts_a_sleeping_one() {
    let mut running = Story::running();
    running.happens(Event::Reschedule);
    assert!(running.is_stopping_for(StopReason::GoingAway));

    let mut asleep = Story::asleep();
    asleep.happens(Event::Reschedule);
    assert!(asleep.is_starting());
}

#[test]
fn a_serverless_start_is_bound_to_the_envoy_that_comes_of_it() {
    let mut story = Story::new(Place::Serverless);
    let start = Effect::StartServerless { generation: 1, create_ts: NOW };
    assert_eq!(story.effects, [start]);

    story.happens(Event::Bound { generation: 1, envoy_key: "e9".to_owned() });
    story.says_it_runs();
    story.happens(Event::Sleep);

    assert_eq!(story.commands(), [(1, "stop: sleep")], "the start was command 0");
}

#[test]
fn a_serverless_start_that_fails_is_tried_again_later() {
    let mut story = Story::new(Place::Serverless);
    let error = PoolError::ServerlessStreamEndedEarly;
    story.happens(Event::ServerlessFailed { generation: 1, error: error.clone() });

    assert_eq!(story.actor.state, ActorState::Pending);
    assert_eq!(story.actor.error, Some(ActorError::RunnerPoolError(error)));
    assert!(!story.happens(Event::Room), "its own end makes room, and is no reason to hurry");
    story.now = deadline(&story.actor).unwrap();
    story.happens(Event::Due);
    assert_eq!(story.actor.generation, 2);
}

#[test]
fn a_serverless_generation_is_replaced_before_its_request_ends() {
    let mut story = Story::new(Place::Serverless);
    story.happens(Event::Bound { generation: 1, envoy_key: "e9".to_owned() });
    story.says_it_runs();
    story.happens(Event::Drain { generation: 1 });
    assert_eq!(story.commands(), [(1, "stop: going away")]);
    story.says_it_stopped(StopCode::Ok);

    assert_eq!(story.actor.generation, 2);
}

#[test]
fn every_change_has_a_revision_of_its_own() {
    let mut story = Story::running();
    let before = story.actor.revision;
    story.wants_to_sleep();
    assert_eq!(story.actor.revision, before + 1);
    story.happens(Event::Sleep);
    assert_eq!(story.actor.revision, before + 1, "nothing changed");
}
