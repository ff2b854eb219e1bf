//! Accounts, sessions, tokens and the log, as the document describes them to whoever may use them.

use access::Actor;
use app::log::{Event, Log};
use serde_json::{Map, Value, json};

use super::Operations;

fn text() -> Value {
    json!({"type": "string"})
}

fn maybe(format: Option<&str>) -> Value {
    match format {
        Some(format) => json!({"type": ["string", "null"], "format": format}),
        None => json!({"type": ["string", "null"]}),
    }
}

fn texts() -> Value {
    json!({"type": "array", "items": text()})
}

fn path(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn query(names: &[(&str, Value)]) -> Vec<Value> {
    names.iter().map(|(name, schema)| json!({"name": name, "in": "query", "required": false, "schema": schema})).collect()
}

/// What an operation is: where it stands, what it is called, what goes in, what comes out, what can be wrong.
struct Told {
    path: &'static str,
    method: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: Vec<Value>,
    body: Option<&'static str>,
    answer: (&'static str, Option<&'static str>),
    problems: &'static [&'static str],
}

impl Told {
    fn written(self) -> (String, &'static str, Value) {
        let schema = |name: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}});
        let (status, content) = self.answer;
        let mut responses = json!({status: {"description": ""}});
        match content {
            Some("csv") => responses[status]["content"] = json!({"text/csv": {"schema": text()}}),
            Some(name) => responses[status]["content"] = schema(name),
            None => {}
        }
        for problem in self.problems {
            responses[*problem] = json!({"description": "A problem, as application/problem+json."});
        }
        let mut operation = json!({"tags": ["accounts"], "operationId": self.id, "summary": self.summary, "parameters": self.parameters, "responses": responses});
        if let Some(body) = self.body {
            operation["requestBody"] = json!({"required": true, "content": schema(body)});
        }
        (format!("/api/v1{}", self.path), self.method, operation)
    }
}

fn own() -> Vec<Told> {
    let told = |path, method, id, summary| Told { path, method, id, summary, parameters: Vec::new(), body: None, answer: ("204", None), problems: &["403"] };
    let one = |name: &str| vec![path(name, text())];
    vec![
        Told { answer: ("200", Some("account.own")), problems: &[], ..told("/me", "get", "me_read", "Your own account") },
        Told { body: Some("account.confirm"), problems: &["400", "429"], ..told("/me/confirm", "post", "me_confirm", "Give the password again, for this session") },
        Told { body: Some("account.password"), problems: &["400", "403", "429"], ..told("/me/password", "post", "me_password", "Another password; every session ends") },
        Told { answer: ("200", Some("account.second")), problems: &["403", "409"], ..told("/me/second-factor", "post", "second_factor_begin", "Begin to set a second factor up") },
        Told { body: Some("account.code"), answer: ("200", Some("account.codes")), problems: &["400", "403", "409"], ..told("/me/second-factor", "patch", "second_factor_on", "Turn the second factor on") },
        told("/me/second-factor", "delete", "second_factor_off", "Turn the second factor off"),
        Told { answer: ("200", Some("account.codes")), problems: &["403", "409"], ..told("/me/second-factor/codes", "post", "second_factor_codes", "Other recovery codes") },
        Told { parameters: query(&[("all", json!({"type": "boolean"}))]), answer: ("200", Some("session.list")), ..told("/sessions", "get", "session_list", "Where you are signed in") },
        Told { parameters: one("id"), problems: &["403", "404"], ..told("/sessions/{id}", "delete", "session_end", "End a session") },
        Told { parameters: query(&[("all", json!({"type": "boolean"}))]), answer: ("200", Some("token.list")), ..told("/tokens", "get", "token_list", "API tokens") },
        Told { body: Some("token.new"), answer: ("201", Some("token.made")), problems: &["400", "403"], ..told("/tokens", "post", "token_create", "Make an API token") },
        Told { parameters: one("id"), problems: &["403", "404"], ..told("/tokens/{id}", "delete", "token_revoke", "Take an API token back") },
    ]
}

fn administering() -> Vec<Told> {
    let told = |path, method, id, summary| Told { path, method, id, summary, parameters: Vec::new(), body: None, answer: ("204", None), problems: &["403", "404"] };
    let user = || vec![path("id", json!({"type": "string", "format": "uuid"}))];
    let lines = || {
        let words: Vec<&str> = Event::ALL.iter().map(|event| event.word()).collect();
        let moment = || json!({"type": "string", "format": "date-time"});
        let log = path("log", json!({"type": "string", "enum": Log::ALL.map(Log::word)}));
        let others = query(&[("event", json!({"type": "string", "enum": words})), ("user", json!({"type": "string", "format": "uuid"})), ("address", text()), ("from", moment()), ("until", moment()), ("before", json!({"type": "integer"}))]);
        std::iter::once(log).chain(others).collect::<Vec<_>>()
    };
    vec![
        Told { parameters: query(&[("q", text()), ("active", json!({"type": "boolean"})), ("group", text()), ("after", text())]), answer: ("200", Some("account.list")), problems: &["400", "403"], ..told("/users", "get", "user_account_list", "Accounts") },
        Told { body: Some("account.new"), answer: ("201", Some("account.invited")), problems: &["400", "403", "409"], ..told("/users", "post", "user_account_invite", "Invite somebody") },
        Told { parameters: user(), answer: ("200", Some("account.person")), ..told("/users/{id}", "get", "user_account_read", "An account") },
        Told { parameters: user(), body: Some("account.change"), answer: ("200", Some("account.person")), problems: &["400", "403", "404", "409"], ..told("/users/{id}", "patch", "user_account_change", "Change an account") },
        Told { parameters: user(), answer: ("201", Some("account.link")), problems: &["403", "404", "409"], ..told("/users/{id}/link", "post", "user_account_link", "A new link to set a password") },
        Told { parameters: user(), ..told("/users/{id}/sessions", "delete", "user_account_end_sessions", "End all sessions of somebody") },
        Told { parameters: user(), ..told("/users/{id}/second-factor", "delete", "user_account_second_factor_off", "Turn somebody's second factor off") },
        Told { answer: ("200", Some("group.list")), problems: &["403"], ..told("/groups", "get", "group_list", "Groups") },
        Told { parameters: lines(), answer: ("200", Some("log.list")), problems: &["400", "403", "404"], ..told("/log/{log}", "get", "log_list", "The log of sign-ins or operations") },
        Told { parameters: lines(), answer: ("200", Some("csv")), problems: &["400", "403", "404"], ..told("/log/{log}/export", "get", "log_export", "The log as CSV") },
    ]
}

/// As far as the actor may.
pub(super) fn everywhere(actor: &Actor) -> Operations {
    let others = if actor.is_administrator() { administering() } else { Vec::new() };
    own().into_iter().chain(others).map(Told::written).collect()
}

/// What those send and answer.
pub(super) fn schemas(actor: &Actor) -> Map<String, Value> {
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let list = |of: Value, next: Value| object(json!({"data": {"type": "array", "items": of}, "next": next}));
    let (moment, flag, number) = (|| maybe(Some("date-time")), || json!({"type": "boolean"}), || json!({"type": "integer"}));
    let person = || object(json!({"id": {"type": "string", "format": "uuid"}, "title": text()}));
    let session = object(json!({"id": text(), "began_at": moment(), "used_at": moment(), "agent": text(), "address": maybe(None), "user": person(), "current": flag()}));
    let token = object(json!({"id": {"type": "string", "format": "uuid"}, "name": text(), "created_at": moment(), "expires_at": moment(), "used_at": moment(), "administers": flag(), "user": person()}));
    let mut all = Map::from_iter([
        ("account.own".to_owned(), object(json!({"id": text(), "login": text(), "name": text(), "groups": texts(), "language": text(), "zone": text(), "second_factor": flag(), "recovery_codes": number()}))),
        ("account.confirm".to_owned(), object(json!({"password": text(), "code": text()}))),
        ("account.password".to_owned(), object(json!({"current": text(), "password": text()}))),
        ("account.second".to_owned(), object(json!({"secret": text(), "picture": text()}))),
        ("account.code".to_owned(), object(json!({"code": text()}))),
        ("account.codes".to_owned(), object(json!({"recovery_codes": texts()}))),
        ("session.list".to_owned(), list(session, json!({"type": "null"}))),
        ("token.list".to_owned(), list(token, json!({"type": "null"}))),
        ("token.new".to_owned(), object(json!({"name": text(), "days": {"type": ["integer", "null"]}, "administers": flag()}))),
        ("token.made".to_owned(), object(json!({"token": text()}))),
    ]);
    if actor.is_administrator() {
        let account = json!({"id": text(), "login": text(), "name": text(), "email": maybe(None), "language": maybe(None), "active": flag(), "groups": texts(), "password": flag(), "second_factor": flag(), "created_at": moment(), "signed_in_at": moment()});
        let written = json!({"name": text(), "email": maybe(None), "language": maybe(None), "groups": texts()});
        let with = |key: &str, schema: Value| {
            let mut all = written.clone();
            all[key] = schema;
            object(all)
        };
        let line = object(json!({"seq": number(), "at": moment(), "event": text(), "actor": {"type": ["object", "null"]}, "subject": {"type": ["object", "null"]}, "address": maybe(None), "agent": maybe(None), "about": {"type": "object"}}));
        all.extend([
            ("account.person".to_owned(), object(account)),
            ("account.list".to_owned(), list(json!({"$ref": "#/components/schemas/account.person"}), maybe(None))),
            ("account.new".to_owned(), with("login", text())),
            ("account.change".to_owned(), with("active", flag())),
            ("account.invited".to_owned(), object(json!({"id": text(), "link": text()}))),
            ("account.link".to_owned(), object(json!({"link": text()}))),
            ("group.list".to_owned(), list(json!({"$ref": "#/components/schemas/group"}), json!({"type": "null"}))),
            ("log.list".to_owned(), list(line, json!({"type": ["integer", "null"]}))),
        ]);
    }
    all
}
