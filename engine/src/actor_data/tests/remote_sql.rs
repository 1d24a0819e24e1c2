//! SQL run by the engine: results, transactions, and what survives.

use protocol::SqliteBindParam as Param;

use super::{sql_client::*, *};

async fn with_table() -> (World, Fence) {
    let world = World::new();
    let actor = world.actor().await;
    world
        .exec(
            &actor,
            "create table t(a integer primary key, b text); insert into t(b) values ('x'), ('y')",
        )
        .await
        .unwrap();
    (world, actor)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn a_script_answers_its_last_statement_that_has_rows() {
    let world = World::new();
    let actor = world.actor().await;
    let script = "create table t(a integer primary key, b text); \
                  insert into t(b) values ('x'),('y'); select * from t";

    assert_eq!(
        world.exec(&actor, script).await,
        Ok((strings(&["a", "b"]), strings(&["1 'x'", "2 'y'"])))
    );
    let last = world.exec(&actor, "select 1 as p; insert into t(b) values ('z'); ").await;
    assert_eq!(last, Ok((strings(&["p"]), strings(&["1"]))));
    let empty = world.exec(&actor, "select 1 as p; select 2 as q where 0;").await;
    assert_eq!(empty, Ok((strings(&["q"]), vec![])));
    let returning = world.exec(&actor, "insert into t(b) values ('r') returning a").await;
    assert_eq!(returning, Ok((strings(&["a"]), strings(&["4"]))));
    for nothing in ["", "   ", "-- comment only"] {
        assert_eq!(world.exec(&actor, nothing).await, Ok((vec![], vec![])));
    }
}

#[tokio::test]
async fn a_script_that_fails_keeps_what_came_before() {
    let (world, actor) = with_table().await;

    assert_eq!(
        world.exec(&actor, "select 1; bogus; select 2").await,
        sql_error("failed to prepare sqlite exec statement: near \"bogus\": syntax error")
    );
    assert_eq!(
        world.exec(&actor, "insert into t(b) values('before'); select * from nope").await,
        sql_error("failed to prepare sqlite exec statement: no such table: nope")
    );
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["3"]);
}

#[tokio::test]
async fn one_statement_says_what_it_changed() {
    let (world, actor) = with_table().await;
    let executed = async |sql: &str| {
        let executed = world.execute(&actor, sql, None).await.unwrap();
        (executed.rows.len(), executed.changes, executed.last_insert_row_id)
    };

    assert_eq!(executed("insert into t(b) values ('z')").await, (0, 1, Some(3)));
    assert_eq!(executed("update t set b = 'u' where a < 3").await, (0, 2, Some(3)));
    // They stay at the last write.
    assert_eq!(executed("select * from t").await, (3, 2, Some(3)));
    assert_eq!(executed("select 1;").await, (1, 2, Some(3)));
    assert_eq!(executed("insert into t(b) values ('r') returning *").await, (1, 1, Some(4)));
    assert_eq!(executed("delete from t where a = 99").await, (0, 0, None));
    assert_eq!(executed("").await, (0, 0, None));
    assert_eq!(executed("-- comment").await, (0, 0, None));
}

#[tokio::test]
async fn one_statement_is_one() {
    let (world, actor) = with_table().await;

    for sql in ["select 1; select 2", "select 1; bogus"] {
        assert_eq!(
            world.execute(&actor, sql, None).await,
            sql_error("sqlite execute only supports a single statement")
        );
    }
    assert_eq!(
        world.execute(&actor, "select * from nope", None).await,
        sql_error("failed to prepare sqlite execute statement: no such table: nope")
    );
    assert_eq!(
        world.execute(&actor, "insert into t(a) values (1)", None).await,
        sql_error("failed to step sqlite execute statement: UNIQUE constraint failed: t.a")
    );
}

#[tokio::test]
async fn values_of_every_kind_come_back_as_they_went() {
    let (world, actor) = with_table().await;
    let params = vec![
        integer(i64::MIN),
        Param::SqliteValueNull,
        Param::SqliteValueBlob(protocol::SqliteValueBlob { value: vec![0, 255] }),
        Param::SqliteValueFloat(protocol::SqliteValueFloat { value: 1.5_f64.to_be_bytes() }),
        text("ü"),
    ];

    let executed = world.execute(&actor, "select ?1, ?2, ?3, ?4, ?5", Some(params)).await.unwrap();

    assert_eq!(executed.columns, ["?1", "?2", "?3", "?4", "?5"]);
    assert_eq!(executed.rows, [format!("{} null [0, 255] 1.5 'ü'", i64::MIN)]);
    let named = world.execute(&actor, "select :a, $b", Some(vec![integer(5), text("x")])).await;
    assert_eq!(named.unwrap().rows, ["5 'x'"]);
    let few = world.execute(&actor, "select ?", Some(vec![])).await;
    assert_eq!(few.unwrap().rows, ["null"]);
    assert_eq!(
        world.execute(&actor, "select ?", Some(vec![text("p"), text("q")])).await,
        sql_error("failed to bind sqlite parameter: column index out of range")
    );
}

#[tokio::test]
async fn a_transaction_spans_requests() {
    let (world, actor) = with_table().await;

    world.execute(&actor, "begin", None).await.unwrap();
    world.execute(&actor, "insert into t(b) values ('in')", None).await.unwrap();
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["3"]);
    world.execute(&actor, "rollback", None).await.unwrap();
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["2"]);

    world.execute(&actor, "begin", None).await.unwrap();
    assert!(world.execute(&actor, "select * from nope", None).await.is_err());
    world.execute(&actor, "insert into t(b) values ('in')", None).await.unwrap();
    world.execute(&actor, "commit", None).await.unwrap();
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["3"]);
    assert_eq!(
        world.execute(&actor, "commit", None).await,
        sql_error(
            "failed to step sqlite execute statement: cannot commit - no transaction is active"
        )
    );
}

#[tokio::test]
async fn a_batch_happens_as_a_whole_or_not_at_all() {
    let (world, actor) = with_table().await;

    let done = world
        .batch(
            &actor,
            &["insert into t(b) values ('b')", "select max(a) from t", "update t set b = 'q'"],
        )
        .await
        .unwrap();
    let summary: Vec<_> =
        done.iter().map(|one| (one.rows.len(), one.changes, one.last_insert_row_id)).collect();
    assert_eq!(summary, [(0, 1, Some(3)), (1, 1, Some(3)), (0, 3, Some(3))]);
    assert_eq!(world.batch(&actor, &[]).await, Ok(vec![]));

    let batch = async |statements: &[&str]| world.batch(&actor, statements).await;
    let gone = "insert into t(b) values ('gone')";
    assert_eq!(
        batch(&[gone, "select * from nope"]).await,
        sql_error(
            "execute remote sqlite batch statement: failed to prepare sqlite execute statement: \
             no such table: nope"
        )
    );
    assert_eq!(
        batch(&[gone, "insert into t(a) values (1)"]).await,
        sql_error(
            "execute remote sqlite batch statement: failed to step sqlite execute statement: \
             UNIQUE constraint failed: t.a"
        )
    );
    assert_eq!(
        batch(&[gone, "select 1; select 2"]).await,
        sql_error(
            "execute remote sqlite batch statement: sqlite execute only supports a single statement"
        )
    );
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["3"]);
}

#[tokio::test]
async fn a_batch_cannot_be_ended_from_inside_or_put_into_another_transaction() {
    let (world, actor) = with_table().await;

    assert_eq!(
        world.batch(&actor, &["commit"]).await,
        sql_error(
            "rollback remote sqlite batch after failed commit: commit remote sqlite batch: failed \
             to step sqlite exec statement: cannot commit - no transaction is active"
        )
    );
    assert_eq!(
        world.batch(&actor, &["begin"]).await,
        sql_error(
            "execute remote sqlite batch statement: failed to step sqlite execute statement: \
             cannot start a transaction within a transaction"
        )
    );
    world.execute(&actor, "begin", None).await.unwrap();
    world.execute(&actor, "insert into t(b) values ('in')", None).await.unwrap();
    assert_eq!(
        world.batch(&actor, &["select 1"]).await,
        sql_error(
            "failed to step sqlite exec statement: cannot start a transaction within a transaction"
        )
    );
    world.execute(&actor, "commit", None).await.unwrap();
    assert_eq!(world.select(&actor, "select count(*) from t").await, ["3"]);
}

#[tokio::test]
async fn what_was_committed_is_there_for_the_next_generation_and_after_a_restart() {
    let (world, old) = with_table().await;
    let current = Fence { generation: Some(2), ..old.clone() };
    world.execute(&old, "begin", None).await.unwrap();
    world.execute(&old, "insert into t(b) values ('never committed')", None).await.unwrap();

    world.place(&current).await;

    assert_eq!(world.execute(&old, "commit", None).await, sql_error("actor does not exist"));
    assert_eq!(world.select(&current, "select b from t").await, ["'x'", "'y'"]);
    world.execute(&current, "insert into t(b) values ('z')", None).await.unwrap();
    world.data.close(current.actor).await;
    assert_eq!(world.select(&current, "select count(*) from t").await, ["3"]);
    let world = world.reopen().await;
    assert_eq!(world.select(&current, "select b from t").await, ["'x'", "'y'", "'z'"]);
    assert_eq!(world.select(&current, "pragma integrity_check").await, ["'ok'"]);
}

/// The generation ends while a transaction of it is open: it ends with it, also when the old
/// process asks first.
#[tokio::test]
async fn a_connection_that_lost_its_generation_writes_nothing() {
    let (world, old) = with_table().await;
    world.execute(&old, "begin", None).await.unwrap();
    world.execute(&old, "insert into t(b) values ('old')", None).await.unwrap();
    let current = Fence { generation: Some(2), ..old.clone() };
    world.place(&current).await;
    world.execute(&current, "insert into t(b) values ('new')", None).await.unwrap();

    assert_eq!(world.execute(&old, "commit", None).await, sql_error("actor does not exist"));
    assert_eq!(world.select(&current, "select b from t").await, ["'x'", "'y'", "'new'"]);
}

#[tokio::test]
async fn commits_of_many_pages_go_through_the_stage() {
    let (world, actor) = with_table().await;
    let fill = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) \
                insert into t(b) select hex(randomblob(1000)) from n";

    world.execute(&actor, fill, None).await.unwrap();
    world.execute(&actor, "update t set b = upper(b) || '!'", None).await.unwrap();
    let sum = world.select(&actor, "select sum(length(b)) from t").await;
    let world = world.reopen().await;

    assert_eq!(world.select(&actor, "select sum(length(b)) from t").await, sum);
    assert_eq!(sum, [(3000 * 2001 + 4).to_string()]);
    assert_eq!(world.select(&actor, "pragma integrity_check").await, ["'ok'"]);
}

#[tokio::test]
async fn a_large_transaction_that_is_rolled_back_leaves_nothing() {
    let (world, actor) = with_table().await;
    world.execute(&actor, "begin", None).await.unwrap();
    let fill = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) \
                insert into t(b) select hex(randomblob(1000)) from n";
    // More than SQLite's cache holds: pages are written before the end.
    world.execute(&actor, fill, None).await.unwrap();
    world.execute(&actor, "rollback", None).await.unwrap();

    assert_eq!(world.select(&actor, "select b from t").await, ["'x'", "'y'"]);
    assert_eq!(world.select(&actor, "pragma integrity_check").await, ["'ok'"]);
    let world = world.reopen().await;
    assert_eq!(world.select(&actor, "select b from t").await, ["'x'", "'y'"]);
}

/// Also when the store is closed in a place that may not wait for the disk.
#[tokio::test]
async fn closing_with_a_large_transaction_open_writes_nothing() {
    let (world, actor) = with_table().await;
    let head = world.pages(&actor, &[]).await.unwrap().1;
    let fill = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) \
                insert into t(b) select hex(randomblob(1000)) from n";
    world.execute(&actor, "begin", None).await.unwrap();
    world.execute(&actor, "update t set b = 'changed'", None).await.unwrap();
    world.execute(&actor, fill, None).await.unwrap();

    let world = world.reopen().await;

    assert_eq!(world.pages(&actor, &[]).await.unwrap().1, head);
    assert_eq!(world.select(&actor, "select b from t").await, ["'x'", "'y'"]);
    assert_eq!(world.select(&actor, "pragma integrity_check").await, ["'ok'"]);
}

#[tokio::test]
async fn vacuum_makes_the_database_smaller() {
    let (world, actor) = with_table().await;
    let fill = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) \
                insert into t(b) select hex(randomblob(2000)) from n";
    world.execute(&actor, fill, None).await.unwrap();
    world.execute(&actor, "delete from t where a > 2", None).await.unwrap();

    world.execute(&actor, "vacuum", None).await.unwrap();

    assert_eq!(world.select(&actor, "pragma page_count").await, ["2"]);
    let world = world.reopen().await;
    assert_eq!(world.select(&actor, "select b from t").await, ["'x'", "'y'"]);
    assert_eq!(world.pages(&actor, &[3]).await.unwrap().0, [None]);
}

#[tokio::test]
async fn the_pages_are_those_of_the_page_protocol() {
    use protocol::SqliteGetPagesResponse as Response;
    let (world, actor) = with_table().await;

    let request = protocol::SqliteGetPagesRequest {
        actor_id: actor.actor.to_string(),
        pgnos: vec![1],
        expected_generation: Some(1),
        expected_head_txid: None,
    };

    let Response::SqliteGetPagesOk(found) = world.data.get_pages(actor, request).await else {
        panic!("an error")
    };
    let page = found.pages[0].bytes.clone().unwrap();
    assert!(page.starts_with(b"SQLite format 3\0"));
}

#[tokio::test]
async fn full_text_search_and_json_are_there() {
    let (world, actor) = with_table().await;
    world.execute(&actor, "create virtual table f using fts5(body)", None).await.unwrap();
    world.execute(&actor, "insert into f values ('hello world')", None).await.unwrap();

    let found = world.select(&actor, "select body from f where f match 'hello'").await;

    assert_eq!(found, ["'hello world'"]);
    assert_eq!(world.select(&actor, "select json_extract('{\"a\":7}', '$.a')").await, ["7"]);
}
