//! The connection of one generation of an actor.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rivet_envoy_protocol as protocol;
use rusqlite::{Batch, Connection, OpenFlags, fallible_iterator::FallibleIterator};

use super::{
    budget::Budget,
    file::{PageFile, SharedFile},
    guard,
    rows::{Answer, Param, check_params},
    vfs,
};
use crate::actor_data::{Access, Fence, Refusal};

/// How long one request may run: nobody waits longer for the answer.
const MAX_TIME: Duration = Duration::from_secs(30);

/// How many steps of SQLite's machine pass between two looks at the time.
const STEPS: i32 = 10_000;

/// A statement and its values.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) params: Option<Vec<protocol::SqliteBindParam>>,
}

impl Statement {
    fn params(&self) -> &[protocol::SqliteBindParam] {
        self.params.as_deref().unwrap_or_default()
    }
}

/// A connection, and the file below it.
#[derive(Debug)]
pub(super) struct Session {
    // Closed before its file goes.
    connection: Connection,
    file: SharedFile,
    opened: Instant,
    /// When the running request has to end, in milliseconds since `opened`.
    deadline: Arc<AtomicU64>,
}

/// Says that a connection has to end, whatever it does.
#[derive(Debug, Clone, Default)]
pub(super) struct End(Arc<AtomicBool>);

impl End {
    pub(super) fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_now(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Session {
    /// Opens the database of `fence.actor`.
    pub(super) fn open(
        access: &Arc<Access>,
        fence: &Fence,
        budget: &Arc<Budget>,
        end: &End,
    ) -> Result<Self, Refusal> {
        let file = PageFile::open(access, fence, budget)?;
        let (opened, deadline) = (Instant::now(), Arc::<AtomicU64>::default());
        let connect = || -> rusqlite::Result<Connection> {
            let name = vfs::announce(&file)?;
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let mut connection =
                Connection::open_with_flags_and_vfs(name.as_str(), flags, vfs::NAME)?;
            guard::close_in(&mut connection)?;
            file.lock().set_up();
            let (deadline, end) = (Arc::clone(&deadline), end.clone());
            let is_over =
                move || end.is_now() || millis(opened.elapsed()) > deadline.load(Ordering::Relaxed);
            connection.progress_handler(STEPS, Some(is_over))?;
            Ok(connection)
        };
        deadline.store(millis(MAX_TIME), Ordering::Relaxed);
        match connect() {
            Ok(connection) => Ok(Self { connection, file, opened, deadline }),
            Err(error) => Err(file.take_failure().unwrap_or_else(|| {
                Refusal::Sql(format!("failed to open sqlite database: {}", text(&error)))
            })),
        }
    }

    /// Runs `work`, within its time. What the file has to say comes before what SQLite made of it.
    pub(super) fn run<R>(
        &mut self,
        work: impl FnOnce(&Self) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let until = self.opened.elapsed() + MAX_TIME;
        self.deadline.store(millis(until), Ordering::Relaxed);
        let result = work(self);
        self.file.finish();
        match self.file.take_failure() {
            Some(failure) => Err(failure),
            None => result,
        }
    }

    /// Whether the connection still shows what is stored.
    pub(super) fn is_usable(&self) -> bool {
        !self.file.is_broken()
    }

    /// Runs a script.
    pub(super) fn exec(&self, sql: &str) -> Result<protocol::SqliteQueryResult, Refusal> {
        let mut last = protocol::SqliteQueryResult { columns: Vec::new(), rows: Vec::new() };
        let mut statements = Batch::new(&self.connection, sql);
        let prepared = |error: rusqlite::Error| failed("prepare", "exec", &error);
        while let Some(mut statement) = statements.next().map_err(prepared)? {
            let (columns, rows) = all_rows(&mut statement, &mut Answer::default(), "exec")?;
            if !columns.is_empty() {
                last = protocol::SqliteQueryResult { columns, rows };
            }
        }
        Ok(last)
    }

    /// Runs one statement.
    pub(super) fn execute(
        &self,
        statement: &Statement,
    ) -> Result<protocol::SqliteExecuteResult, Refusal> {
        check_params(statement.params())?;
        self.execute_within(statement, &mut Answer::default())
    }

    /// Runs statements in one transaction.
    pub(super) fn execute_batch(
        &self,
        statements: &[Statement],
    ) -> Result<Vec<protocol::SqliteExecuteResult>, Refusal> {
        statements.iter().try_for_each(|statement| check_params(statement.params()))?;
        self.exec("BEGIN")?;
        let mut answer = Answer::default();
        let results: Result<Vec<_>, _> = statements
            .iter()
            .map(|statement| self.execute_within(statement, &mut answer))
            .collect();
        match results {
            Ok(results) => {
                self.exec("COMMIT").map_err(|error| {
                    self.undo(format!("commit remote sqlite batch: {error}"), "commit")
                })?;
                Ok(results)
            }
            Err(error) => {
                let error = format!("execute remote sqlite batch statement: {error}");
                Err(self.undo(error, "statement"))
            }
        }
    }

    /// Rolls a batch back because of `error`, and says if not even that was possible.
    fn undo(&self, error: String, failed: &str) -> Refusal {
        match self.exec("ROLLBACK") {
            Ok(_) => Refusal::Sql(error),
            Err(_) => {
                Refusal::Sql(format!("rollback remote sqlite batch after failed {failed}: {error}"))
            }
        }
    }

    fn execute_within(
        &self,
        wanted: &Statement,
        answer: &mut Answer,
    ) -> Result<protocol::SqliteExecuteResult, Refusal> {
        let mut statements = Batch::new(&self.connection, &wanted.sql);
        let prepared = |error: rusqlite::Error| failed("prepare", "execute", &error);
        let Some(mut statement) = statements.next().map_err(prepared)? else {
            return Ok(protocol::SqliteExecuteResult {
                columns: Vec::new(),
                rows: Vec::new(),
                changes: 0,
                last_insert_row_id: None,
            });
        };
        if !matches!(statements.next(), Ok(None)) {
            return Err(Refusal::Sql("sqlite execute only supports a single statement".to_owned()));
        }
        for (index, param) in wanted.params().iter().enumerate() {
            statement.raw_bind_parameter(index + 1, Param(param)).map_err(|error| {
                Refusal::Sql(format!("failed to bind sqlite parameter: {}", text(&error)))
            })?;
        }
        let (columns, rows) = all_rows(&mut statement, answer, "execute")?;
        drop(statement);
        let changes = i64::try_from(self.connection.changes()).unwrap_or(i64::MAX);
        let last_insert_row_id = (changes > 0).then(|| self.connection.last_insert_rowid());
        Ok(protocol::SqliteExecuteResult { columns, rows, changes, last_insert_row_id })
    }
}

/// What is not committed by now never is: closing writes nothing.
impl Drop for Session {
    fn drop(&mut self) {
        self.file.give_up();
    }
}

type Rows = (Vec<String>, Vec<Vec<protocol::SqliteColumnValue>>);

fn all_rows(
    statement: &mut rusqlite::Statement<'_>,
    answer: &mut Answer,
    kind: &str,
) -> Result<Rows, Refusal> {
    let mut columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    if columns == [vfs::JOURNAL_MODE] && is_about(statement, "journal_mode") {
        // SQLite calls what a file system answers by the answer.
        columns = vec!["journal_mode".to_owned()];
    }
    let mut rows = Vec::new();
    let mut found = statement.raw_query();
    while let Some(row) = found.next().map_err(|error| failed("step", kind, &error))? {
        rows.push(answer.row(row, columns.len())?);
    }
    Ok((columns, rows))
}

fn is_about(statement: &rusqlite::Statement<'_>, pragma: &str) -> bool {
    statement.expanded_sql().is_some_and(|sql| sql.to_ascii_lowercase().contains(pragma))
}

fn failed(step: &str, kind: &str, error: &rusqlite::Error) -> Refusal {
    Refusal::Sql(format!("failed to {step} sqlite {kind} statement: {}", text(error)))
}

/// What SQLite said, without what the library adds.
fn text(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        error => error.to_string(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
