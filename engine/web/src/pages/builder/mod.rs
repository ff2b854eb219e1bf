//! The query builder: a filter as a form, changed step by step on the server.
//!
//! **Invariants**
//! - The form is the whole state; nothing is kept between two steps.
//! - The filter that comes out is checked like any other, and passes the gate like any other.

mod ask;
pub mod draft;
mod fields;
pub mod render;
pub mod value;

pub use ask::ask_form;
pub use fields::fields;

use app::{AppError, lists, views::{self, Wanted}};
use axum::{
    extract::{Path as UrlPath, Query, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use draft::{Draft, Group, Mode, Part, Step};
use model::{Card, Filter, Op, path, resolve};
use query::{Count as Counting, ListRequest};
use render::Drawing;
use serde_json::{Value as Json, json};
use value::Names;

use super::{
    Reader,
    list::{self, Address, Asked, ask},
    views as kept,
};
use crate::{
    Site,
    extract::Form,
    view::{QueryCount, QueryPage},
};
use crate::pages::get;

type Pairs = Vec<(String, String)>;

/// `GET /c/{card}/query`: the builder, with the condition of the list at this address.
pub async fn open(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.card(&key)?;
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let draft = Draft::of(asked.list.filter.as_ref());
        draw(&site, &reader, &asked, &draft, Told { strict: false, fresh: None, notice: None }).await
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// What a drawing is told besides the draft.
struct Told {
    strict: bool,
    fresh: Option<u32>,
    notice: Option<String>,
}

/// The sentence of a list's condition.
pub fn sentence(reader: &Reader, asked: &Asked<'_>, names: &Names, filter: &Filter) -> String {
    let (lang, catalog) = (&reader.asker.actor.lang, &reader.asker.snapshot.catalog);
    let titles = |id: &str| names.get(id);
    let parameters = |name: &str| {
        // Where nobody said what it is called, it is called as the field it is compared with.
        let of_field = || {
            let (_, place) = model::view::parameters(filter).into_iter().find(|(known, _)| known == name)?;
            let table = value::table_of(catalog, &asked.card.table.reference(), &place.related)?;
            Some(form::sentence::path_label(catalog, &table, place.field, lang))
        };
        asked.parameter_label(name, lang).or_else(of_field)
    };
    let sentences = form::sentence::Sentences { catalog: &reader.asker.snapshot.catalog, locale: &reader.asker.locale, titles: &titles, parameters: &parameters };
    sentences.of(&asked.card.table.reference(), filter)
}

async fn draw(site: &Site, reader: &Reader, asked: &Asked<'_>, draft: &Draft, state: Told) -> Result<Response, AppError> {
    let filter = draft.filter(true).and_then(|json| Filter::from_json(&json).ok()).unwrap_or_else(Filter::always);
    let whole = draft.filter(false).and_then(|json| Filter::from_json(&json).ok()).unwrap_or_else(|| filter.clone());
    let names = Names::load(site, reader, &asked.card.table.reference(), &whole).await?;
    let drawing = Drawing { site, reader, card: asked.card, asked: Some(asked), names: &names, strict: state.strict, fresh: state.fresh };
    let root = drawing.root(draft);
    let wrong = state.strict && Drawing::has_errors(&root);
    let (base, lang) = (asked.base(), &reader.asker.actor.lang);
    let page = QueryPage {
        card: list::head(asked.card, lang),
        title: asked.base.as_ref().map(|listed| listed.name(lang)).unwrap_or_else(|| asked.card.plurals.or_key(lang, asked.card.key.as_str())),
        origin: asked.base.as_ref().filter(|listed| listed.kept.as_ref().is_some_and(|kept| !kept.roles.is_empty())).map(|listed| kept::origin(site, reader, listed)),
        action: asked.address.url(&format!("{base}/query")),
        count_url: asked.address.url(&format!("{base}/query/count")),
        draft: draft.write(),
        root,
        sentence: sentence(reader, asked, &names, &filter),
        can_save: asked.base.as_ref().is_some_and(|listed| listed.is_editable(&reader.asker.actor)),
        summary: kept::summary(site, reader, asked),
        back_url: asked.address.url(&base),
        notice: state.notice,
    };
    let name = if reader.fragment { "query/dialog.html" } else { "query/page.html" };
    let mut response = reader.draw(site, name, Some(asked.card.key.as_str()), &page);
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// What the form holds: the tree, with what was chosen and typed beside it.
pub fn read(reader: &Reader, card: &Card, fields: &[(String, String)]) -> Draft {
    let mut draft = Draft::read(get(fields, "draft"));
    let table = card.table.reference();
    typed(reader, &table, &mut draft.0, 0, fields);
    draft
}

fn typed(reader: &Reader, table: &model::TableRef, group: &mut Group, n: u32, fields: &[(String, String)]) {
    let catalog = &reader.asker.snapshot.catalog;
    match get(fields, &format!("mode.{n}")) {
        "all" => group.mode = Mode::All,
        "any" => group.mode = Mode::Any,
        "none" => group.mode = Mode::None,
        "not_all" => group.mode = Mode::NotAll,
        _ => {}
    }
    for node in &mut group.parts {
        let n = node.n;
        match &mut node.part {
            Part::Group(inner) => typed(reader, table, inner, n, fields),
            Part::Related { related, by, has, group } => {
                match get(fields, &format!("op.{n}")) {
                    "has" => *has = true,
                    "has_not" => *has = false,
                    _ => {}
                }
                if let Ok(rows) = resolve::row_source(catalog, table, related, by.as_deref()) {
                    typed(reader, &rows.table().clone(), group, n, fields);
                }
            }
            Part::Test { field, op, value } => {
                let Ok(path) = path::resolve(catalog, table, field) else { continue };
                let Some(kind) = path.field(catalog).map(|field| resolve::kind_of(&path, field)) else { continue };
                let before = Op::parse(op).unwrap_or(Op::Is);
                let name = format!("v.{n}");
                let texts: Vec<&str> = fields.iter().filter(|(key, _)| *key == name).map(|(_, text)| text.as_str()).collect();
                // Choices without a tick send nothing: a mark beside them says that they were on the form.
                if !texts.is_empty() {
                    *value = value::read(reader, &kind, before, &texts);
                }
                if let Some(after) = Op::parse(get(fields, &format!("op.{n}"))).filter(|after| *after != before) {
                    *value = converted(&kind, before, after, value);
                    after.name().clone_into(op);
                }
            }
        }
    }
}

/// A value after its operator changed: kept where the new editor can show it.
fn converted(kind: &model::FieldKind, before: Op, after: Op, value: &Json) -> Json {
    if value::editor(kind, before) == value::editor(kind, after) {
        return value.clone();
    }
    if value.as_str().is_some_and(|text| text.starts_with('@')) && !after.is_unary() {
        return value.clone();
    }
    use crate::view::ValueEditor::{Link, Links, Option, Options};
    match (value::editor(kind, before), value::editor(kind, after), value) {
        (Link, Links, Json::String(_)) | (Option, Options, Json::String(_)) => json!([value]),
        (Links, Link, Json::Array(items)) | (Options, Option, Json::Array(items)) => items.first().cloned().unwrap_or_default(),
        _ => Json::Null,
    }
}

/// `POST /c/{card}/query` with the form and `do`: one step of writing, or the end of it.
pub async fn edit(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let card = reader.card(&key)?;
        let mut address = Address::read(&pairs);
        let labels = fields.iter().filter(|(name, label)| name.starts_with("ask.") && !label.trim().is_empty());
        address.asks.extend(labels.map(|(name, label)| (name.clone(), label.trim().to_owned())));
        let asked = ask(&site, &reader, &card, address).await?;
        let mut draft = read(&reader, &card, &fields);
        match get(&fields, "do") {
            end @ ("apply" | "save" | "save_new") => finish(&site, &reader, asked, &draft, end).await,
            step => {
                let (fresh, done) = change(&reader, &card, &mut draft, step);
                let notice = (!done).then(|| reader.t(&site, "query.too_much", &[]));
                draw(&site, &reader, &asked, &draft, Told { strict: false, fresh, notice }).await
            }
        }
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// One step: `add:N:PATH`, `related:N:FROM:BY`, `group:N`, `field:N:PATH`, `src:N:VARIABLE`, `remove:N`, `up:N` …,
/// `drop:N:GROUP:INDEX`. The number of what was added, and whether there was room for it.
pub fn change(reader: &Reader, card: &Card, draft: &mut Draft, step: &str) -> (Option<u32>, bool) {
    let mut words = step.splitn(3, ':');
    let (what, n, rest) = (words.next().unwrap_or_default(), words.next().and_then(|n| n.parse().ok()).unwrap_or(0), words.next().unwrap_or_default());
    let added = |n: Option<u32>| (n, n.is_some());
    match what {
        "add" => added(draft.add(n, Part::Test { field: rest.to_owned(), op: String::new(), value: Json::Null }).inspect(|n| begin(reader, card, draft, *n))),
        "related" => {
            let (from, by) = rest.split_once(':').map_or((rest, None), |(from, by)| (from, Some(by.to_owned())));
            added(draft.add(n, Part::Related { related: from.to_owned(), by, has: true, group: Group::default() }))
        }
        "group" => {
            // A group inside of "all" asks for any, and the other way round: that is what it is for.
            let mode = if draft.group(n).is_some_and(|group| group.mode == Mode::Any) { Mode::All } else { Mode::Any };
            added(draft.add(n, Part::Group(Group { mode, parts: Vec::new() })))
        }
        "field" => {
            if let Some(Part::Test { field, op, value }) = draft.find(n).map(|node| &mut node.part) {
                (*field, *op, *value) = (rest.to_owned(), String::new(), Json::Null);
                begin(reader, card, draft, n);
            }
            (Some(n), true)
        }
        "src" => {
            source(draft, n, rest);
            (Some(n), true)
        }
        "drop" => {
            if let Some((to, index)) = rest.split_once(':').and_then(|(to, index)| Some((to.parse().ok()?, index.parse().ok()?))) {
                draft.drop_at(n, to, index);
            }
            (Some(n), true)
        }
        "remove" => {
            draft.remove(n);
            (None, true)
        }
        "up" | "down" | "in" | "out" => {
            draft.step(n, match what { "up" => Step::Up, "down" => Step::Down, "in" => Step::In, _ => Step::Out });
            (Some(n), true)
        }
        _ => (None, true),
    }
}

/// A new condition begins with the operator that its field is mostly asked by.
fn begin(reader: &Reader, card: &Card, draft: &mut Draft, n: u32) {
    let catalog = &reader.asker.snapshot.catalog;
    let Some(table) = table_around(reader, &draft.0, n, &card.table.reference()) else { return };
    if let Some(Part::Test { field, op, value }) = draft.find(n).map(|node| &mut node.part)
        && let Ok(path) = path::resolve(catalog, &table, field)
        && let Some(found) = path.field(catalog)
    {
        let first = value::first_op(catalog, &path, found);
        first.name().clone_into(op);
        match value::editor(&resolve::kind_of(&path, found), first) {
            crate::view::ValueEditor::Period => *value = "this_month".into(),
            crate::view::ValueEditor::Boolean => *value = true.into(),
            _ => {}
        }
    }
}

fn table_around(reader: &Reader, group: &Group, n: u32, table: &model::TableRef) -> Option<model::TableRef> {
    group.parts.iter().find_map(|node| match &node.part {
        _ if node.n == n => Some(table.clone()),
        Part::Group(inner) => table_around(reader, inner, n, table),
        Part::Related { related, by, group, .. } => {
            let rows = resolve::row_source(&reader.asker.snapshot.catalog, table, related, by.as_deref()).ok()?;
            table_around(reader, group, n, &rows.table().clone())
        }
        Part::Test { .. } => None,
    })
}

/// Puts a variable in the place of a value, or takes it away. A parameter is called as its field.
fn source(draft: &mut Draft, n: u32, variable: &str) {
    let taken = draft.write();
    let Some(Part::Test { field, value, .. }) = draft.find(n).map(|node| &mut node.part) else { return };
    *value = match variable {
        "" => Json::Null,
        "@param" => {
            let stem: String = field.rsplit('.').next().unwrap_or("value").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(24).collect();
            let free = |name: &String| !taken.contains(&format!("@param.{name}\""));
            let name = std::iter::once(stem.clone()).chain((2..).map(|count| format!("{stem}_{count}"))).find(free).unwrap_or(stem);
            format!("@param.{name}").into()
        }
        other => other.into(),
    };
}

async fn finish(site: &Site, reader: &Reader, asked: Asked<'_>, draft: &Draft, end: &str) -> Result<Response, AppError> {
    let strict = || Told { strict: true, fresh: None, notice: None };
    let nothing = Names::default();
    let root = Drawing { site, reader, card: asked.card, asked: Some(&asked), names: &nothing, strict: true, fresh: None }.root(draft);
    let json = draft.filter(false);
    let reads = json.as_ref().is_none_or(|json| Filter::from_json(json).is_ok());
    if !reads || Drawing::has_errors(&root) {
        return draw(site, reader, &asked, draft, strict()).await;
    }
    let same = asked.base.as_ref().is_some_and(|base| Draft::of(base.view.filter.as_ref()).filter(false) == json);
    let text = match (same, json) {
        (true, _) => String::new(),
        (false, Some(json)) => json.to_string(),
        (false, None) => super::filter::no_filter(&asked),
    };
    let address = Address { filter: text, ..asked.address.clone() };
    let base = asked.base();
    match end {
        "save" => {
            let asked = ask(site, reader, asked.card, address).await?;
            let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
            let listed = asked.base.as_ref().and_then(|listed| listed.kept.clone()).ok_or_else(|| AppError::forbidden("this list comes with a pack; save your own copy instead"))?;
            let wanted = Wanted::of(&listed.name, &listed.folder, listed.roles.clone(), &asked.list)?;
            views::change(&site.app, snapshot, actor, asked.card.key.as_str(), &listed.id.to_string(), &wanted).await?;
            Ok(go(reader, &asked.address.reset().url(&base)))
        }
        "save_new" => {
            let asked = ask(site, reader, asked.card, address).await?;
            let mut response = kept::new_form_of(site, reader, &asked);
            response.headers_mut().insert(HeaderName::from_static("hx-retarget"), HeaderValue::from_static("#sheet"));
            response.headers_mut().insert(HeaderName::from_static("hx-reswap"), HeaderValue::from_static("innerHTML"));
            Ok(response)
        }
        _ => Ok(go(reader, &address.url(&base))),
    }
}

/// On to the list: a fragment cannot redirect by itself.
fn go(reader: &Reader, to: &str) -> Response {
    match (reader.fragment, HeaderValue::from_str(to)) {
        (true, Ok(to)) => (StatusCode::OK, [(HeaderName::from_static("hx-redirect"), to)]).into_response(),
        _ => Redirect::to(to).into_response(),
    }
}

/// `POST /c/{card}/query/count` with the form: how many match so far, and the sentence.
pub async fn count(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let began = std::time::Instant::now();
        let card = reader.card(&key)?;
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let draft = read(&reader, &card, &fields);
        let exact = get(&pairs, "exact") == "1";
        let filter = draft.filter(true).and_then(|json| Filter::from_json(&json).ok());
        let names = Names::load(&site, &reader, &card.table.reference(), filter.as_ref().unwrap_or(&Filter::always())).await?;
        let said = sentence(&reader, &asked, &names, filter.as_ref().unwrap_or(&Filter::always()));
        let answered = filter.as_ref().and_then(|filter| asked.address.answers().fill(filter, &asked.list.parameters));
        let request = ListRequest { filter: answered.map(|filter| filter.to_json()), fields: Some(vec!["id".into()]), count: if exact { Counting::Exact } else { Counting::Estimate }, limit: Some(1), ..ListRequest::default() };
        let counted = match lists::ask(&reader.asker.snapshot, &reader.asker.actor, &key, &request) {
            Ok(gated) => lists::count(&site.app, &reader.asker.snapshot, &gated).await?,
            // What is wrong stands beside its condition.
            Err(AppError::Malformed { .. } | AppError::Forbidden { .. }) => None,
            Err(error) => return Err(error),
        };
        let text = counted.map(|counted| {
            let number = form::format::number_text(counted.value.into(), 0, &reader.asker.locale);
            let number = if counted.exact { number } else { format!("{number}+") };
            reader.t(&site, "query.match", &[("count", &number), ("ms", &began.elapsed().as_millis().to_string())])
        });
        let exact_url = counted.filter(|counted| !counted.exact).map(|_| asked.address.url_with(&format!("{}/query/count", asked.base()), &[("exact", "1")]));
        Ok::<_, AppError>(QueryCount { text: text.unwrap_or_default(), exact_url, sentence: said })
    };
    match answer.await {
        Ok(count) => reader.draw(&site, "query/count.html", Some(&key), &count),
        Err(error) => reader.failed(&site, &error),
    }
}
