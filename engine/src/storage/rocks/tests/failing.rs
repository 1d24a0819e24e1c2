//! A database that takes no write any more, and a disk with too little room.

use super::*;

/// Commits one after another into a database that cannot be written to, and what each is told.
fn outcomes(commits: u64) -> Vec<Result<(), StorageError>> {
    let dir = camino_tempfile::tempdir().unwrap();
    let mut creating = options();
    creating.create_if_missing(true);
    drop(DB::open(&creating, dir.path()).unwrap());
    let db = Arc::new(DB::open_for_read_only(&options(), dir.path(), false).unwrap());
    let committer = Committer::new(committer::Parts {
        db,
        acknowledged: None,
        space: Space::new(dir.path().into(), 0),
        committed: Arc::default(),
        watches: Watches::default(),
        observer: Arc::<Groups>::default(),
    });
    let (queue, requests) = mpsc::sync_channel(QUEUE);
    let committing = thread::spawn(move || committer.run(&requests));
    let outcomes = (0..commits).map(|number| {
        let (answer, pending) = oneshot::channel();
        let tracked = vec![(number.to_be_bytes().to_vec(), Some(vec![1]))];
        let writes = WriteSet { tracked, ..WriteSet::default() };
        let (reads, begun) = (ReadSet::default(), Instant::now());
        queue.send(Request { version: 0, reads, writes, answer, begun }).unwrap();
        pending.blocking_recv().unwrap()
    });
    let outcomes = outcomes.collect();
    drop(queue);
    committing.join().unwrap();
    outcomes
}

/// Nobody knows what a failed write left behind, so the database is not asked a second time.
#[test]
fn after_a_write_that_failed_nothing_is_written_and_nothing_acknowledged() {
    let outcomes = outcomes(3);

    assert!(matches!(outcomes[0], Err(StorageError::Database(_))), "{:?}", outcomes[0]);
    for later in &outcomes[1..] {
        assert!(matches!(later, Err(StorageError::Closed)), "{later:?}");
    }
}

/// What a write of each purpose is told when so many bytes of the disk have to stay free.
async fn written_with(min_free: impl Fn(u64) -> u64) -> [Result<(), StorageError>; 2] {
    let dir = camino_tempfile::tempdir().unwrap();
    let disk = rustix::fs::statvfs(dir.path().as_std_path()).unwrap();
    let min_free_bytes = min_free(disk.f_bavail * disk.f_frsize);
    let settings = StorageSettings { min_free_bytes, ..Durability::Strict.into() };
    let path = dir.path().as_std_path();
    let storage = RocksStorage::open(path, settings, Arc::<Groups>::default()).unwrap();
    let database = Database::new(storage);
    let growth = database.transact(put(1)).await;
    let upkeep = database.for_upkeep().transact(put(2)).await;
    assert_eq!(count(&database).await, usize::from(growth.is_ok()) + usize::from(upkeep.is_ok()));
    [growth, upkeep]
}

#[tokio::test]
async fn a_write_is_refused_by_its_purpose_when_too_little_of_the_disk_is_free() {
    let plenty = written_with(|free| free / 4).await;
    assert!(matches!(plenty, [Ok(()), Ok(())]), "{plenty:?}");

    let reserve = written_with(|free| free / 2 * 3).await;
    assert!(matches!(reserve, [Err(StorageError::Full), Ok(())]), "{reserve:?}");

    let nothing = written_with(|free| free * 4).await;
    assert!(matches!(nothing, [Err(StorageError::Full), Err(StorageError::Full)]), "{nothing:?}");
}
