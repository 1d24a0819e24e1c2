//! What is issued opens what it should, as long as it should, and no longer.

use camino_tempfile::Utf8TempDir;

use super::*;
use crate::{
    auth::{Credential, Denied, GrantTarget, GrantedResource, Operation, Presented},
    clock::ManualClock,
    config::AuthSettings,
    keyspace::tables::NamespaceRow,
    storage::{Durability, RocksStorage},
    telemetry::Metrics,
};

const NOW: Millis = 1_700_000_000_000;

struct Site {
    dir: Utf8TempDir,
    clock: Arc<ManualClock>,
    namespaces: [NamespaceRef; 2],
}

struct Opened {
    gate: Gate,
    store: TokenStore,
    database: Database,
}

impl Site {
    fn new() -> Self {
        let namespaces = ["one", "two"]
            .map(|name| NamespaceRef { id: NamespaceId(Id::random(1)), name: name.into() });
        let dir = camino_tempfile::tempdir().unwrap();
        Self { dir, clock: ManualClock::at(NOW), namespaces }
    }

    async fn open(&self) -> Opened {
        let metrics = Arc::new(Metrics::new().unwrap());
        let path = self.dir.path().join("db");
        let storage =
            RocksStorage::open(path.as_std_path(), Durability::Strict, metrics.clone()).unwrap();
        let database = Database::new(storage);
        for NamespaceRef { id, name } in self.namespaces.clone() {
            let put = database.transact(move |transaction| {
                let (name, display_name) = (name.to_string(), name.to_string());
                let row = NamespaceRow { name, display_name, create_ts: NOW };
                transaction.put::<Namespaces>(&id.0, &row);
                Ok::<_, StorageError>(())
            });
            put.await.unwrap();
        }
        let settings = AuthSettings {
            admin_token: Some(Secret::new("rvt_aaaaaaaaaaaaaaaaaaaa".to_owned())),
            ..AuthSettings::default()
        };
        let (gate, _) = Gate::new(&settings, self.clock.clone(), metrics).unwrap();
        let store =
            TokenStore::open(database.clone(), self.clock.clone(), gate.clone(), 1).await.unwrap();
        Opened { gate, store, database }
    }

    fn one(&self) -> NamespaceRef {
        self.namespaces[0].clone()
    }
}

impl Opened {
    fn identify(&self, token: &str) -> Result<Credential, Denied> {
        let mut presented = Presented::default();
        presented.add(token.as_bytes());
        self.gate.identify(&presented, None)
    }

    async fn create(&self, kind: NamespaceTokenKind, namespace: NamespaceRef) -> (TokenId, String) {
        let (summary, token) = self.store.create(kind, namespace, None).await.unwrap();
        (summary.id, token.expose().to_owned())
    }

    async fn issue(&self, namespace: NamespaceRef, issuer: Issuer, duration: u64) -> IssuedToken {
        let grants = vec![Grant {
            resource: GrantedResource::ActorGateway,
            target: GrantTarget::Any,
            operations: vec![Operation::Read],
        }];
        let subject = Some("somebody".to_owned());
        let new = NewScopedToken { namespace, subject, issuer, duration, grants };
        self.store.issue(new).await.unwrap()
    }

    /// Every byte that is stored.
    async fn dump(&self) -> Vec<u8> {
        let rows = self.database.transact(|transaction| {
            let all = KeyRange::table::<NamespaceTokens>();
            transaction.range::<NamespaceTokens>(&all, Order::Ascending, usize::MAX)
        });
        let rows = rows.await.unwrap();
        rows.iter().flat_map(|(_, row)| serde_json::to_vec(row).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_token_of_a_namespace_says_whose_it_is_after_a_restart_too() {
    let site = Site::new();
    let opened = site.open().await;
    let (secret_id, secret) = opened.create(NamespaceTokenKind::Secret, site.one()).await;
    let (public_id, public) = opened.create(NamespaceTokenKind::Public, site.one()).await;
    assert!(secret.starts_with("sk_") && public.starts_with("pk_"));
    let whose = |opened: &Opened| {
        let secret = opened.identify(&secret).unwrap();
        let public = opened.identify(&public).unwrap();
        assert_eq!((secret.kind(), secret.token_id()), ("secret", Some(secret_id)));
        assert_eq!((public.kind(), public.token_id()), ("public", Some(public_id)));
        assert_eq!(secret.namespace(), Some(&site.one()));
    };
    whose(&opened);
    drop(opened);

    whose(&site.open().await);
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_and_stays_revoked() {
    let site = Site::new();
    let opened = site.open().await;
    let (id, token) = opened.create(NamespaceTokenKind::Secret, site.one()).await;
    let (_, other) = opened.create(NamespaceTokenKind::Secret, site.one()).await;

    opened.store.revoke(NamespaceTokenKind::Secret, site.one().id, id).await.unwrap();

    assert_eq!(opened.identify(&token), Err(Denied::Invalid));
    assert!(opened.identify(&other).is_ok());
    drop(opened);
    assert_eq!(site.open().await.identify(&token), Err(Denied::Invalid));
}

#[tokio::test]
async fn a_token_is_revoked_only_as_what_it_is_and_where_it_belongs() {
    let site = Site::new();
    let opened = site.open().await;
    let (id, token) = opened.create(NamespaceTokenKind::Secret, site.one()).await;
    let [one, two] = [0, 1].map(|index| site.namespaces[index].id);

    let as_public = opened.store.revoke(NamespaceTokenKind::Public, one, id).await;
    let elsewhere = opened.store.revoke(NamespaceTokenKind::Secret, two, id).await;

    assert!(matches!(as_public, Err(TokenStoreError::NotFound)));
    assert!(matches!(elsewhere, Err(TokenStoreError::NotFound)));
    assert!(opened.identify(&token).is_ok());
}

#[tokio::test]
async fn the_store_keeps_no_token() {
    let site = Site::new();
    let opened = site.open().await;
    let (_, token) = opened.create(NamespaceTokenKind::Secret, site.one()).await;

    let dump = String::from_utf8(opened.dump().await).unwrap();

    assert!(dump.contains("digest"));
    assert!(!dump.contains(&token) && !dump.contains(&token[3..]), "{dump}");
    assert!(!format!("{:?}", opened.store).contains(&token[3..]));
}

#[tokio::test]
async fn a_scoped_token_lasts_as_long_as_it_says() {
    let site = Site::new();
    let opened = site.open().await;
    let issued = opened.issue(site.one(), Issuer::Admin, 60).await;
    let token = issued.token.expose();

    assert_eq!((issued.issued_ts, issued.expires_ts), (NOW, NOW + 60_000));
    let credential = opened.identify(token).unwrap();
    assert_eq!((credential.kind(), credential.subject()), ("scoped", Some("somebody")));
    assert_eq!(credential.namespace(), Some(&site.one()));
    site.clock.set(NOW + 59_999);
    assert!(opened.identify(token).is_ok());
    site.clock.set(NOW + 60_000);
    assert_eq!(opened.identify(token), Err(Denied::Expired));
}

#[tokio::test]
async fn a_revoked_scoped_token_ends_at_once_and_stays_revoked() {
    let site = Site::new();
    let opened = site.open().await;
    let issued = opened.issue(site.one(), Issuer::Admin, 60).await;
    let other = opened.issue(site.one(), Issuer::Admin, 60).await;
    let token = issued.token.expose();
    assert!(opened.identify(token).is_ok());

    // Elsewhere it is none.
    opened.store.revoke_scoped(site.namespaces[1].id, issued.id).await.unwrap();
    assert!(opened.identify(token).is_ok());
    opened.store.revoke_scoped(site.one().id, issued.id).await.unwrap();

    assert_eq!(opened.identify(token), Err(Denied::Revoked));
    assert!(opened.identify(other.token.expose()).is_ok());
    drop(opened);
    assert_eq!(site.open().await.identify(token), Err(Denied::Revoked));
}

#[tokio::test]
async fn revocations_are_remembered_only_while_they_matter() {
    let site = Site::new();
    let opened = site.open().await;
    let issued = opened.issue(site.one(), Issuer::Admin, 60).await;
    opened.store.revoke_scoped(site.one().id, issued.id).await.unwrap();

    site.clock.set(issued.expires_ts + USED_AHEAD + 1);
    opened.store.revoke_scoped(site.one().id, TokenId(Id::random(1))).await.unwrap();

    assert_eq!(opened.gate.issued().change(|known| known.revoked.len()), 1);
    assert_eq!(opened.identify(issued.token.expose()), Err(Denied::Expired));
}

#[tokio::test]
async fn a_scoped_token_ends_with_the_secret_token_that_issued_it() {
    let site = Site::new();
    let opened = site.open().await;
    let (id, _) = opened.create(NamespaceTokenKind::Secret, site.one()).await;
    let issued = opened.issue(site.one(), Issuer::Secret(id), 60).await;
    let token = issued.token.expose();
    assert!(opened.identify(token).is_ok());

    opened.store.revoke(NamespaceTokenKind::Secret, site.one().id, id).await.unwrap();

    assert_eq!(opened.identify(token), Err(Denied::Revoked));
}

#[tokio::test]
async fn a_rotated_key_verifies_until_its_last_token_has_ended() {
    let site = Site::new();
    let opened = site.open().await;
    let before = opened.issue(site.one(), Issuer::Admin, 60).await;
    let first = opened.store.signing_keys().await.unwrap()[0].clone();

    site.clock.set(NOW + 1);
    let second = opened.store.rotate(Previous::Keep).await.unwrap();
    let after = opened.issue(site.one(), Issuer::Admin, 60).await;

    assert_ne!(first.public_key, second.public_key);
    let both_are_valid = async |opened: &Opened| {
        assert!(opened.identify(before.token.expose()).is_ok());
        assert!(opened.identify(after.token.expose()).is_ok());
        let keys = opened.store.signing_keys().await.unwrap();
        assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), [first.id, second.id]);
        assert_eq!(keys.iter().map(|key| key.retire_ts).collect::<Vec<_>>(), [Some(NOW + 1), None]);
        assert!(keys[0].used_until >= before.expires_ts);
    };
    both_are_valid(&opened).await;
    drop(opened);
    let opened = site.open().await;
    both_are_valid(&opened).await;

    site.clock.set(before.expires_ts + USED_AHEAD + 1);
    let third = opened.store.rotate(Previous::Keep).await.unwrap();
    let keys = opened.store.signing_keys().await.unwrap();
    assert!(!keys.iter().any(|key| key.id == first.id));
    assert_eq!(keys.last().unwrap().id, third.id);
    assert_eq!(opened.identify(before.token.expose()), Err(Denied::Invalid));
}

#[tokio::test]
async fn every_scoped_token_ends_when_the_keys_are_revoked() {
    let site = Site::new();
    let opened = site.open().await;
    let before = opened.issue(site.one(), Issuer::Admin, 60).await;
    assert!(opened.identify(before.token.expose()).is_ok());

    opened.store.rotate(Previous::Revoke).await.unwrap();

    assert_eq!(opened.identify(before.token.expose()), Err(Denied::Invalid));
    let after = opened.issue(site.one(), Issuer::Admin, 60).await;
    assert!(opened.identify(after.token.expose()).is_ok());
    assert_eq!(opened.store.signing_keys().await.unwrap().len(), 1);
    drop(opened);
    assert_eq!(site.open().await.identify(before.token.expose()), Err(Denied::Invalid));
}

/// Somebody got hold of a key and signs tokens that never end; then the key is rotated.
#[tokio::test]
async fn a_retired_key_vouches_for_nothing_that_it_has_not_signed_here() {
    let site = Site::new();
    let opened = site.open().await;
    let honest = opened.issue(site.one(), Issuer::Admin, 60).await;
    let forged = {
        let current = opened.store.0.current.lock().await;
        let claims = jwt::Claims::from(jwt::Said {
            jti: Id::random(1),
            namespace_id: site.one().id.0,
            namespace: "one".to_owned(),
            sub: None,
            issuer_token_id: None,
            iat: NOW / 1000,
            exp: NOW / 1000 + 1_000_000_000,
            grants: Vec::new(),
        });
        jwt::sign(&claims, current.id, &current.key)
    };
    assert!(opened.identify(&forged).is_ok());

    opened.store.rotate(Previous::Keep).await.unwrap();

    assert_eq!(opened.identify(&forged), Err(Denied::Invalid));
    assert!(opened.identify(honest.token.expose()).is_ok());
}

#[tokio::test]
async fn a_key_of_another_engine_opens_nothing_here() {
    let (site, elsewhere) = (Site::new(), Site::new());
    let (opened, other) = (site.open().await, elsewhere.open().await);

    let issued = other.issue(site.one(), Issuer::Admin, 60).await;

    assert!(other.identify(issued.token.expose()).is_ok());
    assert_eq!(opened.identify(issued.token.expose()), Err(Denied::Invalid));
}

#[tokio::test]
async fn a_token_that_is_too_long_to_travel_is_not_issued() {
    let site = Site::new();
    let opened = site.open().await;
    let grant = |filler: usize| Grant {
        resource: GrantedResource::Actor,
        target: GrantTarget::Name(crate::auth::NameTarget {
            name: "n".repeat(1000 + filler),
            key: None,
        }),
        operations: vec![Operation::Read],
    };
    let new = NewScopedToken {
        namespace: site.one(),
        subject: None,
        issuer: Issuer::Admin,
        duration: 60,
        grants: (0..10).map(grant).collect(),
    };

    assert!(matches!(opened.store.issue(new).await, Err(TokenStoreError::TooLong)));
}
