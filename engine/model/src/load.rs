//! From a pack's files to its definitions. The only reader of definition JSON.
//!
//! **Invariants**
//! - Never stops at the first fault, and never panics, whatever the bytes.
//! - The text of a file is kept as it was written.
//!
//! **Not here:** what definitions mean together (`build`), reading folders (`app`).

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{
    def::{CardDef, ExtensionDef, ManifestDef, MixinDef, RoleDef, ViewDef},
    diagnostic::{Diagnostic, Level},
    schema::{FileKind, compiled},
    spans::{Spans, scan},
};

/// A pack's files: path within its folder → content.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Largest definition file that is read, in bytes.
const MAX_FILE: usize = 4_000_000;

/// Folders of files that later rooms read; here they only must be JSON objects, or texts.
const OTHER_FOLDERS: [&str; 14] =
    ["reports", "dashboards", "flows", "prints", "locales", "scripts", "data", "tests", "demo", "forms", "portals", "conversions", "files", "menus"];

/// A pack as its files say it.
#[derive(Debug, Clone, Default)]
pub struct PackSource {
    /// `pack.json`
    pub manifest: Option<ManifestDef>,
    /// `cards/`, by file.
    pub cards: IndexMap<String, CardDef>,
    /// `extensions/`, by file.
    pub extensions: IndexMap<String, ExtensionDef>,
    /// `mixins/`, by file.
    pub mixins: IndexMap<String, MixinDef>,
    /// `roles/`, by file.
    pub roles: IndexMap<String, RoleDef>,
    /// `views/`, by file.
    pub views: IndexMap<String, ViewDef>,
    /// Every file as it was written.
    pub files: Files,
    /// Keys of definitions whose files could not be read: what else names them is no mistake of its own.
    pub unreadable: Vec<String>,
}

impl PackSource {
    /// The pack's key, or a word that says there is none.
    pub fn id(&self) -> &str {
        self.manifest.as_ref().map_or("?", |manifest| manifest.id.as_str())
    }

    /// Whether a definition was read from a file.
    fn holds(&self, path: &str) -> bool {
        self.cards.contains_key(path) || self.extensions.contains_key(path) || self.mixins.contains_key(path) || self.roles.contains_key(path) || self.views.contains_key(path)
    }

    /// Whether a finding only follows from a definition that could not be read.
    pub fn follows(&self, finding: &Diagnostic) -> bool {
        // Users are bound to what may be in that file.
        if !self.unreadable.is_empty() && finding.message.starts_with("nothing is bound to") {
            return true;
        }
        let named = |key: &String| finding.message.contains(&format!("`{key}`")) || finding.message.contains(&format!("`{key}."));
        self.unreadable.iter().any(named)
    }

    /// Fills in line and column of findings about this pack's files.
    pub fn locate(&self, findings: &mut [Diagnostic]) {
        let mut known: BTreeMap<String, Spans> = BTreeMap::new();
        for finding in findings.iter_mut().filter(|finding| finding.place.is_none() && finding.pack == self.id()) {
            let Some(text) = self.files.get(&finding.file).and_then(|bytes| std::str::from_utf8(bytes).ok()) else { continue };
            let spans = known.entry(finding.file.clone()).or_insert_with(|| scan(text));
            finding.place = nearest_place(spans, &finding.pointer);
        }
    }
}

/// The place of the pointer, or of the nearest value around it.
fn nearest_place(spans: &Spans, pointer: &str) -> Option<(usize, usize)> {
    let mut pointer = pointer;
    loop {
        if let Some(place) = spans.places.get(pointer) {
            return Some(*place);
        }
        pointer = &pointer[..pointer.rfind('/')?];
    }
}

/// Reads every file of a pack. Definitions that could not be read are left out, and said so.
pub fn read_pack(files: Files) -> (PackSource, Vec<Diagnostic>) {
    let mut source = PackSource::default();
    let mut findings = Vec::new();
    for (path, bytes) in &files {
        read_file(&mut source, path, bytes, &mut findings);
    }
    let wrong = |path: &String| findings.iter().any(|finding: &Diagnostic| finding.file == *path && finding.level == Level::Error);
    source.unreadable = files.keys().filter(|path| wrong(path) && !source.holds(path)).filter_map(|path| Some(path.rsplit('/').next()?.strip_suffix(".json")?.to_owned())).collect();
    source.files = files;
    let id = source.id().to_owned();
    if !source.files.contains_key("pack.json") {
        findings.push(Diagnostic::error(&id, "pack.json", "", "the pack has no `pack.json`").help("it names the pack: {\"id\": \"my_pack\", \"version\": \"1.0.0\"}"));
    }
    findings.iter_mut().for_each(|finding| finding.pack.clone_from(&id));
    source.locate(&mut findings);
    findings.sort_by(|left, right| (&left.file, left.place).cmp(&(&right.file, right.place)));
    (source, findings)
}

fn read_file(source: &mut PackSource, path: &str, bytes: &[u8], findings: &mut Vec<Diagnostic>) {
    let (folder, name) = path.split_once('/').unwrap_or(("", path));
    let stem = name.strip_suffix(".json");
    match (folder, stem) {
        ("", Some("pack")) => source.manifest = read(FileKind::Manifest, path, bytes, findings),
        ("cards", Some(stem)) => keep(&mut source.cards, read(FileKind::Card, path, bytes, findings), path, stem, |card: &CardDef| Some(card.key.as_str()), findings),
        ("extensions", Some(stem)) => {
            keep(&mut source.extensions, read(FileKind::Extension, path, bytes, findings), path, stem, |extension: &ExtensionDef| Some(extension.extends.as_str()), findings);
        }
        ("mixins", Some(stem)) => keep(&mut source.mixins, read(FileKind::Mixin, path, bytes, findings), path, stem, |mixin: &MixinDef| Some(mixin.key.as_str()), findings),
        ("roles", Some(stem)) => keep(&mut source.roles, read(FileKind::Role, path, bytes, findings), path, stem, |role: &RoleDef| Some(role.key.as_str()), findings),
        ("views", Some(stem)) => keep(&mut source.views, read(FileKind::View, path, bytes, findings), path, stem, |_: &ViewDef| None, findings),
        (folder, Some(_)) if OTHER_FOLDERS.contains(&folder) => {
            parse(path, bytes, findings);
        }
        (folder, None) if OTHER_FOLDERS.contains(&folder) => {}
        ("", None) if !name.ends_with(".json") => {}
        _ => {
            let folders = ["cards", "extensions", "mixins", "roles", "views"].into_iter().chain(OTHER_FOLDERS);
            findings.push(Diagnostic::error("", path, "", format!("nothing reads `{path}`")).near(folder, folders).as_warning());
        }
    }
}

fn keep<T>(into: &mut IndexMap<String, T>, read: Option<T>, path: &str, stem: &str, key: impl Fn(&T) -> Option<&str>, findings: &mut Vec<Diagnostic>) {
    let Some(definition) = read else { return };
    if let Some(key) = key(&definition).filter(|key| *key != stem) {
        findings.push(Diagnostic::error("", path, "/key", format!("the file `{path}` defines `{key}`")).help(format!("call it `{key}.json`, so that people find it")));
    }
    into.insert(path.to_owned(), definition);
}

fn read<T: DeserializeOwned>(kind: FileKind, path: &str, bytes: &[u8], findings: &mut Vec<Diagnostic>) -> Option<T> {
    let mut json = parse(path, bytes, findings)?;
    strip(&mut json);
    let before = findings.len();
    let compiled = compiled(kind);
    for error in compiled.validator.iter_errors(&json).take(100) {
        findings.extend(explain(path, &error, &compiled.schema));
    }
    match serde_json::from_value(json) {
        Ok(definition) if findings.len() == before => Some(definition),
        Ok(_) => None,
        Err(error) => {
            if findings.len() == before {
                findings.push(Diagnostic::error("", path, "", error.to_string()));
            }
            None
        }
    }
}

fn parse(path: &str, bytes: &[u8], findings: &mut Vec<Diagnostic>) -> Option<Json> {
    let mut wrong = |message: String, place: Option<(usize, usize)>| {
        let mut finding = Diagnostic::error("", path, "", message);
        finding.place = place;
        findings.push(finding);
        None
    };
    if bytes.len() > MAX_FILE {
        return wrong(format!("the file is larger than {MAX_FILE} bytes"), None);
    }
    let Ok(text) = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) else {
        return wrong("the file is not UTF-8".into(), None);
    };
    let json: Json = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) => return wrong(format!("this is not JSON: {error}"), Some((error.line(), error.column()))),
    };
    for double in scan(text).doubles {
        findings.push(Diagnostic::error("", path, double, "this key stands twice; only one of them can count"));
    }
    Some(json)
}

/// Takes out what is there for editors and people only. serde_json refuses texts nested deeper than 128, so this ends.
fn strip(json: &mut Json) {
    match json {
        Json::Object(map) => {
            map.retain(|key, _| key != "$schema" && key != "$comment" && !key.starts_with("x-"));
            map.values_mut().for_each(strip);
        }
        Json::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn explain(path: &str, error: &jsonschema::ValidationError<'_>, schema: &Json) -> Vec<Diagnostic> {
    use jsonschema::error::ValidationErrorKind as Kind;
    let pointer = error.instance_path().as_str().to_owned();
    let at = |pointer: String, message: String| Diagnostic::error("", path, pointer, message);
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let known = known_keys(schema, error.schema_path().as_str());
            if around(schema, error.schema_path().as_str()).is_some_and(|node| node.get("patternProperties").is_some()) {
                // Any key would do, if it were one.
                return unexpected.iter().map(|key| at(format!("{pointer}/{key}"), format!("`{key}` is not a key")).help(A_KEY)).collect();
            }
            let one = |key: &String| at(format!("{pointer}/{key}"), format!("`{key}` means nothing here")).near(key, known.iter().map(String::as_str));
            unexpected.iter().map(one).collect()
        }
        Kind::Enum { options } => {
            let found = error.instance().as_str().map_or_else(|| error.instance().to_string(), str::to_owned);
            let known: Vec<String> = options.as_array().into_iter().flatten().filter_map(|option| option.as_str().map(str::to_owned)).collect();
            vec![at(pointer, format!("`{found}` is not one of the known words")).near(&found, known.iter().map(String::as_str))]
        }
        Kind::AnyOf { context } if lacking(context, &pointer).is_some() => {
            let (first, others) = lacking(context, &pointer).unwrap_or_default();
            vec![at(pointer, format!("`{first}` is missing")).help(format!("only with {others} may it be left out"))]
        }
        Kind::Required { property } => vec![at(pointer, format!("`{}` is missing", property.as_str().unwrap_or_default()))],
        Kind::Pattern { .. } => vec![at(pointer, format!("{} is not a key", error.instance())).help(A_KEY)],
        Kind::Type { .. } if is_words(schema, error.schema_path().as_str()) => {
            let words = error.instance().as_str().map_or_else(|| "…".to_owned(), str::to_owned);
            vec![at(pointer, "words are wanted here, by language".into()).help(format!("{{\"en\": \"{words}\"}}"))]
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } if likeliest(context, &pointer).is_some() => {
            likeliest(context, &pointer).into_iter().flatten().flat_map(|error| explain(path, error, schema)).collect()
        }
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => vec![at(pointer, format!("{} is none of the forms wanted here", shorten(&error.instance().to_string())))],
        _ => vec![at(pointer, shorten(&error.to_string()))],
    }
}

const A_KEY: &str = "a small letter first, then small letters, digits or `_`, at most 31 characters";

/// Where each form only wants another key: the first of them, and the others.
fn lacking(forms: &[Vec<jsonschema::ValidationError<'static>>], pointer: &str) -> Option<(String, String)> {
    use jsonschema::error::ValidationErrorKind as Kind;
    let wanted = |errors: &Vec<jsonschema::ValidationError<'static>>| match errors.as_slice() {
        [error] if error.instance_path().as_str() == pointer => match error.kind() {
            Kind::Required { property } => property.as_str().map(str::to_owned),
            _ => None,
        },
        _ => None,
    };
    let keys = forms.iter().map(wanted).collect::<Option<Vec<String>>>()?;
    let (first, others) = keys.split_first()?;
    Some((first.clone(), others.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ")))
}

/// Of several forms the one that was probably meant: of the right kind, and with the least that is foreign to it.
fn likeliest<'e>(forms: &'e [Vec<jsonschema::ValidationError<'static>>], pointer: &str) -> Option<&'e Vec<jsonschema::ValidationError<'static>>> {
    use jsonschema::error::ValidationErrorKind as Kind;
    let here = |error: &jsonschema::ValidationError<'_>| error.instance_path().as_str() == pointer;
    let strange = |error: &jsonschema::ValidationError<'_>| match error.kind() {
        Kind::Type { .. } | Kind::Constant { .. } if here(error) => 100,
        Kind::Required { .. } if here(error) => 10,
        Kind::AdditionalProperties { unexpected } if here(error) => 10 * unexpected.len(),
        _ => 1,
    };
    let rated = forms.iter().map(|errors| (errors.iter().map(strange).sum::<usize>(), errors));
    let (rating, errors) = rated.min_by_key(|(rating, _)| *rating)?;
    (rating < 10).then_some(errors)
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 160 { text.to_owned() } else { text.chars().take(157).chain("...".chars()).collect() }
}

/// The keys an object may have.
fn known_keys(schema: &Json, schema_path: &str) -> Vec<String> {
    let properties = around(schema, schema_path).and_then(|node| node.get("properties")).and_then(Json::as_object);
    properties.map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

/// Whether words by language are wanted: an object of texts, with any keys.
fn is_words(schema: &Json, schema_path: &str) -> bool {
    around(schema, schema_path).is_some_and(|node| node.pointer("/additionalProperties/type").and_then(Json::as_str) == Some("string"))
}

/// The part of the schema whose keyword failed, found by walking along the keyword's path.
fn around<'s>(schema: &'s Json, schema_path: &str) -> Option<&'s Json> {
    let mut node = schema;
    let steps: Vec<&str> = schema_path.split('/').skip(1).collect();
    for step in &steps[..steps.len().saturating_sub(1)] {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = if step == "$ref" { Some(node) } else { node.get(&step).or_else(|| step.parse::<usize>().ok().and_then(|index| node.get(index))) };
        node = follow(schema, next?);
    }
    Some(node)
}

fn follow<'s>(schema: &'s Json, node: &'s Json) -> &'s Json {
    let target = node.get("$ref").and_then(Json::as_str).and_then(|path| schema.pointer(path.strip_prefix('#')?));
    target.unwrap_or(node)
}

/// Whether any finding is an error.
pub fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Error)
}
