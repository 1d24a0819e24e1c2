//! Whether a site takes a release: every rule, and what it must not get in the way of.

use bundle_spec::{
    Manifest, RootDocument, Sha256Digest,
    policy::{
        Clock, Judgement, MAX_AHEAD, MAX_JUMP, NotAfterPolicy, PolicyError, SiteState, Warning,
        judge,
    },
};

use super::sample::{Tar, good, root};

const CREATED: u64 = 1_760_000_000;
const NOT_AFTER: u64 = 1_790_000_000;

/// Release 5 of the sample, and a site that takes it.
struct Case {
    manifest: Manifest,
    root: RootDocument,
    site: SiteState,
}

fn id(text: &str) -> Sha256Digest {
    Sha256Digest::of(text.as_bytes())
}

impl Case {
    fn new() -> Self {
        let site = SiteState {
            product: Some("notes".parse().unwrap()),
            channel: Some("stable".parse().unwrap()),
            highest: Some((4, id("four"))),
            highest_root: Some(1),
            installed_seq: Some(4),
            installed_format: Some(1),
            audience: None,
            platform: bundle_spec::Platform::LinuxAmd64,
            rivetctl_version: "0.1.0".parse().unwrap(),
            revoked_releases: vec![],
            clock: Clock { now: CREATED + 100, last_seen: 0, build_time: CREATED - 100 },
            not_after: NotAfterPolicy::Warn,
            accept_jump: false,
            allow_downgrade_to: None,
            max_jump: MAX_JUMP,
        };
        let manifest = Manifest::parse(&Tar::parse(&good()).0[0].1).unwrap();
        Self { manifest, root: root(1), site }
    }

    fn judge(&self) -> Result<Judgement, PolicyError> {
        judge(&self.manifest, id("five"), &self.root, &self.site)
    }
}

/// The code after a change.
fn code(change: impl FnOnce(&mut Case)) -> &'static str {
    let mut case = Case::new();
    change(&mut case);
    case.judge().map_or_else(|error| error.code().as_str(), |_| "accepted")
}

fn warnings(change: impl FnOnce(&mut Case)) -> Vec<Warning> {
    let mut case = Case::new();
    change(&mut case);
    case.judge().unwrap().warnings
}

#[test]
fn the_next_release_is_taken_without_a_word() {
    let judgement = Case::new().judge().unwrap();
    assert_eq!(judgement, Judgement { warnings: vec![], effective_now: CREATED + 100 });
}

#[test]
fn a_first_installation_has_no_floor() {
    let first = |case: &mut Case| {
        case.site.highest = None;
        case.site.highest_root = None;
        case.site.installed_seq = None;
        case.site.installed_format = None;
        case.manifest.release_seq = 20_260_101;
    };
    assert_eq!(code(first), "accepted");
}

#[test]
fn a_release_for_somebody_else_is_refused() {
    assert_eq!(
        code(|case| case.site.product = Some("other".parse().unwrap())),
        "RVB-POLICY-PRODUCT"
    );
    assert_eq!(code(|case| case.root.product = "other".parse().unwrap()), "RVB-POLICY-PRODUCT");
    assert_eq!(
        code(|case| case.site.channel = Some("beta".parse().unwrap())),
        "RVB-POLICY-CHANNEL"
    );
    assert_eq!(
        code(|case| case.site.platform = bundle_spec::Platform::LinuxArm64),
        "RVB-POLICY-PLATFORM"
    );
    let for_acme = |case: &mut Case| case.manifest.audience = Some("acme".parse().unwrap());
    assert_eq!(code(for_acme), "RVB-POLICY-AUDIENCE");
    let at = |site: &'static str| {
        move |case: &mut Case| {
            case.manifest.audience = Some("acme".parse().unwrap());
            case.site.audience = Some(site.parse().unwrap());
        }
    };
    assert_eq!(code(at("other")), "RVB-POLICY-AUDIENCE");
    assert_eq!(code(at("acme")), "accepted");
    // A release for everybody is for a named site too.
    assert_eq!(code(|case| case.site.audience = Some("acme".parse().unwrap())), "accepted");
}

#[test]
fn a_release_for_a_newer_rivetctl_is_refused() {
    let needs = |needed: &'static str, have: &'static str| {
        code(|case| {
            case.manifest.rivetctl_min = needed.parse().unwrap();
            case.site.rivetctl_version = have.parse().unwrap();
        })
    };
    assert_eq!(needs("0.10.0", "0.9.9"), "RVB-POLICY-RIVETCTL");
    assert_eq!(needs("0.9.10", "0.10.0"), "accepted");
    assert_eq!(needs("1.0.0", "1.0.0-rc.1+build"), "accepted");
    assert_eq!(needs("1.0.0", "unknown"), "RVB-POLICY-RIVETCTL");
}

#[test]
fn a_revoked_release_is_refused_whoever_revoked_it() {
    assert_eq!(code(|case| case.root.revoked_releases = vec![5]), "RVB-POLICY-REVOKED");
    assert_eq!(code(|case| case.site.revoked_releases = vec![5]), "RVB-POLICY-REVOKED");
}

#[test]
fn an_older_release_is_refused_unless_it_was_named() {
    let older = |case: &mut Case| case.site.highest = Some((6, id("six")));
    assert_eq!(code(older), "RVB-POLICY-ROLLBACK");
    let named = |seq: u64| {
        move |case: &mut Case| {
            case.site.highest = Some((6, id("six")));
            case.site.allow_downgrade_to = Some(seq);
        }
    };
    assert_eq!(code(named(4)), "RVB-POLICY-ROLLBACK");
    assert_eq!(warnings(named(5)), [Warning::Downgrade { from: 6, to: 5 }]);
}

#[test]
fn one_sequence_is_one_bundle() {
    assert_eq!(code(|case| case.site.highest = Some((5, id("five")))), "accepted");
    let other = |case: &mut Case| {
        case.site.highest = Some((5, id("another five")));
        case.site.allow_downgrade_to = Some(5);
    };
    assert_eq!(code(other), "RVB-POLICY-EQUIVOCATION");
}

#[test]
fn a_jump_needs_a_word() {
    let to = |seq: u64| move |case: &mut Case| case.manifest.release_seq = seq;
    assert_eq!(code(to(4 + MAX_JUMP)), "accepted");
    assert_eq!(code(to(5 + MAX_JUMP)), "RVB-POLICY-JUMP");
    assert_eq!(code(to((1 << 53) - 1)), "RVB-POLICY-JUMP");
    let wanted = |case: &mut Case| {
        case.manifest.release_seq = 5 + MAX_JUMP;
        case.site.accept_jump = true;
    };
    assert_eq!(code(wanted), "accepted");
}

#[test]
fn a_newer_root_resets_the_floor_once() {
    let reset = |recorded_under: Option<u64>| {
        move |case: &mut Case| {
            case.site.highest = Some((1 << 52, id("absurd")));
            case.site.highest_root = recorded_under;
            case.root.version = 2;
            case.root.reset_floor = Some(4);
        }
    };
    let from = 1 << 52;
    assert_eq!(warnings(reset(Some(1))), [Warning::FloorReset { root: 2, from, to: 4 }]);
    assert_eq!(code(reset(None)), "accepted");
    assert_eq!(code(reset(Some(2))), "RVB-POLICY-ROLLBACK");
    let below = |case: &mut Case| {
        reset(Some(1))(case);
        case.root.reset_floor = Some(6);
    };
    assert_eq!(code(below), "RVB-POLICY-ROLLBACK");
}

#[test]
fn what_is_installed_must_be_able_to_become_it() {
    assert_eq!(code(|case| case.site.installed_seq = Some(1)), "RVB-POLICY-MIN-FROM");
    assert_eq!(code(|case| case.site.installed_seq = Some(2)), "accepted");
    assert_eq!(code(|case| case.site.installed_format = Some(3)), "RVB-POLICY-STATE-FORMAT");
    let old = |case: &mut Case| {
        case.manifest.engines[0].state_format.reads_from = 2;
        case.site.installed_format = Some(1);
    };
    assert_eq!(code(old), "RVB-POLICY-STATE-FORMAT");
}

#[test]
fn a_wrong_clock_warns_and_does_not_block() {
    let behind = |case: &mut Case| case.site.clock.now = 0;
    assert_eq!(warnings(behind), [Warning::ClockBehind { now: 0, known: CREATED }]);
    let seen_later = |case: &mut Case| case.site.clock.last_seen = CREATED + 500;
    assert_eq!(
        warnings(seen_later),
        [Warning::ClockBehind { now: CREATED + 100, known: CREATED + 500 }]
    );
}

#[test]
fn a_release_from_years_ahead_is_refused() {
    let ahead = |by: u64| move |case: &mut Case| case.manifest.created = CREATED + 100 + by;
    assert_eq!(
        code(|case| {
            ahead(MAX_AHEAD)(case);
            case.manifest.not_after = None;
        }),
        "accepted"
    );
    assert_eq!(
        code(|case| {
            ahead(MAX_AHEAD + 1)(case);
            case.manifest.not_after = None;
        }),
        "RVB-POLICY-CREATED"
    );
}

#[test]
fn the_site_decides_what_not_after_means() {
    let late = |policy: NotAfterPolicy| {
        move |case: &mut Case| {
            case.site.clock.now = NOT_AFTER + 1;
            case.site.not_after = policy;
        }
    };
    let now = NOT_AFTER + 1;
    assert_eq!(
        warnings(late(NotAfterPolicy::Warn)),
        [Warning::PastNotAfter { not_after: NOT_AFTER, now }]
    );
    assert_eq!(code(late(NotAfterPolicy::Deny)), "RVB-POLICY-EXPIRED");
    // A clock set back does not make it young again.
    let set_back = |case: &mut Case| {
        case.site.clock = Clock { now: CREATED, last_seen: NOT_AFTER + 1, build_time: 0 };
        case.site.not_after = NotAfterPolicy::Deny;
    };
    assert_eq!(code(set_back), "RVB-POLICY-EXPIRED");
    let exact = |case: &mut Case| {
        case.site.clock.now = NOT_AFTER;
        case.site.not_after = NotAfterPolicy::Deny;
    };
    assert_eq!(code(exact), "accepted");
}
