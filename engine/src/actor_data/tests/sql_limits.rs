//! What SQL may not do: reach the host, or take memory and time without bound.

use super::{sql_client::*, *};

#[tokio::test]
async fn no_file_of_the_host_is_in_reach() {
    let world = World::new();
    let actor = world.actor().await;
    let path = world.dir.path().join("stolen.db");
    let statements = [
        format!("attach '{path}' as x"),
        format!("attach 'file:{path}?vfs=unix' as x"),
        format!("attach '{path}' || '' as x"),
        format!("vacuum into '{path}'"),
        format!("vacuum into '{path}' || ''"),
        "attach ':memory:' as x".to_owned(),
        "vacuum into ':memory:'".to_owned(),
        "select load_extension('x')".to_owned(),
        format!("select writefile('{path}', 'x')"),
        "select readfile('/etc/passwd')".to_owned(),
    ];
    world.exec(&actor, "create table t(a)").await.unwrap();

    for sql in &statements {
        assert!(world.execute(&actor, sql, None).await.is_err(), "{sql}");
    }

    assert!(!path.exists());
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["0"]);
}

/// With a bound value, SQLite itself would answer an address, and take one.
#[tokio::test]
async fn no_address_of_memory_is_answered_or_taken() {
    let world = World::new();
    let actor = world.actor().await;
    let address = protocol::SqliteValueBlob { value: vec![1; 8] };
    let address = protocol::SqliteBindParam::SqliteValueBlob(address);

    let read = world.execute(&actor, "select fts3_tokenizer(?)", Some(vec![text("simple")])).await;
    let set = world
        .execute(&actor, "select fts3_tokenizer(?, ?)", Some(vec![text("simple"), address]))
        .await;

    let refused = "failed to prepare sqlite execute statement: not authorized to use function: \
                   fts3_tokenizer";
    assert_eq!(read, sql_error(refused));
    assert_eq!(set, sql_error(refused));
    let shouted = world.execute(&actor, "select FTS3_TOKENIZER(?)", Some(vec![text("simple")]));
    assert!(shouted.await.is_err());
}

#[tokio::test]
async fn pragmas_cannot_change_how_pages_are_written() {
    let world = World::new();
    let actor = world.actor().await;
    world.exec(&actor, "create table t(a)").await.unwrap();
    for pragma in [
        "synchronous = off",
        "page_size = 8192",
        "locking_mode = normal",
        "journal_mode = wal",
        "journal_mode = off",
        "main.journal_mode = persist",
        "temp.journal_mode = persist",
        "cache_size = 1000000",
        "temp.cache_size = 1000000",
        "cache_spill = off",
        "temp_store = 2",
        "temp.temp_store = 2",
        "mmap_size = 1000000000",
        "writable_schema = on",
        "hard_heap_limit = 1",
        "soft_heap_limit = 1",
        "max_page_count = 1",
        "temp_store_directory = '/'",
        "trusted_schema = on",
    ] {
        world.execute(&actor, &format!("pragma {pragma}"), None).await.unwrap();
        world.exec(&actor, &format!("explain pragma {pragma}")).await.unwrap();
    }
    world.execute(&actor, "insert into t values (1)", None).await.unwrap();
    world.execute(&actor, "vacuum", None).await.unwrap();

    for (pragma, value) in [
        ("synchronous", "1"),
        ("page_size", "4096"),
        ("locking_mode", "'exclusive'"),
        ("journal_mode", "'delete'"),
        ("cache_size", "-2048"),
        ("temp_store", "1"),
        ("trusted_schema", "0"),
        ("foreign_keys", "1"),
    ] {
        assert_eq!(world.select(&actor, &format!("pragma {pragma}")).await, [value], "{pragma}");
    }
    let mode = world.execute(&actor, "PRAGMA Journal_Mode = wal", None).await.unwrap();
    assert_eq!(
        (mode.columns, mode.rows),
        (vec!["journal_mode".to_owned()], vec!["'delete'".to_owned()])
    );
    // Those that apps use go on working.
    world.execute(&actor, "pragma user_version = 5", None).await.unwrap();
    let world = world.reopen().await;
    assert_eq!(world.select(&actor, "pragma user_version").await, ["5"]);
    assert_eq!(world.select(&actor, "select a from t").await, ["1"]);
    let columns = world.select(&actor, "select name from pragma_table_info('t')").await;
    assert_eq!(columns, ["'a'"]);
}

#[tokio::test]
async fn the_values_of_a_statement_have_128_kib_at_most() {
    let world = World::new();
    let actor = world.actor().await;
    let over = "remote sqlite bind params had 131073 bytes, exceeding limit 131072";
    let (most, more) = (text(&"x".repeat(131_072)), text(&"x".repeat(131_073)));

    let fits = world.execute(&actor, "select length(?)", Some(vec![most])).await;
    assert_eq!(fits.unwrap().rows, ["131072"]);
    assert_eq!(world.execute(&actor, "select ?", Some(vec![more.clone()])).await, sql_error(over));
    world.exec(&actor, "create table t(a)").await.unwrap();
    let statements = vec![
        protocol::SqliteBatchStatement { sql: "insert into t values (1)".to_owned(), params: None },
        protocol::SqliteBatchStatement { sql: "select ?".to_owned(), params: Some(vec![more]) },
    ];
    assert_eq!(world.batch_of(&actor, statements).await, sql_error(over));
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["0"]);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused_and_the_connection_goes_on() {
    let world = World::new();
    let actor = world.actor().await;
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n";

    for sql in [endless, "select zeroblob(17000000), zeroblob(17000000)"] {
        let refused = world.execute(&actor, sql, None).await.unwrap_err().0;
        assert!(refused.contains("more than 33554432 bytes"), "{refused}");
        let refused = world.exec(&actor, sql).await.unwrap_err().0;
        assert!(refused.contains("more than 33554432 bytes"), "{refused}");
    }

    assert_eq!(world.select(&actor, "select 1").await, ["1"]);
}

#[tokio::test]
async fn a_value_too_long_to_be_kept_is_refused() {
    let world = World::new();
    let actor = world.actor().await;

    for sql in ["select length(zeroblob(1000000000))", "select length(printf('%1000000000d', 1))"] {
        let refused = world.execute(&actor, sql, None).await.unwrap_err().0;
        assert!(refused.contains("too big"), "{refused}");
    }
}

#[tokio::test]
async fn a_query_without_an_end_stops_when_its_generation_does() {
    let world = Arc::new(World::new());
    let actor = world.actor().await;
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) \
                   select count(*) from n";
    let running = tokio::spawn({
        let (world, actor) = (Arc::clone(&world), actor.clone());
        async move { world.execute(&actor, endless, None).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;

    world.data.close(actor.actor).await;

    assert_eq!(
        running.await.unwrap(),
        sql_error("failed to step sqlite execute statement: interrupted")
    );
}

#[tokio::test]
async fn a_transaction_beyond_the_quota_fails_as_a_whole() {
    let limits = DataLimits { sqlite_bytes: 50 * PAGE_SIZE as u64, ..DataLimits::default() };
    let world = World::with_limits(limits);
    let actor = world.actor().await;
    world.exec(&actor, "create table t(b)").await.unwrap();
    world.exec(&actor, "insert into t values ('x')").await.unwrap();
    let fill = |rows: u32| {
        format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows}) \
             insert into t(b) select hex(randomblob(2000)) from n"
        )
    };

    for rows in [60, 2000] {
        assert_eq!(
            world.execute(&actor, &fill(rows), None).await,
            sql_error("failed to step sqlite execute statement: database or disk is full")
        );
        assert_eq!(world.select(&actor, "select b from t").await, ["'x'"]);
        assert_eq!(world.select(&actor, "pragma integrity_check").await, ["'ok'"]);
    }
    world.execute(&actor, &fill(20), None).await.unwrap();
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["21"]);
}

/// Pages are the actor's to write: what they say about themselves cannot be believed.
#[tokio::test]
async fn a_database_of_nonsense_is_an_error_and_nothing_worse() {
    let world = World::new();
    let actor = world.actor().await;
    world.exec(&actor, "create table t(a); insert into t values (1)").await.unwrap();
    world.data.close(actor.actor).await;
    // A page of sevens where the table was.
    world.commit(&actor, &[(2, 7)], 2, None).await.unwrap();
    let broken = world.execute(&actor, "select * from t", None).await.unwrap_err().0;
    assert!(broken.contains("malformed"), "{broken}");

    world.data.close(actor.actor).await;
    world.commit(&actor, &[(1, 7), (2, 7)], 2, None).await.unwrap();
    let broken = world.execute(&actor, "select 1 from sqlite_schema", None).await.unwrap_err().0;
    assert!(broken.contains("not a database"), "{broken}");
}

/// A temporary table is nobody else's, and larger than SQLite's cache.
#[tokio::test]
async fn temporary_tables_and_large_sorts_work_and_leave_nothing() {
    let world = World::new();
    let actor = world.actor().await;
    world.exec(&actor, "create table t(a)").await.unwrap();
    let before = world.pages(&actor, &[]).await.unwrap().1;
    let fill = "create temp table tt as with recursive n(i) as \
                (select 1 union all select i + 1 from n where i < 5000) \
                select hex(randomblob(1000)) as b from n";

    world.execute(&actor, fill, None).await.unwrap();
    let sorted = world.select(&actor, "select count(*) from (select b from tt order by b)").await;
    world.data.close(actor.actor).await;

    assert_eq!(sorted, ["5000"]);
    assert_eq!(world.pages(&actor, &[]).await.unwrap().1, before);
    assert!(world.execute(&actor, "select * from tt", None).await.is_err());
}

#[tokio::test]
async fn requests_about_another_generation_are_refused() {
    let world = World::new();
    let actor = world.actor().await;
    let other = Fence { generation: Some(2), ..actor.clone() };
    let gone = "actor does not exist";

    assert_eq!(world.exec(&other, "select 1").await, sql_error(gone));
    assert_eq!(world.execute(&other, "select 1", None).await, sql_error(gone));
    assert_eq!(world.batch(&other, &["select 1"]).await, sql_error(gone));
}
