//! What was done to the engine, by whom and with what result: rows that are only ever added.

use serde::{Deserialize, Serialize};

use crate::keyspace::{Id, Table, value::json_rows};

/// Management calls, by their number: the order in which they were written.
#[derive(Debug)]
pub struct AuditEntries;

/// One management call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When it was answered, in milliseconds.
    pub ts: u64,
    /// Who asked.
    pub actor: AuditActor,
    /// The address that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The method.
    pub method: String,
    /// The path, which holds no secret.
    pub path: String,
    /// The namespace that it was about, as the caller named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What came of it, where the path does not say: the id of what was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// `group.code` of an answer that is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The id of the request in the log.
    pub ray_id: String,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditActor {
    /// `admin`, `secret`, `public`, `scoped`; `anybody` where everybody is let in; `nobody` without a
    /// valid token.
    pub kind: String,
    /// The token's id, where the engine issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<Id>,
    /// For whom it was issued, where its issuer said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

json_rows!(AuditRow);

impl Table for AuditEntries {
    const NAME: &'static str = "audit log";
    const TAG: u8 = 0x53;
    type Key = u64;
    type Value = AuditRow;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{StoredValue as _, key_bytes};

    /// These bytes are on customers' disks. If this test fails, write a migration, not a fix.
    #[test]
    fn entries_on_disk_have_not_changed() {
        let row = AuditRow {
            ts: 5,
            actor: AuditActor { kind: "admin".to_owned(), token_id: None, subject: None },
            address: Some("127.0.0.1".to_owned()),
            method: "POST".to_owned(),
            path: "/namespaces".to_owned(),
            namespace: None,
            created: Some("n".to_owned()),
            status: 200,
            error: None,
            ray_id: "r".to_owned(),
        };

        assert_eq!(key_bytes::<AuditEntries>(&0x0102), b"\x53\0\0\0\0\0\0\x01\x02");
        assert_eq!(
            String::from_utf8(row.encode()).unwrap(),
            r#"{"ts":5,"actor":{"kind":"admin"},"address":"127.0.0.1","method":"POST","path":"/namespaces","created":"n","status":200,"ray_id":"r"}"#
        );
    }
}
