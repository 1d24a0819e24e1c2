//! The power fails. Every call with which the real program writes is recorded; then disks are built as
//! a loss of power leaves them, at many moments, and the program is started on each.

use std::fs;

use crate::{
    crash_model::{self, Disk},
    engine::{Setup, TOKEN},
};

const WRITES: usize = 320;
const MOMENTS: usize = 48;

/// Decides as dice do, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 3
    }
}

/// Writes, and the calls that wrote them: large rows, so that buffers are written out and logs begun.
fn recorded(durability: &str) -> (Setup, Vec<crash_model::Call>) {
    let setup = Setup::new().with("RIVET__FILE_SYSTEM__DURABILITY", durability);
    let trace = setup.dir().join("calls");
    let mut engine = setup.start_traced(&trace);
    let filler = "x".repeat(30_000);
    for number in 0..WRITES {
        let body =
            format!(r#"{{"datacenters":{{"default":{{"normal":{{}},"metadata":"{filler}"}}}}}}"#);
        let path = format!("/runner-configs/pool-{number}-?namespace=default");
        assert_eq!(engine.send("PUT", &path, Some(TOKEN), &body).status, 200);
    }
    engine.kill_traced(&trace);
    let calls = crash_model::calls(trace.as_std_path());
    (setup, calls)
}

/// What was acknowledged and is not there, or why the program did not start, after each moment.
fn losses(durability: &str) -> Vec<String> {
    let (recorded, calls) = recorded(durability);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut disk = Disk::new(recorded.data_dir().as_std_path());
    let mut changes = 0;
    let mut losses = Vec::new();
    let total = calls.len();
    let mut moments: Vec<usize> = (0..MOMENTS)
        .map(|_| total / 10 + usize::try_from(dice.roll() % (total as u64 * 9 / 10)).unwrap())
        .collect();
    moments.sort_unstable();
    for (number, call) in calls.iter().enumerate() {
        changes += usize::from(disk.apply(call));
        if moments.binary_search(&number).is_err() {
            continue;
        }
        let setup = Setup::new();
        disk.lose_power(setup.data_dir().as_std_path(), || dice.roll().is_multiple_of(2));
        let engine = match setup.try_start() {
            Ok(engine) => engine,
            Err(log) => {
                losses.push(format!("at call {number}: no start: {log}"));
                continue;
            }
        };
        let listed = engine.get("/runner-configs?namespace=default").body;
        let is_lost = |pool: &usize| !listed.contains(&format!("\"pool-{pool}-\""));
        let lost: Vec<usize> = (0..disk.acknowledged.min(WRITES)).filter(is_lost).collect();
        if !lost.is_empty() {
            losses.push(format!("at call {number}: {} of {}", lost.len(), disk.acknowledged));
        }
    }
    assert_eq!(disk.acknowledged, WRITES, "every answer is in the record");
    assert!(changes > WRITES, "the record shows the program at work");
    assert!(fs::exists(recorded.data_dir()).unwrap());
    losses
}

#[test]
fn no_acknowledged_write_is_lost_when_the_power_fails_and_the_engine_starts() {
    let losses = losses("strict");

    assert!(losses.is_empty(), "{}", losses.join("\n"));
}

/// Shows that the story above would notice: without syncs, a loss of power does lose.
#[test]
fn with_relaxed_durability_the_same_power_failures_do_lose_writes() {
    assert!(!losses("relaxed").is_empty());
}
