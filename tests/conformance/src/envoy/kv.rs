//! An actor's key-value storage.

use super::Envoy;
use crate::protocol::{
    KvDeleteRangeRequest, KvDeleteRequest, KvGetRequest, KvListPrefixQuery, KvListQuery,
    KvListRangeQuery, KvListRequest, KvMetadata, KvPutRequest, KvRequestData, KvResponseData,
    ToEnvoy, ToRivet, ToRivetKvRequest,
};

/// What a list or get found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The keys.
    pub keys: Vec<Vec<u8>>,
    /// Their values.
    pub values: Vec<Vec<u8>>,
    /// What is known of them.
    pub metadata: Vec<KvMetadata>,
}

impl Found {
    /// Keys and values as `key=value`, for keys and values that are text.
    pub fn pairs(&self) -> Vec<String> {
        let both = self.keys.iter().zip(&self.values);
        both.map(|(key, value)| format!("{}={}", text(key), text(value))).collect()
    }
}

impl Envoy {
    /// Sends any request.
    pub async fn kv(&self, actor: &str, data: KvRequestData) -> KvResponseData {
        let what = format!("an answer to {data:?}").chars().take(200).collect::<String>();
        let actor_id = actor.to_owned();
        self.ask(
            &what,
            |request_id| ToRivet::ToRivetKvRequest(ToRivetKvRequest { actor_id, request_id, data }),
            |message| match message {
                ToEnvoy::ToEnvoyKvResponse(answer) => {
                    Some((answer.request_id, answer.data.clone()))
                }
                _ => None,
            },
        )
        .await
    }

    /// Writes pairs.
    pub async fn kv_put(&self, actor: &str, pairs: &[(&str, &str)]) -> Result<(), String> {
        let keys = pairs.iter().map(|(key, _)| bytes(key)).collect();
        let values = pairs.iter().map(|(_, value)| bytes(value)).collect();
        let put = KvPutRequest { keys, values };
        match self.kv(actor, KvRequestData::KvPutRequest(put)).await {
            KvResponseData::KvPutResponse => Ok(()),
            other => Err(refused(other)),
        }
    }

    /// Reads keys.
    pub async fn kv_get(&self, actor: &str, keys: &[&str]) -> Result<Found, String> {
        let get = KvGetRequest { keys: keys.iter().map(|key| bytes(key)).collect() };
        match self.kv(actor, KvRequestData::KvGetRequest(get)).await {
            KvResponseData::KvGetResponse(found) => {
                Ok(Found { keys: found.keys, values: found.values, metadata: found.metadata })
            }
            other => Err(refused(other)),
        }
    }

    /// Lists.
    pub async fn kv_list(
        &self,
        actor: &str,
        query: KvListQuery,
        reverse: Option<bool>,
        limit: Option<u64>,
    ) -> Result<Found, String> {
        let list = KvListRequest { query, reverse, limit };
        match self.kv(actor, KvRequestData::KvListRequest(list)).await {
            KvResponseData::KvListResponse(found) => {
                Ok(Found { keys: found.keys, values: found.values, metadata: found.metadata })
            }
            other => Err(refused(other)),
        }
    }

    /// Deletes keys.
    pub async fn kv_delete(&self, actor: &str, keys: &[&str]) -> Result<(), String> {
        let delete = KvDeleteRequest { keys: keys.iter().map(|key| bytes(key)).collect() };
        self.kv_deletion(actor, KvRequestData::KvDeleteRequest(delete)).await
    }

    /// Deletes what lies from `start` up to but not including `end`.
    pub async fn kv_delete_range(&self, actor: &str, start: &str, end: &str) -> Result<(), String> {
        let range = KvDeleteRangeRequest { start: bytes(start), end: bytes(end) };
        self.kv_deletion(actor, KvRequestData::KvDeleteRangeRequest(range)).await
    }

    async fn kv_deletion(&self, actor: &str, request: KvRequestData) -> Result<(), String> {
        match self.kv(actor, request).await {
            KvResponseData::KvDeleteResponse => Ok(()),
            other => Err(refused(other)),
        }
    }
}

/// Everything.
pub fn all() -> KvListQuery {
    KvListQuery::KvListAllQuery
}

/// What begins so.
pub fn prefix(key: &str) -> KvListQuery {
    KvListQuery::KvListPrefixQuery(KvListPrefixQuery { key: bytes(key) })
}

/// What lies between.
pub fn range(start: &str, end: &str, exclusive: bool) -> KvListQuery {
    let range = KvListRangeQuery { start: bytes(start), end: bytes(end), exclusive };
    KvListQuery::KvListRangeQuery(range)
}

fn refused(answer: KvResponseData) -> String {
    match answer {
        KvResponseData::KvErrorResponse(error) => error.message,
        other => panic!("an answer to something else: {other:?}"),
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
