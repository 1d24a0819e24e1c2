//! What becomes of an actor while the engine starts nothing.

use super::*;

/// An actor that sleeps with an alarm at `at`.
fn asleep_until(at: u64) -> Story {
    let mut story = Story::running();
    story.sets_alarm(Some(i64::try_from(at).unwrap()));
    story.wants_to_sleep();
    story.says_it_stopped(StopCode::Ok);
    story
}

#[test]
fn nothing_wakes_an_actor_while_starts_are_held_and_it_stays_as_it_is() {
    let mut story = Story::asleep();
    story.place = Place::Held;
    let before = story.actor.clone();

    for event in [Event::Wake, Event::Due, Event::Room, Event::Reschedule] {
        assert!(!story.happens(event.clone()), "{event:?}");
    }

    assert_eq!(story.actor, before);
}

#[test]
fn an_alarm_that_is_due_while_starts_are_held_is_kept_and_wakes_the_actor_afterwards() {
    let mut story = asleep_until(NOW + 1);
    story.place = Place::Held;
    story.now = NOW + 1000;

    assert!(!story.happens(Event::Due));
    assert_eq!(deadline(&story.actor), Some(NOW + 1));

    story.place = Place::Envoy("e1".to_owned());
    assert!(story.happens(Event::Due));
    assert!(story.is_starting());
    assert_eq!(story.actor.alarm_ts, None);
}

#[test]
fn an_alarm_that_is_due_when_the_actor_falls_asleep_is_kept_too() {
    let mut story = Story::running();
    story.sets_alarm(Some(-5));
    story.place = Place::Held;

    story.wants_to_sleep();
    story.says_it_stopped(StopCode::Ok);

    assert_eq!(story.actor.state, ActorState::Sleeping);
    assert_eq!(story.actor.alarm_ts, Some(-5));
}

#[test]
fn an_actor_that_was_to_move_sleeps_instead() {
    let mut story = Story::running();
    story.happens(Event::EnvoyStopping { envoy_key: "e1".to_owned() });
    story.place = Place::Held;

    story.says_it_stopped(StopCode::Ok);

    assert_eq!(story.actor.state, ActorState::Sleeping);
    assert_eq!(story.actor.sleep_ts, Some(NOW));
    assert_eq!(story.actor.error, None);
}

#[test]
fn a_wait_for_an_envoy_goes_on_without_counting_as_a_failed_attempt() {
    let mut story = Story::nowhere();
    let before = story.actor.clone();
    story.place = Place::Held;
    story.now = before.reschedule_ts.unwrap();

    assert!(!story.happens(Event::Due));
    assert_eq!(story.actor, before);

    story.place = Place::Envoy("e1".to_owned());
    assert!(story.happens(Event::Room));
    assert!(story.is_starting());
}
