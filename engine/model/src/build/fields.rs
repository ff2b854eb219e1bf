//! Fields: from definition to catalog, conditions resolved.
//!
//! **Not here:** what a field takes from its source (`sources`).

use std::{str::FromStr, sync::Arc};

use indexmap::IndexMap;
use rust_decimal::Decimal;

use super::{Merged, condition, defs_of, engine_fields::ENGINE_FIELDS, field_pointer, unique_sets};
use crate::{
    Card, Catalog, DecimalFlavour, DecimalKind, Field, FieldKind, FieldType, FileKind, Ident, LinkKind, OptionDef, Path, Rule, Scopes, Source,
    Storage, Table, TableRef, TextFlavour, TextKind, Title, TitlePart,
    def::{CardDef, FetchMode, FieldClass, FieldDef, WorkflowDef},
    diagnostic::Diagnostic,
    path, types,
};

/// Words of Rhai, and of ours, that formulas could not tell from a field.
const RESERVED: [&str; 54] = [
    "as", "async", "await", "break", "call", "case", "catch", "const", "continue", "curry", "default", "do", "else", "eval", "exit", "export", "false", "fn", "for", "global", "if", "import", "in", "is_def_fn", "is_def_var", "is_shared", "let", "loop", "match", "module", "new", "nil", "null", "private", "public", "return", "shared", "spawn", "static", "super", "switch", "sync", "this", "thread", "throw", "true", "try", "until", "use", "var", "void", "while", "with", "yield",
];

/// Adds the fields of a definition to a table.
pub(crate) fn add(table: &mut Table, defs: &IndexMap<Ident, FieldDef>, merged: &Merged, child: Option<&Ident>, findings: &mut Vec<Diagnostic>) {
    let mut ids: Vec<Ident> = Vec::new();
    for (key, def) in defs {
        let origin = merged.origin_of(child, key);
        if RESERVED.contains(&key.as_str()) || table.fields.get(key).is_some_and(|known| known.system) || ENGINE_FIELDS.contains(&key.as_str()) {
            findings.push(origin.error("", format!("`{key}` is a word of the engine's own")).help(format!("another key, such as `{key}_`")));
            continue;
        }
        if child.is_some() && *key == table.card {
            findings.push(origin.error("", format!("in a child row `{key}` names the record that owns it")).help("give the field another key"));
            continue;
        }
        let id = def.id.clone().unwrap_or_else(|| key.clone());
        if ids.contains(&id) {
            findings.push(origin.error("/id", format!("the id `{id}` is used twice")));
        }
        ids.push(id.clone());
        let kind = kind(def, origin, findings);
        let storage = storage(table, &id, def, &kind);
        if let Storage::Side { table } = &storage {
            super::check_physical(table, merged, &field_pointer(child, key), findings);
        }
        let field = Field {
            key: key.clone(),
            id,
            pack: origin.pack.clone(),
            labels: def.labels.clone(),
            help: def.help.clone(),
            placeholder: def.placeholder.clone(),
            widget: def.widget.clone(),
            kind,
            type_name: def.kind.unwrap_or_default(),
            storage,
            source: Source::Entered,
            default: def.default.clone(),
            required: def.required,
            unique: def.unique,
            read_only: def.read_only,
            track: def.track,
            secret: def.class == Some(FieldClass::Secret),
            required_when: None,
            visible_when: None,
            read_only_when: None,
            emphasis: def.emphasis.clone(),
            system: false,
            workflow: false,
            fixed: false,
        };
        table.fields.insert(key.clone(), field);
    }
}

pub(super) fn storage(table: &Table, id: &Ident, def: &FieldDef, kind: &FieldKind) -> Storage {
    let several = match kind {
        FieldKind::Choice { multiple, .. } => *multiple,
        FieldKind::Link(link) => link.multiple,
        FieldKind::File(file) => file.multiple,
        _ => false,
    };
    match kind {
        _ if def.fetch.as_ref().is_some_and(|fetch| fetch.mode == FetchMode::Live) => Storage::Nowhere,
        _ if several => Storage::Side { table: format!("m_{}__{id}", &table.physical[2..]) },
        FieldKind::AnyLink { .. } => Storage::CardAndColumn { id: format!("f_{id}"), card: format!("f_{id}__card") },
        _ => Storage::Column(format!("f_{id}")),
    }
}

/// What a field holds; nothing in particular while its type is to come from its source (`sources`).
pub(super) fn kind(def: &FieldDef, origin: &super::Origin, findings: &mut Vec<Diagnostic>) -> FieldKind {
    let Some(word) = def.kind else { return FieldKind::Json { schema: None } };
    let mut wrong = |pointer: &str, message: String| findings.push(origin.error(pointer, message));
    settings_fit(def, word, &mut wrong);
    let text = |flavour, max| {
        FieldKind::Text(TextKind { flavour, min: def.min_length.unwrap_or(0), max: def.max_length.unwrap_or(max), pattern: def.pattern.clone() })
    };
    let mut number = |value: &Option<crate::def::NumberText>, pointer: &str| {
        let text = value.as_ref()?.to_string();
        let parsed = Decimal::from_str(&text).ok();
        if parsed.is_none() {
            wrong(pointer, format!("`{text}` is no number"));
        }
        parsed
    };
    let (min, max) = (number(&def.min, "/min"), number(&def.max, "/max"));
    if let (Some(min), Some(max)) = (min, max)
        && min > max {
            wrong("/min", format!("the smallest value {min} is above the largest {max}"));
        }
    let whole = |number: Option<Decimal>| number.and_then(|number| i64::try_from(number.trunc()).ok());
    let scale = def.scale.unwrap_or(2).min(9);
    let decimal = |flavour| FieldKind::Decimal(DecimalKind { flavour, scale, rounding: def.rounding.unwrap_or_default(), min, max });
    let mut link = |multiple, category| {
        let target = def.target.clone().unwrap_or_else(|| {
            wrong("/target", format!("a {} says which card it points to", word.name()));
            super::engine_fields::user_key()
        });
        FieldKind::Link(Arc::new(LinkKind { target, multiple, category, condition: None, on_delete: def.on_delete.unwrap_or_default(), history: def.history }))
    };
    let file = |image, multiple| FieldKind::File(FileKind { image, multiple, max_size: def.max_size, types: def.types.clone() });
    match word {
        FieldType::Text => text(TextFlavour::Text, 255),
        FieldType::LongText => text(TextFlavour::LongText, 100_000),
        FieldType::Email => text(TextFlavour::Email, 255),
        FieldType::Phone => text(TextFlavour::Phone, 255),
        FieldType::Url => text(TextFlavour::Url, 2_000),
        FieldType::RichText => FieldKind::RichText,
        FieldType::Integer => FieldKind::Integer { min: whole(min), max: whole(max) },
        FieldType::Decimal => decimal(DecimalFlavour::Decimal),
        FieldType::Money => decimal(DecimalFlavour::Money),
        FieldType::Percent => decimal(DecimalFlavour::Percent),
        FieldType::Rating => FieldKind::Rating { max: whole(max).unwrap_or(5) },
        FieldType::Boolean => FieldKind::Boolean,
        FieldType::Date => FieldKind::Date,
        FieldType::Time => FieldKind::Time,
        FieldType::Datetime => FieldKind::Datetime,
        FieldType::Duration => FieldKind::Duration,
        FieldType::Choice => FieldKind::Choice { options: def.options.as_slice().into(), multiple: false },
        FieldType::Choices => FieldKind::Choice { options: def.options.as_slice().into(), multiple: true },
        FieldType::Link => link(false, false),
        FieldType::Category => link(false, true),
        FieldType::Links => link(true, false),
        FieldType::User => {
            let on_delete = def.on_delete.unwrap_or_default();
            FieldKind::Link(Arc::new(LinkKind { target: super::engine_fields::user_key(), multiple: false, category: false, condition: None, on_delete, history: def.history }))
        }
        FieldType::LinkAny => FieldKind::AnyLink { targets: def.targets.clone(), on_delete: def.on_delete.unwrap_or_default() },
        FieldType::Address => FieldKind::Address,
        FieldType::Geo => FieldKind::Geo,
        FieldType::File => file(false, false),
        FieldType::Files => file(false, true),
        FieldType::Image => file(true, false),
        FieldType::Formula => FieldKind::Formula { context: def.context.clone() },
        FieldType::Json => FieldKind::Json { schema: def.schema.clone() },
        FieldType::Colour => FieldKind::Colour,
    }
}

/// Settings that mean nothing for the field's type are mistakes, not decoration.
fn settings_fit(def: &FieldDef, word: FieldType, wrong: &mut impl FnMut(&str, String)) {
    use FieldType as T;
    let text = matches!(word, T::Text | T::LongText | T::Email | T::Phone | T::Url | T::Formula);
    let exact = matches!(word, T::Decimal | T::Money | T::Percent);
    let number = exact || matches!(word, T::Integer | T::Rating);
    let link = matches!(word, T::Link | T::Links | T::Category | T::User);
    let file = matches!(word, T::File | T::Files | T::Image);
    let choice = matches!(word, T::Choice | T::Choices);
    let from_source = def.fetch.is_some() || def.rollup.is_some();
    let found = [
        ("min_length", def.min_length.is_some(), text),
        ("max_length", def.max_length.is_some(), text),
        ("pattern", def.pattern.is_some(), text),
        ("min", def.min.is_some(), number),
        ("max", def.max.is_some(), number),
        ("scale", def.scale.is_some(), exact),
        ("rounding", def.rounding.is_some(), exact),
        ("options", !def.options.is_empty(), choice),
        ("target", def.target.is_some(), link),
        ("targets", !def.targets.is_empty(), word == T::LinkAny),
        ("where", def.condition.is_some(), link),
        ("on_delete", def.on_delete.is_some(), link || word == T::LinkAny),
        ("history", def.history, link),
        ("max_size", def.max_size.is_some(), file),
        ("types", !def.types.is_empty(), file),
        ("context", def.context.is_some(), word == T::Formula),
        ("schema", def.schema.is_some(), word == T::Json),
    ];
    for (setting, said, fits) in found {
        if said && !fits {
            wrong(&format!("/{setting}"), format!("`{setting}` means nothing for a field of type {}", word.name()));
        }
    }
    if choice && def.options.is_empty() && !from_source {
        wrong("/options", "a choice needs options".into());
    }
    let mut seen = std::collections::HashSet::new();
    for option in &def.options {
        if !seen.insert(&option.value) {
            wrong("/options", format!("the option `{}` stands twice", option.value));
        }
        if option.value.trim().is_empty() || option.value.len() > 255 {
            wrong("/options", "an option's value is a text of 1 to 255 bytes".into());
        }
    }
    if let Some(pattern) = def.pattern.as_ref().filter(|pattern| regex::Regex::new(&format!("^(?:{pattern})$")).is_err()) {
        wrong("/pattern", format!("`{pattern}` is no regular expression"));
    }
    if let (FieldType::Json, Some(schema)) = (word, &def.schema)
        && let Err(error) = jsonschema::validator_for(schema) {
            wrong("/schema", format!("this is no JSON Schema: {error}"));
        }
    let sources = [def.computed.is_some(), def.rollup.is_some(), def.fetch.is_some()].into_iter().filter(|said| *said).count();
    if sources > 1 {
        wrong("", "a field has one source: `computed`, `rollup` or `fetch`".into());
    }
}

/// A choice field for each workflow.
pub(crate) fn add_workflows(table: &mut Table, def: &CardDef, merged: &Merged, findings: &mut Vec<Diagnostic>) {
    for (key, workflow) in workflows(def) {
        if table.fields.contains_key(&key) {
            findings.push(merged.error(&format!("/workflows/{key}"), format!("`{key}` is a field already; a workflow makes its own")));
            continue;
        }
        for transition in &workflow.transitions {
            for state in transition.from.iter().chain([&transition.to]).filter(|state| !workflow.states.contains_key(*state)) {
                let finding = merged.error(&format!("/transitions/{}", transition.id), format!("there is no state `{state}`"));
                findings.push(finding.near(state.as_str(), workflow.states.keys().map(Ident::as_str)));
            }
        }
        let option = |(state, def): (&Ident, &crate::def::StateDef)| OptionDef { value: state.to_string(), labels: def.labels.clone(), colour: def.colour, retired: false };
        let initial = workflow.states.iter().find(|(_, state)| state.initial).or_else(|| workflow.states.first()).map(|(key, _)| key.to_string());
        let labels = if workflow.labels.is_empty() && key == "state" {
            crate::Labels(IndexMap::from([("en".into(), "State".into()), ("zh-Hans".into(), "状态".into()), ("zh-Hant".into(), "狀態".into())]))
        } else {
            workflow.labels.clone()
        };
        let field = Field {
            id: key.clone(),
            pack: merged.origin.pack.clone(),
            labels,
            help: crate::Labels::default(),
            placeholder: crate::Labels::default(),
            widget: None,
            kind: FieldKind::Choice { options: workflow.states.iter().map(option).collect(), multiple: false },
            type_name: FieldType::Choice,
            storage: Storage::Column(format!("f_{key}")),
            source: Source::Entered,
            default: initial.map(serde_json::Value::String),
            required: false,
            unique: false,
            read_only: true,
            track: crate::Track::Changes,
            secret: false,
            required_when: None,
            visible_when: None,
            read_only_when: None,
            emphasis: Vec::new(),
            system: false,
            workflow: true,
            fixed: false,
            key: key.clone(),
        };
        table.fields.insert(key, field);
    }
}

/// Every workflow of a card, the shorthand included.
pub(crate) fn workflows(def: &CardDef) -> IndexMap<Ident, WorkflowDef> {
    let mut found = def.workflows.clone();
    if !def.states.is_empty()
        && let Ok(key) = Ident::new("state") {
            found.insert(key, WorkflowDef { labels: crate::Labels::default(), states: def.states.clone(), transitions: def.transitions.clone() });
        }
    found
}

/// Second pass: titles, conditions, defaults, rules of one card.
pub(crate) fn resolve(card: &mut Card, part: &Merged, catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    card.title = title(card, part, catalog, findings);
    card.unique = unique_sets(&part.def);
    let tables: Vec<Option<Ident>> = std::iter::once(None).chain(card.children.keys().cloned().map(Some)).collect();
    for child in tables {
        resolve_table(card, part, child.as_ref(), catalog, findings);
    }
    card.rules = part.rules.iter().filter_map(|(origin, def)| rule(card, def, origin, catalog, findings)).collect();
    card.search = part.search.iter().filter_map(|(origin, text)| match path::resolve(catalog, &card.table.reference(), text) {
        Ok(path) => Some(path),
        Err(error) => {
            findings.push(origin.error("", error.message));
            None
        }
    }).collect();
    check_numbering_and_tree(card, part, findings);
}

fn resolve_table(card: &mut Card, part: &Merged, child: Option<&Ident>, catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    let reference = TableRef { card: card.key.clone(), child: child.cloned() };
    let record = TableRef::card(&card.key);
    let Some(defs) = defs_of(&part.def, child) else { return };
    let table = match child {
        None => &mut card.table,
        Some(child) => &mut card.children[child.as_str()],
    };
    for (key, def) in defs {
        let Some(field) = table.fields.get_mut(key) else { continue };
        let origin = part.origin_of(child, key);
        let own = Scopes { table: reference.clone(), record: Some(record.clone()), row: child.is_some().then(|| reference.clone()) };
        let mut when = |filter: &Option<crate::Filter>, name: &str| filter.as_ref().and_then(|filter| condition(catalog, &own, filter, origin, &format!("/{name}"), findings));
        field.required_when = when(&def.required_when, "required_when");
        field.visible_when = when(&def.visible_when, "visible_when");
        field.read_only_when = when(&def.read_only_when, "read_only_when");
        if child.is_some() && !def.emphasis.is_empty() {
            findings.push(origin.error("/emphasis", "values stand out in lists of records; rows of child tables have none").help("say it on a field of the card"));
        }
        for (index, one) in def.emphasis.iter().enumerate() {
            condition(catalog, &own, &one.when, origin, &format!("/emphasis/{index}/when"), findings);
        }
        link_targets(field, def, &own, origin, catalog, findings);
        if let (Source::Rollup(rollup), Some(filter)) = (&mut field.source, def.rollup.as_ref().and_then(|rollup| rollup.condition.as_ref())) {
            let scopes = Scopes { table: rollup.rows.table().clone(), ..own.clone() };
            rollup.condition = condition(catalog, &scopes, filter, origin, "/rollup/where", findings);
            rollup.written = Some(filter.clone());
        }
        if let Some(default) = def.default.as_ref().filter(|default| !default.as_str().is_some_and(|text| text.starts_with('@'))) {
            let read = types::read_json(&field.kind, default).map(|value| types::check(&field.kind, &value));
            let violations = read.unwrap_or_else(|violation| vec![violation]);
            findings.extend(violations.iter().map(|violation| origin.error("/default", format!("the default does not fit: {}", violation.message("en")))));
        }
        if let Some(name) = def.default.as_ref().and_then(serde_json::Value::as_str).and_then(|text| text.strip_prefix('@')) {
            default_variable(field, name, catalog, origin, findings);
        }
        if field.unique && field.column().is_none() {
            findings.push(origin.error("/unique", format!("a {} cannot be unique", field.kind_name())));
        }
    }
}

/// `@today`, `@now`, `@me` or `@me.NAME`, where it fits.
fn default_variable(field: &Field, name: &str, catalog: &Catalog, origin: &super::Origin, findings: &mut Vec<Diagnostic>) {
    let target = match &field.kind {
        FieldKind::Link(link) if !link.multiple => Some(&link.target),
        _ => None,
    };
    let fits = match name {
        "today" => matches!(field.kind, FieldKind::Date),
        "now" => matches!(field.kind, FieldKind::Datetime),
        "me" => target.is_some_and(|target| *target == crate::USER_CARD),
        _ => match name.strip_prefix("me.") {
            Some(bound) => {
                if !catalog.bindings.contains_key(bound) {
                    let known = catalog.bindings.keys().map(Ident::as_str);
                    findings.push(origin.error("/default", format!("nothing is bound to `@me.{bound}`; such a default stays empty")).near(bound, known).as_warning());
                }
                true
            }
            None => {
                findings.push(origin.error("/default", format!("`@{name}` is no variable")).near(&format!("@{name}"), ["@today", "@now", "@me", "@me.NAME"]));
                return;
            }
        },
    };
    if !fits {
        findings.push(origin.error("/default", format!("`@{name}` does not fit a {}", field.kind_name())).help("`@today` fits a date, `@now` a datetime, `@me` a user"));
    }
}

fn link_targets(field: &mut Field, def: &FieldDef, own: &Scopes, origin: &super::Origin, catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    let missing = |pointer: &str, target: &Ident| {
        origin.error(pointer, format!("there is no card `{target}`")).near(target.as_str(), catalog.cards.keys().map(Ident::as_str))
    };
    match &mut field.kind {
        FieldKind::Link(link) => match catalog.card(&link.target) {
            None => findings.push(missing("/target", &link.target)),
            Some(target) => {
                if link.category && target.tree.is_none() {
                    findings.push(origin.error("/target", format!("a category points to a tree card; `{}` has no `tree`", link.target)));
                }
                if let Some(filter) = &def.condition {
                    let scopes = Scopes { table: TableRef::card(&link.target), record: own.record.clone(), row: own.row.clone() };
                    Arc::make_mut(link).condition = condition(catalog, &scopes, filter, origin, "/where", findings);
                }
            }
        },
        FieldKind::AnyLink { targets, .. } => {
            findings.extend(targets.iter().filter(|target| catalog.card(*target).is_none()).map(|target| missing("/targets", target)));
        }
        _ => {}
    }
}

fn rule(card: &Card, def: &crate::def::RuleDef, origin: &super::Origin, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> Option<Rule> {
    let table = card.table.reference();
    let scopes = Scopes { table: table.clone(), record: Some(table), row: None };
    let when = condition(catalog, &scopes, &def.when, origin, "/when", findings)?;
    let field = match def.field.as_deref().map(|field| field.split_once('.')) {
        None => None,
        Some(None) => {
            let key = def.field.as_deref().unwrap_or_default();
            match card.table.fields.get(key) {
                Some(field) => Some((None, field.key.clone())),
                None => {
                    findings.push(origin.error("/field", format!("`{}` has no field `{key}`", card.key)).near(key, card.table.fields.keys().map(Ident::as_str)));
                    None
                }
            }
        }
        Some(Some((child, key))) => match card.children.get(child).and_then(|table| Some((table.child.clone()?, table.fields.get(key)?.key.clone()))) {
            Some((child, key)) => Some((Some(child), key)),
            None => {
                findings.push(origin.error("/field", format!("`{}` has no `{child}.{key}`", card.key)));
                None
            }
        },
    };
    Some(Rule { id: def.id.clone(), pack: origin.pack.clone(), when, severity: def.then, field, message: def.message.clone() })
}

/// `{no} {customer.name}`; without one, the number or the first text.
fn title(card: &Card, part: &Merged, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> Title {
    let start = card.table.reference();
    let Some(text) = &part.def.title else {
        let first = card.table.own_fields().find(|field| matches!(&field.kind, FieldKind::Text(text) if text.flavour == TextFlavour::Text));
        return Title(first.map(|field| TitlePart::Path(Path::own(start, field.key.clone()))).into_iter().collect());
    };
    let mut parts = Vec::new();
    let mut rest = text.as_str();
    while let Some(open) = rest.find('{') {
        if open > 0 {
            parts.push(TitlePart::Words(rest[..open].to_owned()));
        }
        let Some(close) = rest[open..].find('}') else {
            findings.push(part.error("/title", "a `{` is not closed"));
            break;
        };
        let name = &rest[open + 1..open + close];
        match path::resolve(catalog, &start, name) {
            Ok(path) if path.is_many() => findings.push(part.error("/title", format!("`{name}` leads to many records"))),
            Ok(path) => match path.field(catalog).map(|field| &field.kind) {
                Some(FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_)) => {
                    findings.push(part.error("/title", format!("`{name}` is a link")).help(format!("name a field of it: {{{name}.name}}")));
                }
                _ => parts.push(TitlePart::Path(path)),
            },
            Err(error) => findings.push(part.error("/title", error.message)),
        }
        rest = &rest[open + close + 1..];
    }
    if !rest.is_empty() && !rest.contains('{') {
        parts.push(TitlePart::Words(rest.to_owned()));
    }
    Title(parts)
}

fn check_numbering_and_tree(card: &Card, part: &Merged, findings: &mut Vec<Diagnostic>) {
    if let Some(numbering) = &card.numbering {
        match card.table.fields.get(&numbering.field).map(|field| &field.kind) {
            Some(FieldKind::Text(_)) => {}
            Some(_) => findings.push(part.error("/numbering/field", format!("`{}` is no text field", numbering.field))),
            None => {
                let known = card.table.own_fields().map(|field| field.key.as_str());
                findings.push(part.error("/numbering/field", format!("`{}` has no field `{}`", card.key, numbering.field)).near(numbering.field.as_str(), known));
            }
        }
        if !numbering.pattern.contains("{#") {
            findings.push(part.error("/numbering/pattern", "the pattern has no place for the number").help("such as {####}"));
        }
    }
    if let Some(parent) = &card.tree {
        let fits = card.table.fields.get(parent).is_some_and(|field| matches!(&field.kind, FieldKind::Link(link) if link.target == card.key && !link.multiple));
        if !fits {
            findings.push(part.error("/tree/parent", format!("`{parent}` is not a link of this card to itself")).help(format!("\"{parent}\": {{\"type\": \"link\", \"target\": \"{}\"}}", card.key)));
        }
    }
    if let Some(key) = &card.entered_from {
        match card.table.fields.get(key) {
            Some(field) if matches!(&field.kind, FieldKind::AnyLink { .. }) || matches!(&field.kind, FieldKind::Link(link) if !link.multiple) => {
                if !field.is_editable() {
                    findings.push(part.error("/entered_from", format!("`{key}` is calculated, or read only; records are entered from what is set when they are made")));
                }
            }
            Some(_) => findings.push(part.error("/entered_from", format!("`{key}` is no link to one record"))),
            None => findings.push(part.error("/entered_from", format!("`{}` has no field `{key}`", card.key)).near(key.as_str(), card.table.own_fields().map(|field| field.key.as_str()))),
        }
    }
}

