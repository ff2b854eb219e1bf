//! A grant or guard being written: who, what, which records, which fields. The condition is written with the query
//! builder, or as text.
//!
//! **Invariants**
//! - The form is the whole state; nothing is kept between two steps, and a step changes no right.
//! - Who is refused finds everything as it was typed.

use app::{
    AppError,
    rights::{self, Wanted},
};
use axum::{
    extract::{Path as UrlPath, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use model::{
    ActionName, Card, FieldRight, Filter, Grant, Ident, Scopes,
    build::{ALL_ACTIONS, local::LocalRight},
    check_filter,
    def::{ScopeDef, ScopeName},
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::rights::{card_of, done, label_of, word};
use crate::{
    Site,
    extract::Form,
    pages::{
        Reader,
        builder::{self, draft::Draft, render::Drawing, value::Names},
        draw,
        rights::{action_words, group_name},
        shell, trimmed as get, url,
    },
    view::{Choice, ConditionForm, GrantForm},
    sure::Sure,
};

type Pairs = Vec<(String, String)>;

/// The named scopes, in the order people are offered them.
const SCOPES: [(&str, ScopeName); 7] = [
    ("all", ScopeName::All),
    ("own", ScopeName::Own),
    ("subordinates", ScopeName::Subordinates),
    ("org_unit", ScopeName::OrgUnit),
    ("org_tree", ScopeName::OrgTree),
    ("shared", ScopeName::Shared),
    ("pool", ScopeName::Pool),
];

/// The condition as it stands in the form.
struct Condition {
    draft: Draft,
    /// What stands there instead, where it is written as text.
    text: Option<String>,
    fresh: Option<u32>,
    /// Whether what is unfinished is a mistake already.
    strict: bool,
}

impl Condition {
    fn of(filter: Option<&Filter>) -> Self {
        Self { draft: Draft::of(filter), text: None, fresh: None, strict: false }
    }

    fn read(reader: &Reader, card: &Card, fields: &[(String, String)]) -> Self {
        let text = fields.iter().find(|(name, _)| name == "condition").map(|(_, text)| text.clone());
        Self { draft: builder::read(reader, card, fields), text, fresh: None, strict: false }
    }

    /// The filter so far, or what is wrong with its text; none where nothing was said.
    fn filter(&self, finished: bool) -> Result<Option<Filter>, String> {
        let json = match self.text.as_deref().map(str::trim) {
            Some("") => None,
            Some(text) => Some(serde_json::from_str::<Json>(text).map_err(|error| error.to_string())?),
            None => self.draft.filter(finished),
        };
        json.map(|json| Filter::from_json(&json).map_err(|error| error.to_string())).transpose()
    }

    /// From the builder to text, or back; stays where the text is none that the builder knows.
    fn turn(&mut self) -> Result<(), String> {
        let filter = self.filter(false)?;
        match &self.text {
            Some(_) => *self = Self::of(filter.as_ref()),
            None => self.text = Some(filter.map(|filter| serde_json::to_string_pretty(&filter.to_json()).unwrap_or_default()).unwrap_or_default()),
        }
        Ok(())
    }
}

/// What is written: a new grant or guard, or a grant that is changed.
struct Subject<'a> {
    card: &'a Card,
    grant: Option<&'a Grant>,
    guard: bool,
}

impl<'a> Subject<'a> {
    fn of(card: &'a Card, pairs: &[(String, String)]) -> Result<Self, AppError> {
        let grant = match get(pairs, "id") {
            "" => None,
            id => Some(card.grants.iter().find(|grant| grant.id == id).ok_or_else(|| AppError::not_found("grant"))?),
        };
        Ok(Self { card, grant, guard: grant.is_none() && get(pairs, "guard") == "yes" })
    }

    fn url(&self, what: &str) -> String {
        let path = format!("/studio/rights/{}/{what}", self.card.key);
        match self.grant {
            Some(grant) => url(&path, &[("id", &grant.id)]),
            None => url(&path, &[("guard", if self.guard { "yes" } else { "" })]),
        }
    }

    /// What the grant says, as its form sends it.
    fn pairs(&self) -> Pairs {
        let Some(grant) = self.grant else { return vec![("scope".into(), "own".into())] };
        let mut pairs = vec![("role".to_owned(), grant.role.to_string()), ("scope".to_owned(), crate::api::rights::scope(&grant.scope).to_owned())];
        pairs.extend(grant.actions.iter().map(|action| ("action".to_owned(), access::action_word(*action))));
        let name = |child: Option<&Ident>, key: &Ident| child.map_or_else(|| key.to_string(), |child| format!("{child}.{key}"));
        pairs.extend(grant.fields.iter().map(|((child, key), right)| (format!("field.{}", name(child.as_ref(), key)), word(*right).to_owned())));
        pairs
    }
}

/// `GET /studio/rights/{card}/grant?id=…`, or `guard=yes`
pub async fn form(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let card = card_of(&reader, &key)?;
        let subject = Subject::of(&card, &pairs)?;
        let condition = Condition::of(subject.grant.and_then(|grant| grant.written.as_ref()));
        drawn(&site, &reader, &subject, &condition, &subject.pairs()).await
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "rights/grant.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /studio/rights/{card}/condition` with the form and `do`: one step of writing the condition. Nothing is saved.
pub async fn step(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let card = card_of(&reader, &key)?;
        let subject = Subject::of(&card, &pairs)?;
        let mut condition = Condition::read(&reader, &card, &fields);
        let notice = match get(&fields, "do") {
            "turn" => condition.turn().err(),
            step if condition.text.is_none() => {
                let (fresh, done) = builder::change(&reader, &card, &mut condition.draft, step);
                condition.fresh = fresh;
                (!done).then(|| reader.t(&site, "query.too_much", &[]))
            }
            _ => None,
        };
        let page = drawn(&site, &reader, &subject, &condition, &fields).await?;
        Ok::<_, AppError>(GrantForm { notice: notice.or(page.notice), ..page })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "rights/grant.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// The form, with what was chosen so far.
async fn drawn(site: &Site, reader: &Reader, subject: &Subject<'_>, condition: &Condition, fields: &[(String, String)]) -> Result<GrantForm, AppError> {
    let (card, grant, lang) = (subject.card, subject.grant, &reader.asker.actor.lang);
    let all = |name: &str| fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect::<Vec<_>>();
    let (role, actions, except, scope) = (get(fields, "role"), all("action"), all("except"), get(fields, "scope"));
    let groups = |chosen: &dyn Fn(&str) -> bool| {
        let one = |role: &model::Role| Choice { value: role.key.to_string(), text: role.labels.or_key(lang, role.key.as_str()), selected: chosen(role.key.as_str()) };
        reader.asker.snapshot.catalog.roles.values().map(one).collect()
    };
    let scopes = SCOPES.iter().map(|(name, _)| *name).filter(|name| *name != "pool" || card.pool.is_some()).chain(["condition"]);
    let tables = std::iter::once(&card.table).chain(card.children.values());
    let field = |(table, field): (&model::Table, &model::Field)| {
        let name = table.child.as_ref().map_or_else(|| field.key.to_string(), |child| format!("{child}.{}", field.key));
        let now = Some(get(fields, &format!("field.{name}"))).filter(|right| !right.is_empty()).unwrap_or("edit").to_owned();
        let rights = [FieldRight::Edit, FieldRight::Read, FieldRight::Mask, FieldRight::None];
        let choices = rights.map(|right| Choice { value: word(right).into(), text: reader.t(site, &format!("fieldright.{}", word(right)), &[]), selected: word(right) == now }).to_vec();
        (name, label_of(card, lang, table.child.as_ref(), field), choices)
    };
    let title = match (subject.guard, grant) {
        (true, _) => "rights.new_guard",
        (false, Some(_)) => "rights.change",
        (false, None) => "rights.new_grant",
    };
    let (condition, notice) = written(site, reader, subject, condition).await?;
    Ok(GrantForm {
        url: subject.url("grant"),
        title: reader.t(site, title, &[]),
        back_url: url("/studio/rights", &[("card", card.key.as_str())]),
        guard: subject.guard,
        groups: groups(&|key| key == role),
        fixed_group: grant.map(|grant| group_name(reader, &grant.role)),
        actions: ALL_ACTIONS
            .into_iter()
            .chain([ActionName::Administer])
            .map(|action| (access::action_word(action), action))
            .map(|(value, action)| Choice { selected: actions.contains(&value), text: action_words(site, reader, action), value })
            .collect(),
        scopes: scopes.map(|name| Choice { value: name.into(), text: reader.t(site, &format!("scope.{name}"), &[]), selected: name == scope }).collect(),
        condition,
        fields: if subject.guard { Vec::new() } else { tables.flat_map(|table| table.own_fields().filter(|field| !field.secret).map(move |field| (table, field))).map(field).collect() },
        except: groups(&|key| except.iter().any(|role| role == key)),
        notice,
    })
}

/// The condition as a form, read back as a sentence; and what is wrong with its text.
async fn written(site: &Site, reader: &Reader, subject: &Subject<'_>, condition: &Condition) -> Result<(ConditionForm, Option<String>), AppError> {
    let (card, catalog) = (subject.card, &reader.asker.snapshot.catalog);
    let table = card.table.reference();
    let (filter, mut notice) = match condition.filter(true) {
        Ok(filter) => (filter, None),
        Err(fault) => (None, Some(fault)),
    };
    if let (Some(_), Some(filter)) = (&condition.text, &filter) {
        notice = check_filter(catalog, &Scopes::of(table.clone()), filter).err().map(|error| error.message);
    }
    let whole = condition.filter(false).ok().flatten().or_else(|| filter.clone()).unwrap_or_else(Filter::always);
    let names = Names::load(site, reader, &table, &whole).await?;
    let drawing = Drawing { site, reader, card, asked: None, names: &names, strict: condition.strict, fresh: condition.fresh };
    let (titles, nothing) = (|id: &str| names.get(id), |_: &str| None);
    let sentences = form::sentence::Sentences { catalog, locale: &reader.asker.locale, titles: &titles, parameters: &nothing };
    // The number is of records that this reader may read.
    let counted = condition.text.is_none() && access::gate(catalog, &reader.asker.actor, catalog.card(&card.key).ok_or_else(|| AppError::not_found("card"))?, ActionName::Read).is_ok();
    let form = ConditionForm {
        url: subject.url("condition"),
        count_url: counted.then(|| format!("/c/{}/query/count", card.key)),
        draft: condition.draft.write(),
        root: drawing.root(&condition.draft),
        text: condition.text.clone(),
        sentence: filter.map(|filter| sentences.of(&table, &filter)).unwrap_or_default(),
    };
    Ok((form, notice))
}

/// `POST /studio/rights/{card}/grant`
pub async fn save(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, Sure { reader, by, fields }: Sure) -> Response {
    let answer = async {
        let card = card_of(&reader, &key)?;
        let subject = Subject::of(&card, &pairs)?;
        let condition = Condition { strict: true, ..Condition::read(&reader, &card, &fields) };
        let saved = async {
            let wanted = wanted(&site, &reader, &subject, &condition, &fields)?;
            rights::put(&site.app, &reader.asker.actor, &by, wanted).await
        };
        match saved.await {
            Ok(_) => Ok(Ok(url("/studio/rights", &[("card", card.key.as_str())]))),
            Err(error @ (AppError::Malformed { .. } | AppError::Forbidden { .. } | AppError::Conflict { .. })) => {
                let page = drawn(&site, &reader, &subject, &condition, &fields).await?;
                let detail = crate::problem::document(&error, &reader.asker.actor.lang)["detail"].as_str().map(str::to_owned);
                let status = match &error {
                    AppError::Malformed { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                    _ => crate::problem::status(&error),
                };
                Ok(Err(draw(&site, status, "rights/grant.html", &shell::of(&site, &reader, None), &GrantForm { notice: detail, ..page })))
            }
            Err(error) => Err(error),
        }
    };
    match answer.await {
        Ok(Ok(to)) => done(&site, &reader, Ok(to)),
        Ok(Err(again)) => again.into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

fn wanted(site: &Site, reader: &Reader, subject: &Subject<'_>, condition: &Condition, fields: &[(String, String)]) -> Result<Wanted, AppError> {
    let role = match subject.grant {
        Some(grant) => Some(grant.role.clone()),
        None if subject.guard => None,
        None => Some(Ident::new(get(fields, "role")).map_err(|_| AppError::malformed("bad_right", reader.t(site, "rights.choose_group", &[])))?),
    };
    let own = subject.grant.filter(|grant| grant.pack.is_none()).and_then(|grant| Uuid::try_parse(&grant.id).ok());
    let replaces = subject.grant.filter(|grant| grant.pack.is_some()).map(|grant| grant.id.clone());
    Ok(Wanted { id: own, card: subject.card.key.to_string(), role, replaces, says: says(site, reader, subject.card, condition, fields)? })
}

fn says(site: &Site, reader: &Reader, card: &Card, condition: &Condition, fields: &[(String, String)]) -> Result<LocalRight, AppError> {
    let wrong = |detail: String| AppError::malformed("bad_right", detail);
    let all = |name: &str| fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    let actions = all("action").into_iter().map(|action| serde_json::from_value::<ActionName>(action.into()).map_err(|error| wrong(error.to_string()))).collect::<Result<Vec<_>, _>>()?;
    let scope = match get(fields, "scope") {
        "condition" => {
            let nothing = Names::default();
            let drawing = Drawing { site, reader, card, asked: None, names: &nothing, strict: true, fresh: None };
            if condition.text.is_none() && Drawing::has_errors(&drawing.root(&condition.draft)) {
                return Err(wrong(reader.t(site, "rights.condition_wrong", &[])));
            }
            let filter = condition.filter(false).map_err(|fault| wrong(format!("scope: {fault}")))?;
            ScopeDef::Filter(filter.ok_or_else(|| wrong(reader.t(site, "rights.condition_missing", &[])))?)
        }
        name => ScopeDef::Named(SCOPES.iter().find(|(known, _)| *known == name).ok_or_else(|| wrong("scope".into()))?.1),
    };
    let rights = fields.iter().filter_map(|(name, right)| Some((name.strip_prefix("field.")?, right))).filter(|(_, right)| *right != "edit");
    let rights =
        rights.map(|(name, right)| Ok((name.to_owned(), serde_json::from_value::<FieldRight>(right.as_str().into()).map_err(|error| wrong(error.to_string()))?))).collect::<Result<_, AppError>>()?;
    let except = all("except").into_iter().filter_map(|role| Ident::new(role).ok()).collect();
    Ok(LocalRight { actions, scope, fields: rights, except, names: Vec::new() })
}
