//! Who is let in, and until when.

use std::{fs, io::Write};

use camino_tempfile::Utf8TempDir;

use super::*;
use crate::{clock::ManualClock, config::Secret};

const A: &str = "rvt_aaaaaaaaaaaaaaaaaaaa";
const B: &str = "rvt_bbbbbbbbbbbbbbbbbbbb";

struct Site {
    dir: Utf8TempDir,
    clock: Arc<ManualClock>,
    gate: Gate,
    file: TokenFile,
}

impl Site {
    fn with_file(content: &str) -> Self {
        let dir = camino_tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens.json");
        fs::write(&path, content).unwrap();
        let clock = ManualClock::at(1000);
        let settings = AuthSettings {
            admin_token_file: Some(path.into_std_path_buf()),
            ..AuthSettings::default()
        };
        let metrics = Arc::new(Metrics::new().unwrap());
        let (gate, file) = Gate::new(&settings, clock.clone(), metrics).unwrap();
        Self { dir, clock, gate, file: file.unwrap() }
    }

    fn replace(&self, content: &str) {
        self.write(content);
        self.file.look();
    }

    fn write(&self, content: &str) {
        let next = self.dir.path().join("next");
        fs::write(&next, content).unwrap();
        fs::rename(&next, self.dir.path().join("tokens.json")).unwrap();
    }

    /// How often a change of the file was reported with this outcome.
    fn reports(&self, outcome: &str) -> u64 {
        let text = String::from_utf8(self.gate.metrics().text().unwrap()).unwrap();
        let name = format!("rivet_engine_auth_token_reloads_total{{outcome=\"{outcome}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0, |count| count.parse().unwrap())
    }

    fn lets_in(&self, token: &str) -> bool {
        identify(&self.gate, format!("Bearer {token}").as_bytes()).is_ok()
    }
}

/// Who sends this `Authorization` header.
fn identify(gate: &Gate, authorization: &[u8]) -> Result<Credential, Denied> {
    let mut presented = Presented::default();
    if let Some(token) = bearer(authorization) {
        presented.add(token);
    }
    gate.identify(&presented, None)
}

fn one(token: &str) -> String {
    format!(r#"{{"tokens":[{{"token":"{token}","not_after":null}}]}}"#)
}

fn fixed(token: &str) -> Gate {
    let settings = AuthSettings {
        admin_token: Some(Secret::new(token.to_owned())),
        ..AuthSettings::default()
    };
    let metrics = Arc::new(Metrics::new().unwrap());
    Gate::new(&settings, ManualClock::at(0), metrics).unwrap().0
}

#[test]
fn only_the_exact_token_behind_bearer_is_let_in() {
    let gate = fixed(A);
    let check = |header: &str| identify(&gate, header.as_bytes());

    assert_eq!(check(&format!("Bearer {A}")), Ok(Credential::Admin));
    assert_eq!(gate.identify(&Presented::default(), None), Err(Denied::NotProvided));
    assert_eq!(check("Bearer "), Err(Denied::NotProvided));
    assert_eq!(check(&format!("Basic {A}")), Err(Denied::NotProvided));
    assert_eq!(check(&format!("bearer {A}")), Err(Denied::NotProvided));
    assert_eq!(check(&format!("Bearer  {A}")), Err(Denied::Invalid));
    assert_eq!(check(&format!("Bearer {A}x")), Err(Denied::Invalid));
    assert_eq!(check(&format!("Bearer {}", &A[..A.len() - 1])), Err(Denied::Invalid));
    assert_eq!(check("Bearer admin"), Err(Denied::Invalid));
}

#[test]
fn several_tokens_are_valid_at_once_each_until_its_time() {
    let site = Site::with_file(&format!(
        r#"{{"tokens":[{{"token":"{A}","not_after":1500}},{{"token":"{B}"}}]}}"#
    ));

    assert!(site.lets_in(A) && site.lets_in(B));
    site.clock.set(1500);
    assert!(site.lets_in(A));
    site.clock.set(1501);
    assert!(!site.lets_in(A));
    assert!(site.lets_in(B));
}

#[test]
fn a_replaced_file_changes_who_is_let_in() {
    let site = Site::with_file(&one(A));

    site.replace(&one(B));

    assert!(!site.lets_in(A));
    assert!(site.lets_in(B));
}

#[test]
fn a_file_written_in_place_changes_who_is_let_in() {
    let site = Site::with_file(&one(A));
    let path = site.dir.path().join("tokens.json");

    // Same length, same inode.
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(one(B).as_bytes()).unwrap();
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).unwrap();
    drop(file);
    site.file.look();

    assert!(!site.lets_in(A));
    assert!(site.lets_in(B));
}

#[test]
fn a_broken_file_leaves_the_old_tokens_valid_until_it_is_mended() {
    let site = Site::with_file(&one(A));

    for broken in ["", "{", "{\"tokens\":[]}", &one("short"), "two words of text", "{\"t\":1}"] {
        site.replace(broken);
        assert!(site.lets_in(A), "{broken:?}");
    }
    fs::remove_file(site.dir.path().join("tokens.json")).unwrap();
    site.file.look();
    assert!(site.lets_in(A));

    site.replace(&one(B));
    assert!(site.lets_in(B) && !site.lets_in(A));
}

#[test]
fn a_file_of_one_plain_line_is_one_token() {
    let site = Site::with_file(&format!("{A}\n"));

    assert!(site.lets_in(A));
}

#[test]
fn default_tokens_are_refused_as_too_short() {
    for token in ["admin", "dev", "", "123456789012345"] {
        assert!(matches!(AcceptedToken::new(token, None), Err(TokenError::Length(_))));
    }
    assert_eq!(AcceptedToken::new("0123456789abcdef\n", None).unwrap_err(), TokenError::Characters);
}

#[test]
fn nothing_that_is_printed_holds_a_token() {
    let site = Site::with_file(&one(A));
    let broken = format!(r#"{{"tokens":[{{"token":"{A}","not_after":"{B}"}}]}}"#);
    let unknown_field = format!(r#"{{"{A}":1}}"#);
    let too_short = r#"{"tokens":[{"token":"hunter2"}]}"#;

    let printed = [
        format!("{:?}", site.gate),
        format!("{:?}", Secret::new(A.to_owned())),
        file::parse(&broken, AcceptedToken::new).unwrap_err().to_string(),
        file::parse(&unknown_field, AcceptedToken::new).unwrap_err().to_string(),
        file::parse(too_short, AcceptedToken::new).unwrap_err().to_string(),
        format!("{:?}", file::parse(&broken, AcceptedToken::new).unwrap_err()),
    ]
    .concat();

    for secret in [A, B, "hunter2"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn a_request_is_one_attempt_however_many_tokens_it_carries() {
    let gate = fixed(A);
    let asks = |wrong: usize| {
        let mut presented = Presented::default();
        for number in 0..wrong {
            presented.add(format!("rvt_wrong_wrong_wrong_{number}").into_bytes());
        }
        presented.add(A.as_bytes());
        gate.identify(&presented, None)
    };

    assert_eq!(asks(3), Ok(Credential::Admin));
    assert_eq!(asks(4), Err(Denied::Invalid));
}

#[test]
fn a_file_that_is_read_at_once_counts_at_once_and_is_reported_once() {
    let site = Site::with_file(&one(A));
    site.write(&one(B));

    site.file.read().unwrap();
    assert!(site.lets_in(B) && !site.lets_in(A));
    assert_eq!(site.reports("taken"), 1);

    site.file.look();
    site.file.read().unwrap();
    assert_eq!(site.reports("taken"), 1, "it is the same change");
}

#[test]
fn a_broken_file_that_is_read_at_once_is_an_error_and_is_reported_once() {
    let site = Site::with_file(&one(A));
    site.write("{broken");

    for _ in 0..2 {
        assert!(matches!(site.file.read(), Err(TokenFileError::Json { .. })));
        site.file.look();
    }

    assert!(site.lets_in(A));
    assert_eq!((site.reports("refused"), site.reports("taken")), (1, 0));
}

#[test]
fn whoever_asks_is_told_which_tokens_are_accepted_and_which_is_theirs() {
    let site = Site::with_file(&format!(
        r#"{{"tokens":[{{"token":"{A}","not_after":1500}},{{"token":"{B}"}}]}}"#
    ));
    let seen_by = |token: &str| {
        let mut presented = Presented::default();
        presented.add(token.as_bytes());
        let accepted = site.gate.accepted(&presented);
        accepted.into_iter().map(|token| (token.not_after_ts, token.is_yours)).collect::<Vec<_>>()
    };

    assert_eq!(seen_by(A), [(Some(1500), true), (None, false)]);
    assert_eq!(seen_by(B), [(Some(1500), false), (None, true)]);
    assert_eq!(seen_by("somebody-elses-token"), [(Some(1500), false), (None, false)]);
    site.clock.set(1501);
    assert_eq!(seen_by(A), [(None, false)], "one that has ended is not accepted");
}

#[test]
fn a_fingerprint_is_the_beginning_of_the_sha_256() {
    let accepted = fixed(A).accepted(&Presented::default());

    // As sha256sum has it.
    assert_eq!(accepted[0].fingerprint, "271a96938dc30f44");
}
