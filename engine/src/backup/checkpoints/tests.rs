//! Which checkpoints stay, and what becomes of those that are in use, unfinished or changed.

use std::time::Instant;

use camino_tempfile::Utf8TempDir;

use super::*;
use crate::{
    backup::{Gone, verify},
    clock::ManualClock,
    keyspace::tables::FORMAT,
    storage::{Durability, RocksStorage},
    telemetry::Metrics,
};

const HOUR: Millis = 3_600_000;

fn manifest(create_ts: Millis) -> Manifest {
    Manifest {
        form: FORM.to_owned(),
        id: CheckpointId::new(create_ts),
        create_ts,
        engine_version: "0.1.0".to_owned(),
        data_format: FORMAT,
        sequence: 1,
        files: Vec::new(),
    }
}

/// A store, and the checkpoints of it.
struct Site {
    clock: Arc<ManualClock>,
    checkpoints: Checkpoints,
    database: Database,
    dir: Utf8TempDir,
}

fn site(settings: CheckpointSettings) -> Site {
    let dir = camino_tempfile::tempdir().unwrap();
    let path = dir.path().as_std_path();
    let metrics = Arc::new(Metrics::new().unwrap());
    let database = Database::new(RocksStorage::open(path, Durability::Strict, metrics).unwrap());
    let clock = ManualClock::at(0);
    let checkpoints =
        Checkpoints::new(path, database.clone(), clock.clone(), settings, CancellationToken::new());
    Site { clock, checkpoints, database, dir }
}

impl Site {
    async fn make(&self, now: Millis) -> CheckpointId {
        self.clock.set(now);
        self.checkpoints.create().await.unwrap().id
    }

    async fn ids(&self) -> Vec<CheckpointId> {
        let listed = self.checkpoints.list().await.unwrap();
        listed.into_iter().map(|manifest| manifest.id).collect()
    }

    fn path(&self, rest: &str) -> PathBuf {
        self.dir.path().join(CHECKPOINTS).join(rest).into_std_path_buf()
    }

    /// The archive, as far as it is given.
    async fn archive(&self, id: &CheckpointId) -> (Vec<u8>, Result<(), BackupError>) {
        let opened = self.checkpoints.open(id.clone()).await.unwrap();
        let mut all = Vec::new();
        let outcome = opened.archive.write(|piece| {
            all.extend_from_slice(&piece);
            Ok::<_, Gone>(())
        });
        (all, outcome)
    }
}

#[test]
fn those_go_that_are_too_many_or_too_old_and_never_the_newest() {
    let manifests = [9, 8, 7, 6].map(|hour| manifest(hour * HOUR));
    let ids =
        |indexes: &[usize]| -> Vec<_> { indexes.iter().map(|at| &manifests[*at].id).collect() };
    let beyond = |max_count, max_age| {
        beyond(&CheckpointSettings { max_count, max_age }, &manifests, 10 * HOUR)
    };

    assert_eq!(beyond(4, 100 * HOUR), ids(&[]));
    assert_eq!(beyond(2, 100 * HOUR), ids(&[2, 3]));
    assert_eq!(beyond(4, 2 * HOUR), ids(&[2, 3]));
    assert_eq!(beyond(4, 0), ids(&[1, 2, 3]));
}

#[tokio::test]
async fn a_checkpoint_that_is_read_is_deleted_neither_by_hand_nor_for_a_newer_one() {
    let site = site(CheckpointSettings { max_count: 1, ..CheckpointSettings::default() });
    let first = site.make(0).await;
    let reading = [(), ()].map(|()| site.checkpoints.open(first.clone()));
    let [one, other] = reading;
    let (one, other) = (one.await.unwrap(), other.await.unwrap());

    let second = site.make(1).await;
    drop(one);
    let refused = site.checkpoints.delete(first.clone()).await;

    assert!(matches!(refused, Err(BackupError::InUse)), "{refused:?}");
    assert_eq!(site.ids().await, [second.clone(), first.clone()]);
    drop(other);
    site.checkpoints.delete(first).await.unwrap();
    assert_eq!(site.ids().await, [second]);
}

#[tokio::test]
async fn a_checkpoint_that_became_too_old_goes_while_the_engine_runs() {
    let site = site(CheckpointSettings { max_age: HOUR, ..CheckpointSettings::default() });
    site.make(0).await;
    let second = site.make(1).await;
    assert_eq!(site.ids().await.len(), 2);

    site.clock.set(2 * HOUR);
    let running = tokio::spawn(site.checkpoints.clone().run());

    let begun = Instant::now();
    while site.ids().await.len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the old checkpoint is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(site.ids().await, [second], "the newest stays however old it is");
    running.abort();
}

#[tokio::test]
async fn while_one_is_made_another_one_is_refused() {
    let site = site(CheckpointSettings::default());
    let making = site.checkpoints.0.making.lock().await;

    let refused = site.checkpoints.create().await;

    assert!(matches!(refused, Err(BackupError::Busy)), "{refused:?}");
    drop(making);
    site.make(1).await;
}

#[tokio::test]
async fn what_a_process_that_died_left_unfinished_is_no_checkpoint_and_goes_at_the_next_start() {
    let site = site(CheckpointSettings::default());
    let made = site.make(0).await;
    let left = site.path(&format!("{UNFINISHED}{}", CheckpointId::new(5)));
    fs::create_dir_all(left.join(DATABASE)).unwrap();
    assert_eq!(site.ids().await, std::slice::from_ref(&made));

    let again = Checkpoints::new(
        site.dir.path().as_std_path(),
        site.database.clone(),
        site.clock.clone(),
        CheckpointSettings::default(),
        CancellationToken::new(),
    );

    assert!(!left.exists());
    assert_eq!(again.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_engine_that_stops_finishes_no_checkpoint_and_leaves_none_behind() {
    let site = site(CheckpointSettings::default());
    site.checkpoints.0.stop.cancel();

    let refused = site.checkpoints.create().await;

    assert!(matches!(refused, Err(BackupError::Stopping)), "{refused:?}");
    assert_eq!(fs::read_dir(site.path("")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_that_changed_since_the_checkpoint_was_made_is_not_sent_as_if_it_were_whole() {
    let site = site(CheckpointSettings::default());
    let id = site.make(0).await;
    let (whole, outcome) = site.archive(&id).await;
    outcome.unwrap();
    assert_eq!(verify(whole.as_slice()).unwrap().id, id);
    let file = site.path(&format!("{id}/{DATABASE}/CURRENT"));
    let content = fs::read(&file).unwrap();
    let mut flipped = content.clone();
    flipped[0] ^= 1;

    for changed in [flipped, content[..content.len() - 1].to_vec()] {
        fs::remove_file(&file).unwrap();
        fs::write(&file, changed).unwrap();
        let (sent, outcome) = site.archive(&id).await;

        let Err(BackupError::Damaged { file, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(file.as_str(), "CURRENT");
        assert!(verify(sent.as_slice()).is_err() && sent.len() < whole.len());
    }
}

#[tokio::test]
async fn a_checkpoint_under_the_name_of_another_is_neither_listed_nor_opened() {
    let site = site(CheckpointSettings::default());
    let id = site.make(0).await;
    let other = CheckpointId::new(7);
    fs::rename(site.path(id.as_str()), site.path(other.as_str())).unwrap();

    assert_eq!(site.ids().await, []);
    assert!(site.checkpoints.open(other).await.is_err());
}

#[tokio::test]
async fn a_checkpoint_is_for_the_engines_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let site = site(CheckpointSettings::default());
    let id = site.make(0).await;

    for path in [site.path(""), site.path(id.as_str())] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}
