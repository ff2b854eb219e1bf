//! Pages and fragments: the templates of `ui/templates`, the words of `ui/locales`, both embedded.
//!
//! A template gets `shell` (the frame, the same everywhere) and `page` (one struct of [`crate::view`]), and may call
//! `t("key", count=2, name="…")` for words, `icon("name", "class")` and `asset("app.ts")`.
//!
//! **Invariants**
//! - Everything printed is escaped; only `icon` makes markup.
//! - A name that is not there is an error, never an empty text: templates are tested against full data.
//! - All languages have the same keys.
//!
//! **Not here:** what stands on a page (`view`, handlers), where files are served (`assets`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, escape_formatter};
use serde::{Deserialize, Serialize};

use crate::assets;
use crate::view::Shell;

/// The languages of the interface; the first is taken where nothing fits.
pub const LANGUAGES: [(&str, &str); 3] = [("en", "English"), ("zh-Hans", "简体中文"), ("zh-Hant", "繁體中文")];

#[derive(rust_embed::Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../ui/templates"]
struct Sources;

#[derive(rust_embed::Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../ui/locales"]
struct Locales;

/// A template or a locale that cannot be read, or a page that cannot be drawn: our own mistake, never a client's.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A template does not parse, or met data it did not expect.
    #[error("the template {name} could not be drawn")]
    Template {
        /// Which.
        name: String,
        /// What is wrong.
        source: minijinja::Error,
    },
    /// A locale is no JSON of the expected shape.
    #[error("ui/locales/{lang}.json could not be read")]
    Locale {
        /// Which.
        lang: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A file is missing, or not UTF-8.
    #[error("the file {name} of the interface is missing or unreadable")]
    File {
        /// Which.
        name: String,
    },
}

/// The language to speak to someone who asked for `wanted` (a locale name or an `Accept-Language` header).
pub fn language(wanted: &str) -> &'static str {
    let fits = |tag: &str| {
        let tag = tag.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match tag.as_str() {
            "zh-hant" | "zh-tw" | "zh-hk" | "zh-mo" => Some("zh-Hant"),
            tag if tag == "zh" || tag.starts_with("zh-") => Some("zh-Hans"),
            tag if tag == "en" || tag.starts_with("en-") => Some("en"),
            _ => None,
        }
    };
    wanted.split(',').find_map(fits).unwrap_or(LANGUAGES[0].0)
}

static SHARED: LazyLock<Result<Templates, TemplateError>> = LazyLock::new(|| match std::env::var_os("UI_DEV") {
    Some(ui) => Templates::watching(Path::new(&ui)),
    None => Templates::embedded(),
});

/// The process's templates: the embedded ones, or with `UI_DEV=ui` those of that folder, read anew for every page.
pub fn shared() -> Result<&'static Templates, &'static TemplateError> {
    SHARED.as_ref()
}

/// The text of a key in a language, for handlers; the key itself if there is none.
pub fn text(lang: &str, key: &str, args: &[(&str, &str)]) -> String {
    shared().map_or_else(|_| key.to_owned(), |templates| templates.texts(lang).get(key, args))
}

/// The words of one language.
#[derive(Debug, Default)]
pub struct Texts(BTreeMap<String, Text>);

/// One text, or one for each number.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Counted { one: String, other: String },
}

impl Texts {
    fn read(lang: &str, json: &[u8]) -> Result<Self, TemplateError> {
        let texts = serde_json::from_slice(json).map_err(|source| TemplateError::Locale { lang: lang.to_owned(), source })?;
        Ok(Self(texts))
    }

    /// The text of a key with `{name}` replaced; the key itself if there is none, so that it is seen.
    pub fn get(&self, key: &str, args: &[(&str, &str)]) -> String {
        let count = args.iter().find(|(name, _)| *name == "count").map(|(_, value)| *value);
        let text = match self.0.get(key) {
            None => return key.to_owned(),
            Some(Text::Plain(text)) => text,
            Some(Text::Counted { one, .. }) if count == Some("1") => one,
            Some(Text::Counted { other, .. }) => other,
        };
        args.iter().fold(text.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The texts that scripts need, as the JSON they read: keys that begin `js.`, without that beginning.
    fn for_scripts(&self) -> String {
        let texts: serde_json::Map<String, serde_json::Value> = self.0.iter().filter_map(|(key, text)| {
            let value = match text {
                Text::Plain(text) => serde_json::Value::from(text.as_str()),
                Text::Counted { one, other } => serde_json::json!({"one": one, "other": other}),
            };
            Some((key.strip_prefix("js.")?.to_owned(), value))
        }).collect();
        // `<` could end the element that holds the JSON.
        serde_json::Value::Object(texts).to_string().replace('<', "\\u003c")
    }
}

/// All templates in all languages.
#[derive(Debug)]
pub struct Templates {
    languages: BTreeMap<&'static str, Language>,
    watched: Option<PathBuf>,
}

#[derive(Debug)]
struct Language {
    environment: Environment<'static>,
    texts: Arc<Texts>,
}

impl Templates {
    /// The templates in the binary.
    pub fn embedded() -> Result<Self, TemplateError> {
        let mut sources = Vec::new();
        for name in Sources::iter() {
            sources.push((name.to_string(), text_of(&name, Sources::get(&name).map(|file| file.data.into_owned()))?));
        }
        Self::build(&sources, |lang| Locales::get(&format!("{lang}.json")).map(|file| file.data.into_owned()))
    }

    /// The templates of a `ui` folder, read anew for every page: for people working on them.
    pub fn watching(ui: &Path) -> Result<Self, TemplateError> {
        let mut templates = Self::read_folder(ui)?;
        templates.watched = Some(ui.to_owned());
        Ok(templates)
    }

    fn read_folder(ui: &Path) -> Result<Self, TemplateError> {
        let root = ui.join("templates");
        let mut sources = Vec::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            let unreadable = |_| TemplateError::File { name: folder.display().to_string() };
            for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if path.is_dir() {
                    open.push(path);
                } else if let Ok(name) = path.strip_prefix(&root) {
                    let name = name.to_string_lossy().replace('\\', "/");
                    sources.push((name.clone(), text_of(&name, std::fs::read(&path).ok())?));
                }
            }
        }
        Self::build(&sources, |lang| std::fs::read(ui.join("locales").join(format!("{lang}.json"))).ok())
    }

    fn build(sources: &[(String, String)], locale: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Self, TemplateError> {
        let mut languages = BTreeMap::new();
        for (lang, _) in LANGUAGES {
            let json = locale(lang).ok_or_else(|| TemplateError::File { name: format!("locales/{lang}.json") })?;
            let texts = Arc::new(Texts::read(lang, &json)?);
            languages.insert(lang, Language { environment: environment(sources, &texts)?, texts });
        }
        Ok(Self { languages, watched: None })
    }

    /// Draws a page or a fragment in the shell's language.
    pub fn render(&self, name: &str, shell: &Shell, page: &impl Serialize) -> Result<String, TemplateError> {
        match &self.watched {
            Some(ui) => Self::read_folder(ui)?.draw(name, shell, page),
            None => self.draw(name, shell, page),
        }
    }

    fn draw(&self, name: &str, shell: &Shell, page: &impl Serialize) -> Result<String, TemplateError> {
        let failed = |source| TemplateError::Template { name: name.to_owned(), source };
        let template = self.language(&shell.lang).environment.get_template(name).map_err(failed)?;
        template.render(minijinja::context! { shell => Value::from(Serde(shell)), page => Value::from(Serde(page)) }).map_err(failed)
    }

    /// The words of a language, for texts that handlers write.
    pub fn texts(&self, lang: &str) -> &Texts {
        &self.language(lang).texts
    }

    /// The names of all templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.language("en").environment.templates().map(|(name, _)| name)
    }

    fn language(&self, lang: &str) -> &Language {
        // `build` puts every language of LANGUAGES in, and `language` returns only those.
        &self.languages[language(lang)]
    }
}

fn text_of(name: &str, bytes: Option<Vec<u8>>) -> Result<String, TemplateError> {
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| TemplateError::File { name: name.to_owned() })
}

fn environment(sources: &[(String, String)], texts: &Arc<Texts>) -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(syntax()?);
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::None => Ok(()),
        // As HTML and scripts write it.
        ValueKind::Bool => escape_formatter(out, state, &Value::from(if value.is_true() { "true" } else { "false" })),
        _ => escape_formatter(out, state, value),
    });
    environment.add_function("icon", icon);
    environment.add_function("asset", asset);
    let words = Arc::clone(texts);
    environment.add_function("t", move |key: &str, args: Kwargs| translate(&words, key, &args));
    environment.add_global("script_texts", Value::from_safe_string(texts.for_scripts()));
    for (name, source) in sources {
        environment
            .add_template_owned(name.clone(), source.clone())
            .map_err(|source| TemplateError::Template { name: name.clone(), source })?;
    }
    Ok(environment)
}

/// A tag on a line of its own leaves no line behind: pages are a quarter smaller.
fn syntax() -> Result<SyntaxConfig, TemplateError> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(|source| TemplateError::Template { name: "syntax".to_owned(), source })
}

fn icon(name: &str, class: Option<&str>) -> Value {
    let class = class.unwrap_or_default();
    let class: String = class.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect();
    let space = if class.is_empty() { "" } else { " " };
    Value::from_safe_string(format!("<svg class=\"i{space}{class}\" aria-hidden=\"true\"><use href=\"{}\"></use></svg>", assets::icon_url(name)))
}

fn asset(name: &str) -> Result<String, minijinja::Error> {
    assets::url(name).ok_or_else(|| minijinja::Error::new(ErrorKind::InvalidOperation, format!("the build made no file from {name}")))
}

fn translate(texts: &Texts, key: &str, args: &Kwargs) -> Result<String, minijinja::Error> {
    if !texts.0.contains_key(key) {
        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, format!("ui/locales has no text `{key}`")));
    }
    let mut values = Vec::new();
    for name in args.args() {
        let value: Value = args.get(name)?;
        values.push((name, if value.is_none() { String::new() } else { value.to_string() }));
    }
    let pairs: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(texts.get(key, &pairs))
}
