//! What SQL may do. It stands between an actor and the host: what opens files, changes how pages
//! are written or takes memory without bound is not for it.

use std::time::Duration;

use rusqlite::{
    Connection,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};

/// How long a value or a statement may be: 32 MiB.
const MAX_LENGTH: i32 = 32 << 20;

/// How a connection is set up before anybody else uses it.
///
/// The pages of a transaction reach the file system when it commits, and its one sync is the
/// commit. A journal would be for undoing writes after a crash, which cannot be half done here.
const SETUP: &str = "
    PRAGMA journal_mode = MEMORY;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA synchronous = NORMAL;
    PRAGMA temp_store = FILE;
    PRAGMA cache_size = -2048;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA foreign_keys = ON;
";

/// Pragmas that may be given a value. All others are read only: a value is passed over in silence,
/// as SQLite does with pragmas that it does not know.
const SETTABLE: [&str; 29] = [
    "analysis_limit",
    "application_id",
    "auto_vacuum",
    "automatic_index",
    "busy_timeout",
    "case_sensitive_like",
    "defer_foreign_keys",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "foreign_keys",
    "ignore_check_constraints",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    // Answered by our file system.
    "journal_mode",
    "legacy_alter_table",
    "optimize",
    "query_only",
    "quick_check",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Functions that take or give addresses of memory, or load code. SQLite lets values that are
/// bound pass where it refuses the same in the text, and here values come from the same stranger.
const FORBIDDEN: [&str; 2] = ["fts3_tokenizer", "load_extension"];

/// Sets a connection up, and closes it in.
pub(super) fn close_in(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SETUP)?;
    // There is nobody to wait for.
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_LENGTH)?;
    // One, because VACUUM attaches a temporary database.
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    connection.authorizer(Some(|context: AuthContext<'_>| authorize(&context)))
}

fn authorize(context: &AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Pragma { pragma_name, pragma_value: Some(_) } => {
            let name = pragma_name.to_ascii_lowercase();
            let own = context.database_name.is_none_or(|name| name.eq_ignore_ascii_case("main"));
            if own && SETTABLE.contains(&name.as_str()) {
                Authorization::Allow
            } else {
                Authorization::Ignore
            }
        }
        AuthAction::Function { function_name }
            if FORBIDDEN.iter().any(|name| function_name.eq_ignore_ascii_case(name)) =>
        {
            Authorization::Deny
        }
        // What VACUUM attaches has no name: it is a temporary file.
        AuthAction::Attach { filename: "" } => Authorization::Allow,
        // Also a file's name that is only known when the statement runs.
        AuthAction::Attach { .. } | AuthAction::Unknown { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}
