use chrono::{DateTime, Utc};
use model::{ActionName, Catalog, Condition, Ident, load::read_pack, path};
use uuid::Uuid;

use crate::{Actor, Denied, Readable, gate, gate_write, may_name};

/// Somebody signed in on 24 November 2026.
fn actor(roles: &[&str]) -> Actor {
    let now: DateTime<Utc> = "2026-11-24T08:00:00Z".parse().expect("a moment");
    Actor::user(Uuid::from_u128(1), "kim", roles.iter().map(|role| Ident::new(role).expect("a key")).collect(), now)
}

fn catalog() -> Catalog {
    let thing = r#"{"key": "thing", "fields": {"name": {"type": "text"}, "cost": {"type": "money"}, "grade": {"type": "text"}, "pin": {"type": "text", "class": "secret"}, "box": {"type": "link", "target": "box"}},
        "permissions": [
            {"role": "all", "actions": ["*"]},
            {"role": "some", "actions": ["read"], "scope": {"field": "grade", "op": "is", "value": "a"}, "fields": {"cost": "none"}},
            {"role": "own", "actions": ["read", "update"], "scope": "own", "fields": {"name": "read"}},
            {"role": "lost", "actions": ["read"], "scope": {"any": [{"field": "grade", "op": "is", "value": "a"}, {"field": "name", "op": "any_of", "value": []}]}}]}"#;
    let hidden = r#"{"key": "box", "fields": {"name": {"type": "text"}}, "permissions": [{"role": "all", "actions": ["*"]}]}"#;
    let files = [("pack.json", r#"{"id": "p", "version": "1.0.0"}"#), ("cards/thing.json", thing), ("cards/box.json", hidden)];
    let (source, _) = read_pack(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect());
    model::build::build(&[source], 1).0.expect("a catalog")
}

fn key(name: &str) -> Ident {
    Ident::new(name).expect("a key")
}

#[test]
fn what_no_grant_names_is_denied() {
    let catalog = catalog();
    let thing = catalog.card("thing").expect("the card");
    assert_eq!(gate(&catalog, &actor(&[]), thing, ActionName::Read).map(|_| ()), Err(Denied::Hidden));
    assert_eq!(gate(&catalog, &actor(&["some"]), thing, ActionName::Delete).map(|_| ()), Err(Denied::Action { action: "delete".into(), card: "Thing".into() }));
    assert!(gate(&catalog, &actor(&["some"]), thing, ActionName::Read).is_ok());
    assert!(gate(&catalog, &actor(&["administrator"]), thing, ActionName::Administer).is_ok());
    // `*` is all but designing and administering.
    assert!(gate(&catalog, &actor(&["all"]), thing, ActionName::Bulk).is_ok());
    assert!(gate(&catalog, &actor(&["all"]), thing, ActionName::Administer).is_err());
}

#[test]
fn an_unknown_in_a_scope_lets_nothing_through() {
    let catalog = catalog();
    let thing = catalog.card("thing").expect("the card");
    let rows = gate(&catalog, &actor(&["lost"]), thing, ActionName::Read).expect("a gate").rows();
    assert_eq!(rows, Condition::never());
}

#[test]
fn the_fields_of_one_grant_are_not_seen_in_the_rows_of_another() {
    let catalog = catalog();
    let thing = catalog.card("thing").expect("the card");
    let open = gate(&catalog, &actor(&["some", "own"]), thing, ActionName::Read).expect("a gate");
    let own = gate(&catalog, &actor(&["own"]), thing, ActionName::Read).expect("a gate").rows();
    assert_eq!(open.readable(None, &key("cost")), Readable::When(own));
    assert_eq!(open.readable(None, &key("name")), Readable::Always);
    assert_eq!(open.readable(None, &key("pin")), Readable::Never);
    assert_eq!(gate(&catalog, &actor(&["some"]), thing, ActionName::Read).expect("a gate").readable(None, &key("cost")), Readable::Never);
    // Even administrators never read a secret.
    assert_eq!(gate(&catalog, &actor(&["administrator"]), thing, ActionName::Read).expect("a gate").readable(None, &key("pin")), Readable::Never);
}

#[test]
fn a_field_that_is_read_is_not_written() {
    let catalog = catalog();
    let thing = catalog.card("thing").expect("the card");
    let write = gate_write(&catalog, &actor(&["own"]), thing, ActionName::Update).expect("a gate");
    assert!(write.editable(None, &key("name")).is_never());
    assert_eq!(write.editable(None, &key("grade")), Readable::Always);
    assert!(!write.may_assign());
    assert_eq!(write.rows_for([(None, &key("name"))]), Condition::never());
    // Accounts are changed by their own use cases.
    assert!(gate_write(&catalog, &actor(&["administrator"]), catalog.card("user").expect("users"), ActionName::Update).is_err());
}

#[test]
fn paths_are_named_only_where_every_step_may_be_read() {
    let catalog = catalog();
    let named = |roles: &[&str], name: &str| may_name(&catalog, &actor(roles), &path::resolve(&catalog, &model::TableRef::card(&key("thing")), name).expect("a path"));
    assert!(named(&["all"], "box.name") && !named(&["some"], "box.name") && named(&["some"], "box"));
    assert!(!named(&["some"], "cost") && named(&["some", "own"], "cost") && !named(&["administrator"], "pin"));
}
