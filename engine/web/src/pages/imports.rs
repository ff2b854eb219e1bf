//! Making records of a file, step by step: send, say how it is read, look, run, take back. Works without scripts.

use app::{AppError, batches, imports::{self, Import, Look, Mode, Outcome, Preview, Settings, State as ImportState_, Target}, jobs};
use axum::{
    extract::{Path as UrlPath, Request, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::Card;
use uuid::Uuid;

use super::{Reader, list};
use crate::{
    Site, api,
    extract::Form,
    view::{Choice, ImportColumn, ImportMap, ImportPreview, ImportStart, ImportState, PreviewCell, PreviewRow},
};

/// Rows that are shown as possible headings, and mistakes that are shown on the page.
const HEADERS: usize = 8;
const MISTAKES: u32 = 20;
/// Longest text of a sample, and most samples of a column.
const SAMPLE: usize = 60;

type Fields = Vec<(String, String)>;

fn get<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

fn choice(value: impl Into<String>, text: impl Into<String>, selected: bool) -> Choice {
    Choice { value: value.into(), text: text.into(), selected }
}

fn start_page(reader: &Reader, card: &Card, error: Option<String>) -> ImportStart {
    let base = format!("/c/{}", card.key);
    ImportStart { card: list::head(card, &reader.asker.actor.lang), action: format!("{base}/import"), max: imports::MAX_FILE >> 20, error }
}

/// `GET /c/{card}/import`
pub async fn start(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader) -> Response {
    match imports::may(&reader.asker.snapshot, &reader.asker.actor, &key) {
        Ok(card) => reader.draw(&site, "import/start.html", Some(&key), &start_page(&reader, &card, None)),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /c/{card}/import`: the file.
pub async fn take(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, request: Request) -> Response {
    match api::imports::take(&site, &reader.asker, &key, request).await {
        Ok((import, _)) => Redirect::to(&format!("/c/{key}/import/{}", import.id)).into_response(),
        Err(error @ (AppError::Malformed { .. } | AppError::TooLarge { .. })) => match imports::may(&reader.asker.snapshot, &reader.asker.actor, &key) {
            Ok(card) => {
                let mut response = reader.draw(&site, "import/start.html", Some(&key), &start_page(&reader, &card, Some(error.to_string())));
                *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
                response
            }
            Err(error) => reader.failed(&site, &error),
        },
        Err(error) => reader.failed(&site, &error),
    }
}

async fn found(site: &Site, reader: &Reader, key: &str, id: &str) -> Result<Import, AppError> {
    let id = Uuid::try_parse(id).map_err(|_| AppError::not_found("import"))?;
    let import = imports::read(&site.app, &reader.asker.actor, id).await?;
    if import.card == key { Ok(import) } else { Err(AppError::not_found("import")) }
}

/// `GET /c/{card}/import/{id}`: how it is read, or how far it is.
pub async fn page(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let answer = async {
        let import = found(&site, &reader, &key, &id).await?;
        if import.state != ImportState_::Draft {
            let page = state_page(&site, &reader, &import).await?;
            return Ok(reader.draw(&site, if reader.fragment { "import/state_part.html" } else { "import/state.html" }, Some(&key), &page));
        }
        let settings = import.settings.clone().unwrap_or_default();
        Ok(reader.draw(&site, "import/map.html", Some(&key), &map_page(&site, &reader, &import, settings, None).await?))
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `POST /c/{card}/import/{id}`: how it is read; with `do=run`, it runs.
pub async fn choose(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader, Form(fields): Form<Fields>) -> Response {
    let answer = async {
        let import = found(&site, &reader, &key, &id).await?;
        let here = format!("/c/{key}/import/{}", import.id);
        let settings = read_settings(&import, &fields);
        if get(&fields, "do") == "run" {
            match imports::start(&site.app, &reader.asker.actor, &reader.asker.locale, &import, &settings).await {
                Ok(_) => return Ok(Redirect::to(&here).into_response()),
                Err(error @ AppError::Malformed { .. }) => {
                    let mut response = reader.draw(&site, "import/map.html", Some(&key), &map_page(&site, &reader, &import, settings, Some(error.to_string())).await?);
                    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
                    return Ok(response);
                }
                Err(AppError::Conflict { code: "import_started", .. }) => return Ok(Redirect::to(&here).into_response()),
                Err(error) => return Err(error),
            }
        }
        let looked = imports::look(&site.app, import.id, &settings, 1).await?;
        imports::keep(&site.app, &import, &settings, &looked).await?;
        Ok(Redirect::to(&format!("{here}#preview")).into_response())
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// What the form says. Columns of another sheet or row of headings are guessed anew.
fn read_settings(import: &Import, fields: &Fields) -> Settings {
    let text = |name: &str| Some(get(fields, name).to_owned()).filter(|text| !text.is_empty());
    let before = import.settings.clone().unwrap_or_default();
    let mut settings = Settings {
        sheet: text("sheet"),
        encoding: text("encoding"),
        separator: text("separator").map(|name| if name == "tab" { "\t".to_owned() } else { name }),
        header: get(fields, "header").parse().ok(),
        mode: match get(fields, "mode") { "update" => Mode::Update, "both" => Mode::Both, _ => Mode::Create },
        key: text("key"),
        skip: get(fields, "skip") == "true",
        clear: get(fields, "clear") == "true",
        dates: text("dates"),
        point: get(fields, "point").chars().next(),
        columns: Vec::new(),
    };
    let same_file = before.columns.is_empty() || (before.sheet.is_none() || before.sheet == settings.sheet) && (before.header.is_none() || before.header == settings.header) && before.separator == settings.separator && before.encoding == settings.encoding;
    if same_file {
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(number) = name.strip_prefix("col.").and_then(|number| number.parse::<usize>().ok()) else { continue };
            let (field, by) = value.split_once('|').map_or((value.as_str(), None), |(field, by)| (field, Some(by.to_owned())));
            let heading = get(fields, &format!("heading.{number}"));
            let column = if heading.is_empty() { imports::ColumnName::Number(number) } else { imports::ColumnName::Heading(heading.to_owned()) };
            settings.columns.push(imports::Mapped { column, field: field.to_owned(), by, create: get(fields, &format!("create.{number}")) == "true" });
        }
    }
    settings
}

async fn map_page(site: &Site, reader: &Reader, import: &Import, settings: Settings, error: Option<String>) -> Result<ImportMap, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let card = imports::may(snapshot, actor, &import.card)?;
    let looked = imports::look(&site.app, import.id, &settings, 30).await?;
    let settings = if settings.columns.is_empty() {
        let chosen = import.settings.is_some().then(|| (settings.mode, settings.key.clone()));
        let guessed = imports::suggestion(&site.app, actor, import, &looked, chosen).await?;
        match import.settings {
            // What was said stays, but for what is guessed anew.
            Some(_) => Settings { columns: guessed.columns, mode: guessed.mode, key: guessed.key, header: Some(looked.header), ..settings },
            None => guessed,
        }
    } else {
        settings
    };
    let targets = imports::targets(&snapshot.catalog, actor, &card);
    let (preview, error) = match error {
        Some(error) => (None, Some(error)),
        None if settings.columns.is_empty() => (None, None),
        None => match imports::preview(&site.app, actor, &reader.asker.locale, import, &settings).await {
            Ok(preview) => (Some(preview_of(site, reader, preview)), None),
            Err(error @ AppError::Malformed { .. }) => (None, Some(error.to_string())),
            Err(error) => return Err(error),
        },
    };
    let t = |key: &str| reader.t(site, key, &[]);
    let word = |value: &str, key: &str, selected: bool| choice(value, t(key), selected);
    let separator = settings.separator.clone().or_else(|| looked.head.separator.clone()).unwrap_or_default();
    let encoding = settings.encoding.clone().or_else(|| looked.head.encoding.clone()).unwrap_or_default();
    let is_text = looked.head.kind == "csv";
    let encodings = ["UTF-8", "GB18030", "Big5", "UTF-16LE", "UTF-16BE", "windows-1252", "Shift_JIS"];
    let known = encodings.iter().any(|name| name.eq_ignore_ascii_case(&encoding));
    Ok(ImportMap {
        card: list::head(&card, &actor.lang),
        action: format!("/c/{}/import/{}", card.key, import.id),
        name: import.name.clone(),
        size: format!("{} KB", form::format::number_text((import.size / 1024 + 1).into(), 0, &reader.asker.locale)),
        sheets: looked.head.sheets.iter().map(|sheet| choice(&sheet.name, &sheet.name, looked.head.sheet.as_ref() == Some(&sheet.name))).collect(),
        headers: looked.first.iter().take(HEADERS).map(|line| choice(line.row.to_string(), format!("{}: {}", line.row, sample(line.cells.iter().map(imports::Cell::text))), line.row == looked.header)).collect(),
        encodings: if is_text { encodings.iter().map(|name| choice(*name, *name, name.eq_ignore_ascii_case(&encoding))).chain((!known).then(|| choice(&encoding, &encoding, true))).collect() } else { Vec::new() },
        separators: if is_text { [(",", ","), (";", ";"), ("tab", "Tab"), ("|", "|")].iter().map(|(value, text)| choice(*value, *text, separator == *value || *value == "tab" && separator == "\t")).collect() } else { Vec::new() },
        columns: columns(reader, site, &looked, &settings, &targets),
        modes: vec![word("create", "import.mode.create", settings.mode == Mode::Create), word("update", "import.mode.update", settings.mode == Mode::Update), word("both", "import.mode.both", settings.mode == Mode::Both)],
        keys: keys(&card, &settings, &actor.lang, t("import.no_key")),
        dates: vec![word("", "import.usual", settings.dates.is_none()), choice("dmy", "31/12/2026", settings.dates.as_deref() == Some("dmy")), choice("mdy", "12/31/2026", settings.dates.as_deref() == Some("mdy"))],
        points: vec![word("", "import.usual", settings.point.is_none()), choice(".", "1,234.50", settings.point == Some('.')), choice(",", "1.234,50", settings.point == Some(','))],
        skip: settings.skip,
        clear: settings.clear,
        preview,
        error,
    })
}

fn sample(texts: impl Iterator<Item = String>) -> String {
    let text: String = texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).take(4).collect::<Vec<_>>().join(" · ");
    if text.chars().count() > SAMPLE { format!("{}…", text.chars().take(SAMPLE).collect::<String>()) } else { text }
}

fn columns(reader: &Reader, site: &Site, looked: &Look, settings: &Settings, targets: &[Target]) -> Vec<ImportColumn> {
    let width = looked.lines.iter().map(|line| line.cells.len()).chain([looked.headings.len()]).max().unwrap_or(0);
    let one = |index: usize| {
        let heading = looked.headings.get(index).cloned().unwrap_or_default();
        let mapped = settings.columns.iter().find(|mapped| match &mapped.column {
            imports::ColumnName::Number(number) => *number == index + 1,
            imports::ColumnName::Heading(known) => *known == heading && looked.headings.iter().position(|other| other == known) == Some(index),
        });
        let is = |target: &Target| mapped.is_some_and(|mapped| mapped.field == target.name && (mapped.by == target.by || target.by.is_none() && mapped.by.as_deref().is_some_and(|by| matches!(by, "id" | "title"))));
        let value = |target: &Target| target.by.as_ref().map_or(target.name.clone(), |by| format!("{}|{by}", target.name));
        let choices = targets.iter().map(|target| choice(value(target), if target.required { format!("{} *", target.label) } else { target.label.clone() }, is(target)));
        ImportColumn {
            number: index + 1,
            samples: sample(looked.lines.iter().map(|line| line.cells.get(index).map(imports::Cell::text).unwrap_or_default())),
            choices: std::iter::once(choice("", reader.t(site, "import.leave_out", &[]), mapped.is_none())).chain(choices).collect(),
            link: targets.iter().any(|target| target.link && is(target) && target.name != "id"),
            create: mapped.is_some_and(|mapped| mapped.create),
            heading,
        }
    };
    (0..width.min(200)).map(one).filter(|column| !column.heading.is_empty() || !column.samples.is_empty()).collect()
}

fn keys(card: &Card, settings: &Settings, lang: &str, none: String) -> Vec<Choice> {
    let unique = card.table.own_fields().filter(|field| field.unique && !field.secret && field.column().is_some());
    let fields = unique.chain(card.field("id"));
    let named = fields.map(|field| choice(field.key.to_string(), field.labels.or_key(lang, field.key.as_str()), settings.key.as_deref() == Some(field.key.as_str())));
    std::iter::once(choice("", none, settings.key.is_none())).chain(named).collect()
}

fn preview_of(site: &Site, reader: &Reader, preview: Preview) -> ImportPreview {
    let width = preview.headings.len();
    let bad = preview.rows.iter().filter(|(line, outcome)| matches!(outcome, Outcome::Failed(errors) if errors.iter().any(|error| error.row == line.row))).count();
    let count = preview.rows.len().to_string();
    let summary = match bad {
        0 => reader.t(site, "import.all_good", &[("count", &count)]),
        _ => reader.t(site, "import.some_bad", &[("count", &bad.to_string()), ("all", &count)]),
    };
    let row = |(line, outcome): &(imports::Line, Outcome)| {
        let (word, errors) = api::imports::outcome_words(outcome);
        let own: Vec<_> = errors.iter().filter(|error| error.row == line.row).collect();
        let at = |column: usize| own.iter().filter(|error| error.column == Some(column)).map(|error| error.message.as_str()).collect::<Vec<_>>().join(" ");
        let whole: Vec<&str> = own.iter().filter(|error| error.column.is_none_or(|column| column >= width)).map(|error| error.message.as_str()).collect();
        PreviewRow {
            row: line.row,
            result: reader.t(site, &format!("import.result.{word}"), &[]),
            tone: match word { "create" => "green", "update" => "blue", "unchanged" => "gray", _ => "red" }.into(),
            cells: (0..width).map(|index| PreviewCell { text: line.cells.get(index).map(imports::Cell::text).unwrap_or_default().chars().take(SAMPLE).collect(), error: Some(at(index)).filter(|text| !text.is_empty()) }).collect(),
            error: (!whole.is_empty()).then(|| whole.join(" ")),
        }
    };
    ImportPreview { headings: preview.headings.clone(), rows: preview.rows.iter().map(row).collect(), summary, bad: bad > 0 }
}

async fn state_page(site: &Site, reader: &Reader, import: &Import) -> Result<ImportState, AppError> {
    let actor = &reader.asker.actor;
    let card = reader.asker.snapshot.card(&import.card)?;
    let number = |number: i64| form::format::number_text(number.into(), 0, &reader.asker.locale);
    let job = match import.job {
        Some(job) => jobs::read(&site.app, actor, job).await.ok(),
        None => None,
    };
    let given_up = import.state == ImportState_::Running && job.as_ref().is_none_or(|job| job.state.is_ended());
    let ended = import.state != ImportState_::Running || given_up;
    let base = format!("/c/{}/import", card.key);
    let url = format!("{base}/{}", import.id);
    let (word, tone) = match import.state {
        _ if given_up => ("failed", "red"),
        ImportState_::Done => ("done", "green"),
        ImportState_::Failed => ("failed", "red"),
        ImportState_::Cancelled => ("cancelled", "amber"),
        ImportState_::Running | ImportState_::Draft => ("running", "blue"),
    };
    let undoable = match import.batch {
        Some(batch) if ended => batches::read(&site.app, actor, batch).await.is_ok_and(|batch| batch.state == batches::State::Done),
        _ => false,
    };
    let mistakes = if ended && import.failed > 0 { imports::errors(&site.app, import, 0, MISTAKES).await? } else { Vec::new() };
    let said = mistakes.iter().flat_map(|(_, errors)| errors).take(MISTAKES as usize).map(|error| reader.t(site, "import.row_says", &[("row", &error.row.to_string()), ("what", &error.message)])).collect();
    let counts = [("created", import.created), ("updated", import.updated), ("unchanged", import.unchanged), ("failed", import.failed)];
    Ok(ImportState {
        card: list::head(card, &actor.lang),
        name: import.name.clone(),
        state: reader.t(site, &format!("import.state.{word}"), &[]),
        tone: tone.into(),
        done: job.as_ref().map_or(0, |job| job.total.map_or(job.done, |total| job.done.min(total))),
        total: job.as_ref().and_then(|job| job.total).filter(|total| *total > 0),
        progress: job.as_ref().and_then(|job| Some(reader.t(site, "job.of", &[("done", &number(job.done)), ("total", &number(job.total?))]))).filter(|_| !ended).unwrap_or_default(),
        counts: counts.iter().map(|(word, count)| (reader.t(site, &format!("import.count.{word}"), &[]), number(*count))).collect(),
        error: import.fault.clone().or_else(|| job.as_ref().filter(|_| ended).and_then(|job| job.error.clone())).map(|error| crate::phrases::told(&error, &actor.lang)),
        mistakes: said,
        errors_url: (ended && import.failed > 0).then(|| format!("{url}/errors.xlsx")),
        undo_url: (undoable && import.created + import.updated > 0).then(|| format!("{url}/undo")),
        cancel_url: job.filter(|_| !ended).map(|job| format!("/jobs/{}/cancel", job.id)),
        again_url: base,
        url,
        ended,
    })
}

/// `GET /c/{card}/import/{id}/errors.xlsx`
pub async fn errors(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let answer = async {
        let import = found(&site, &reader, &key, &id).await?;
        api::imports::mistakes(&site, &reader.asker, &import).await
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `POST /c/{card}/import/{id}/undo`
pub async fn undo(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let answer = async {
        let import = found(&site, &reader, &key, &id).await?;
        let batch = import.batch.ok_or_else(|| AppError::not_found("batch"))?;
        let undoing = batches::undo(&site.app, &reader.asker.actor, batch).await?;
        // What takes longer is a job, whose progress is shown.
        let to = undoing.job.map_or_else(|| format!("/c/{key}/import/{}", import.id), |job| format!("/jobs/{job}"));
        Ok(Redirect::to(&to).into_response())
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}
