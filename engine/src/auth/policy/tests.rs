//! Who may do what: the whole table, and what grants are about.

use std::sync::Arc;

use super::*;
use crate::auth::{
    Grant, GrantTarget, GrantedResource, IdTarget, Issuer, NameTarget, NamespaceToken, ScopedToken,
    TokenId,
};

const RESOURCES: [Resource; 15] = [
    Resource::Actor,
    Resource::ActorResolution,
    Resource::ActorGateway,
    Resource::ActorKv,
    Resource::Envoy,
    Resource::RunnerConfig,
    Resource::Datacenter,
    Resource::Namespace,
    Resource::ScopedToken,
    Resource::PublicToken,
    Resource::SecretToken,
    Resource::SigningKey,
    Resource::AuditLog,
    Resource::Checkpoint,
    Resource::Engine,
];

const OPERATIONS: [Operation; 5] =
    [Operation::Create, Operation::Read, Operation::Update, Operation::Delete, Operation::List];

fn id(filler: u8) -> Id {
    let mut bytes = [filler; Id::LENGTH];
    bytes[0] = 1;
    Id::from_slice(&bytes).unwrap()
}

fn own() -> NamespaceRef {
    NamespaceRef { id: NamespaceId(id(1)), name: "own".into() }
}

fn of_kind(kind: NamespaceTokenKind) -> Credential {
    Credential::Namespace(Arc::new(NamespaceToken { id: TokenId(id(2)), kind, namespace: own() }))
}

fn with(grants: Vec<Grant>) -> Credential {
    Credential::Scoped(Arc::new(ScopedToken {
        id: TokenId(id(3)),
        namespace: own(),
        subject: None,
        issuer: Issuer::Admin,
        issued_ts: 0,
        expires_ts: 1,
        grants,
    }))
}

/// What a credential may do, as text: one letter for each operation, in the order of the list.
fn allowed(credential: &Credential, place: Place<'_>, resource: Resource) -> String {
    let letter = |operation: &Operation| {
        let demand = Demand { place, resource, operation: *operation, actor: ActorRef::default() };
        if allows(credential, &demand) { &"CRUDL"[letter_of(*operation)..][..1] } else { "-" }
    };
    OPERATIONS.iter().map(letter).collect()
}

fn letter_of(operation: Operation) -> usize {
    OPERATIONS.iter().position(|other| *other == operation).unwrap()
}

#[test]
fn the_table_of_verdicts_has_not_changed() {
    let everything = with(
        [
            GrantedResource::Actor,
            GrantedResource::ActorGateway,
            GrantedResource::ActorKv,
            GrantedResource::Envoy,
            GrantedResource::RunnerConfig,
            GrantedResource::Datacenter,
        ]
        .map(|resource| Grant {
            resource,
            target: GrantTarget::Any,
            operations: OPERATIONS.to_vec(),
        })
        .to_vec(),
    );
    let (secret, public) =
        (of_kind(NamespaceTokenKind::Secret), of_kind(NamespaceTokenKind::Public));
    let inside = Place::Named("own");
    //           admin    secret   public   scoped with every grant there is
    let table = [
        (Resource::Actor, "CRUDL", "CRUDL", "-----", "CRUDL"),
        (Resource::ActorResolution, "CRUDL", "CRUDL", "CR---", "CRUDL"),
        (Resource::ActorGateway, "CRUDL", "CRUDL", "CR---", "CRUDL"),
        (Resource::ActorKv, "CRUDL", "CRUDL", "-----", "CRUDL"),
        (Resource::Envoy, "CRUDL", "CRUDL", "-----", "CRUDL"),
        (Resource::RunnerConfig, "CRUDL", "CRUDL", "-----", "CRUDL"),
        (Resource::Datacenter, "CRUDL", "----L", "-----", "CRUDL"),
        (Resource::Namespace, "CRUDL", "----L", "-----", "-----"),
        (Resource::ScopedToken, "CRUDL", "CRUDL", "-----", "-----"),
        (Resource::PublicToken, "CRUDL", "CRUDL", "-----", "-----"),
        (Resource::SecretToken, "CRUDL", "-----", "-----", "-----"),
        (Resource::SigningKey, "CRUDL", "-----", "-----", "-----"),
        (Resource::AuditLog, "CRUDL", "-----", "-----", "-----"),
        (Resource::Checkpoint, "CRUDL", "-----", "-----", "-----"),
        (Resource::Engine, "CRUDL", "-----", "-----", "-----"),
    ];

    assert_eq!(table.map(|row| row.0), RESOURCES);
    for (resource, admin, of_secret, of_public, scoped) in table {
        let verdicts = |place| {
            [&Credential::Admin, &secret, &public, &everything]
                .map(|credential| allowed(credential, place, resource))
        };
        assert_eq!(verdicts(inside), [admin, of_secret, of_public, scoped], "{resource:?}");
        assert_eq!(verdicts(Place::Id(NamespaceId(id(1)))), verdicts(inside), "{resource:?}");
        for elsewhere in
            [Place::Named("other"), Place::Named(""), Place::Id(NamespaceId(id(9))), Place::Engine]
        {
            let nobody_else = ["CRUDL", "-----", "-----", "-----"];
            assert_eq!(verdicts(elsewhere), nobody_else, "{resource:?} {elsewhere:?}");
        }
    }
}

#[test]
fn everybody_may_do_everything_where_the_operator_says_so() {
    for resource in RESOURCES {
        assert_eq!(allowed(&Credential::Open, Place::Engine, resource), "CRUDL");
    }
}

#[test]
fn a_grant_is_about_its_operations_and_its_resource_alone() {
    let credential = with(vec![Grant {
        resource: GrantedResource::Actor,
        target: GrantTarget::Any,
        operations: vec![Operation::Read, Operation::List],
    }]);

    for resource in RESOURCES {
        let expected = match resource {
            Resource::Actor | Resource::ActorResolution => "-R--L",
            _ => "-----",
        };
        assert_eq!(allowed(&credential, Place::Named("own"), resource), expected, "{resource:?}");
    }
}

#[test]
fn a_grant_of_one_target_is_about_no_other() {
    let on = |target| {
        with(vec![Grant {
            resource: GrantedResource::ActorGateway,
            target,
            operations: vec![Operation::Read],
        }])
    };
    let reaches = |credential: &Credential, actor: ActorRef<'_>| {
        let demand = Demand {
            place: Place::Named("own"),
            resource: Resource::ActorGateway,
            operation: Operation::Read,
            actor,
        };
        allows(credential, &demand)
    };
    let actor = |filler, name, key| ActorRef { id: Some(id(filler)), name: Some(name), key };
    let nobody = ActorRef::default();

    let by_id = on(GrantTarget::Id(IdTarget { id: id(5) }));
    assert!(reaches(&by_id, actor(5, "chat", None)));
    assert!(!reaches(&by_id, actor(6, "chat", None)));
    assert!(!reaches(&by_id, nobody));

    let by_name = on(GrantTarget::Name(NameTarget { name: "chat".to_owned(), key: None }));
    assert!(reaches(&by_name, actor(5, "chat", Some("a"))));
    assert!(reaches(&by_name, actor(6, "chat", None)));
    assert!(!reaches(&by_name, actor(5, "chats", Some("a"))));
    assert!(!reaches(&by_name, nobody));

    let key = Some("a".to_owned());
    let by_key = on(GrantTarget::Name(NameTarget { name: "chat".to_owned(), key }));
    assert!(reaches(&by_key, actor(5, "chat", Some("a"))));
    assert!(!reaches(&by_key, actor(5, "chat", Some("a/b"))));
    assert!(!reaches(&by_key, actor(5, "chat", None)));
    assert!(!reaches(&by_key, actor(5, "other", Some("a"))));
}

#[test]
fn grants_are_read_as_clients_write_them() {
    let read = |text: &str| serde_json::from_str::<Grant>(text).map(|grant| grant.target);
    let grant = |target: &str| {
        format!(r#"{{"resource":"actor_gateway","target":{target},"operations":["read"]}}"#)
    };

    assert_eq!(read(&grant(r#""any""#)).unwrap(), GrantTarget::Any);
    let one = format!(r#"{{"id":"{}"}}"#, id(5));
    assert_eq!(read(&grant(&one)).unwrap(), GrantTarget::Id(IdTarget { id: id(5) }));
    let named = NameTarget { name: "chat".to_owned(), key: Some("a".to_owned()) };
    let text = r#"{"name":"chat","key":"a"}"#;
    assert_eq!(read(&grant(text)).unwrap(), GrantTarget::Name(named));
    for wrong in
        [r#""all""#, "{}", r#"{"id":"x"}"#, r#"{"key":"a"}"#, r#"{"name":"a","ids":1}"#, "null"]
    {
        assert!(read(&grant(wrong)).is_err(), "{wrong}");
    }
    let unknown = r#"{"resource":"secret_token","target":"any","operations":["create"]}"#;
    assert!(read(unknown).is_err());
}

#[test]
fn grants_that_no_token_is_made_of_are_refused() {
    use crate::auth::grant::{GRANTS_MAX, InvalidGrants, check};

    let grant = |resource, target, operations: &[Operation]| Grant {
        resource,
        target,
        operations: operations.to_vec(),
    };
    let good = grant(GrantedResource::Actor, GrantTarget::Any, &[Operation::Read]);
    let name = |name: &str| GrantTarget::Name(NameTarget { name: name.to_owned(), key: None });

    assert_eq!(check(std::slice::from_ref(&good)), Ok(()));
    assert_eq!(check(&[]), Err(InvalidGrants::None));
    assert_eq!(check(&vec![good; GRANTS_MAX + 1]), Err(InvalidGrants::TooMany));
    let nothing = grant(GrantedResource::Actor, GrantTarget::Any, &[]);
    assert_eq!(check(&[nothing]), Err(InvalidGrants::NoOperation));
    let nameless = grant(GrantedResource::Actor, name(""), &[Operation::Read]);
    assert_eq!(check(&[nameless]), Err(InvalidGrants::Text));
    let pool = grant(GrantedResource::Envoy, name("pool"), &[Operation::Create]);
    assert_eq!(check(&[pool]), Err(InvalidGrants::Target));
}
