//! SQL that the engine runs for an app.

use rivet_conformance::{
    engine::Engine,
    envoy::{Envoy, Options, sqlite::Fence},
    namespace::Namespace,
    protocol::{
        SqliteBindParam, SqliteColumnValue, SqliteColumnValue as Value, SqliteValueBlob,
        SqliteValueFloat, SqliteValueInteger, SqliteValueText,
    },
};

async fn actor() -> (Envoy, String) {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    (envoy, actor)
}

fn integer(value: i64) -> SqliteColumnValue {
    Value::SqliteValueInteger(SqliteValueInteger { value })
}

fn text(value: &str) -> SqliteColumnValue {
    Value::SqliteValueText(SqliteValueText { value: value.to_owned() })
}

async fn count(envoy: &Envoy, actor: &str, generation: u64) -> SqliteColumnValue {
    let result = envoy.execute(actor, generation, "select count(*) from t", None).await.unwrap();
    result.rows[0][0].clone()
}

#[tokio::test]
async fn a_script_answers_the_rows_of_its_last_query() {
    let (envoy, actor) = actor().await;
    let script = "create table t(a integer primary key, b text); \
                  insert into t(b) values ('x'),('y'); select a from t; \
                  select b, a from t; insert into t(b) values ('z')";
    let result = envoy.exec(&actor, 1, script).await.unwrap();
    assert_eq!(result.columns, ["b", "a"]);
    assert_eq!(result.rows, [[text("x"), integer(1)], [text("y"), integer(2)]]);
    assert_eq!(count(&envoy, &actor, 1).await, integer(3));
}

#[tokio::test]
async fn a_statement_tells_changes_and_the_last_row() {
    let (envoy, actor) = actor().await;
    envoy.exec(&actor, 1, "create table t(a integer primary key, b text)").await.unwrap();
    let insert = "insert into t(b) values (?), (?)";
    let value =
        |value: &str| SqliteBindParam::SqliteValueText(SqliteValueText { value: value.to_owned() });
    let result =
        envoy.execute(&actor, 1, insert, Some(vec![value("x"), value("y")])).await.unwrap();
    assert_eq!((result.changes, result.last_insert_row_id), (2, Some(2)));
    assert_eq!((result.columns.len(), result.rows.len()), (0, 0));
    let query = envoy.execute(
        &actor,
        1,
        "select b from t where a > ?",
        Some(vec![SqliteBindParam::SqliteValueInteger(SqliteValueInteger { value: 1 })]),
    );
    let query = query.await.unwrap();
    assert_eq!(query.rows, [[text("y")]]);
    assert_eq!((query.changes, query.last_insert_row_id), (2, Some(2)));
}

#[tokio::test]
async fn every_kind_of_value_passes() {
    let (envoy, actor) = actor().await;
    let float = SqliteValueFloat { value: 1.5_f64.to_be_bytes() };
    let blob = SqliteValueBlob { value: vec![0, 255] };
    let params = vec![
        SqliteBindParam::SqliteValueNull,
        SqliteBindParam::SqliteValueInteger(SqliteValueInteger { value: i64::MIN }),
        SqliteBindParam::SqliteValueFloat(float.clone()),
        SqliteBindParam::SqliteValueText(SqliteValueText { value: "ö".to_owned() }),
        SqliteBindParam::SqliteValueBlob(blob.clone()),
    ];
    let result = envoy.execute(&actor, 1, "select ?, ?, ?, ?, ?", Some(params)).await.unwrap();
    let expected = vec![
        Value::SqliteValueNull,
        integer(i64::MIN),
        Value::SqliteValueFloat(float),
        text("ö"),
        Value::SqliteValueBlob(blob),
    ];
    assert_eq!(result.rows, [expected]);
}

#[tokio::test]
async fn a_batch_is_one_transaction() {
    let (envoy, actor) = actor().await;
    envoy.exec(&actor, 1, "create table t(a)").await.unwrap();
    let statements = ["insert into t values (1.5)", "select count(*) c from t"];
    let results = envoy.execute_batch(&actor, 1, &statements).await.unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[1].columns, ["c"]);
    assert_eq!(results[1].rows, [[integer(1)]]);
    let broken = ["insert into t values (2)", "insert into nowhere values (1)"];
    let refused = envoy.execute_batch(&actor, 1, &broken).await.unwrap_err();
    assert!(refused.starts_with("core.internal_error: "), "{refused}");
    assert!(refused.contains("execute remote sqlite batch statement"), "{refused}");
    assert_eq!(count(&envoy, &actor, 1).await, integer(1));
}

#[tokio::test]
async fn a_transaction_may_span_requests() {
    let (envoy, actor) = actor().await;
    envoy.exec(&actor, 1, "create table t(a)").await.unwrap();
    for sql in ["begin", "insert into t values (1)"] {
        envoy.execute(&actor, 1, sql, None).await.unwrap();
    }
    assert_eq!(count(&envoy, &actor, 1).await, integer(1));
    envoy.execute(&actor, 1, "rollback", None).await.unwrap();
    assert_eq!(count(&envoy, &actor, 1).await, integer(0));
    for sql in ["begin", "insert into t values (1)", "commit"] {
        envoy.execute(&actor, 1, sql, None).await.unwrap();
    }
    assert_eq!(count(&envoy, &actor, 1).await, integer(1));
}

#[tokio::test]
async fn mistakes_in_sql_are_told() {
    let (envoy, actor) = actor().await;
    let refused = envoy.execute(&actor, 1, "select * from nope", None).await.unwrap_err();
    assert_eq!(
        refused,
        "core.internal_error: failed to prepare sqlite execute statement: no such table: nope"
    );
    let two = "select 1; select 2";
    let refused = envoy.execute(&actor, 1, two, None).await.unwrap_err();
    assert!(refused.contains("sqlite execute only supports a single statement"), "{refused}");
}

#[tokio::test]
async fn another_generation_or_namespace_is_fenced_off() {
    let (envoy, actor) = actor().await;
    for refused in [
        envoy.exec(&actor, 5, "select 1").await.unwrap_err(),
        envoy.exec_in("none-such", &actor, 1, "select 1").await.unwrap_err(),
    ] {
        assert_eq!(refused, "core.internal_error: actor does not exist");
    }
}

#[tokio::test]
async fn the_next_generation_finds_what_the_last_one_wrote() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.exec(&actor, 1, "create table t(a); insert into t values (7)").await.unwrap();
    namespace.post(&format!("/actors/{actor}/reschedule"), &serde_json::json!({})).await.ok();
    envoy.start_of(&actor, 2).await;
    namespace.connectable(&actor).await;
    assert_eq!(count(&envoy, &actor, 2).await, integer(1));
}

#[tokio::test]
async fn the_same_database_is_read_by_page() {
    let (envoy, actor) = actor().await;
    envoy.exec(&actor, 1, "create table t(a); insert into t values (7)").await.unwrap();
    let found = envoy.get_pages(&actor, [1], Fence::generation(1)).await.unwrap();
    let first = found.pages[0].bytes.as_ref().unwrap();
    assert!(first.starts_with(b"SQLite format 3\0"), "{:?}", &first[..16]);
    assert_eq!(first[16..18], [16, 0], "the size of a page is 4096");
}

#[tokio::test]
async fn what_was_executed_outlives_a_killed_engine() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let options = Options::default();
    let envoy = namespace.envoy_with(options.clone()).await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.exec(&actor, 1, "create table t(a)").await.unwrap();
    for _ in 0..10 {
        envoy.execute(&actor, 1, "insert into t values (1)", None).await.unwrap();
    }
    engine.kill();
    engine.resume().await;
    let envoy = namespace.envoy_with(options).await;
    assert_eq!(count(&envoy, &actor, 1).await, integer(10));
}
