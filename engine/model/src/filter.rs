//! Conditions as written: one tree for views, scopes, rules, visibility and requests.
//!
//! **Not here:** what the names mean (`condition`), and running them (`eval`, the room `sql`).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

/// Deepest nesting of a filter that is read.
pub const MAX_DEPTH: usize = 16;
/// Most nodes of a filter that are read.
pub const MAX_NODES: usize = 500;
/// Most values in all the lists of a filter together. Databases take a limited number of binds.
pub const MAX_VALUES: usize = 5_000;

/// A condition as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every one holds; true of none.
    All(Vec<Filter>),
    /// At least one holds; false of none.
    Any(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A field compared with a value.
    Test { field: String, op: Op, value: Json },
    /// Some (or, when not `wanted`, no) related row for which `filter` holds.
    Related { related: String, by: Option<String>, wanted: bool, filter: Box<Filter> },
}

/// The operators of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Op {
    Is, IsNot, AnyOf, NoneOf, Empty, NotEmpty,
    Contains, NotContains, StartsWith, EndsWith,
    Gt, Gte, Lt, Lte, Between, Before, After, In, Under, InFolder, AnniversaryIn,
}

impl Op {
    /// Every operator, in the order of the documentation.
    pub const ALL: [Self; 21] = [
        Self::Is, Self::IsNot, Self::AnyOf, Self::NoneOf, Self::Empty, Self::NotEmpty,
        Self::Contains, Self::NotContains, Self::StartsWith, Self::EndsWith,
        Self::Gt, Self::Gte, Self::Lt, Self::Lte, Self::Between, Self::Before, Self::After, Self::In, Self::Under, Self::InFolder, Self::AnniversaryIn,
    ];

    /// The word that stands in filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Is => "is", Self::IsNot => "is_not", Self::AnyOf => "any_of", Self::NoneOf => "none_of",
            Self::Empty => "empty", Self::NotEmpty => "not_empty", Self::Contains => "contains",
            Self::NotContains => "not_contains", Self::StartsWith => "starts_with", Self::EndsWith => "ends_with",
            Self::Gt => "gt", Self::Gte => "gte", Self::Lt => "lt", Self::Lte => "lte", Self::Between => "between",
            Self::Before => "before", Self::After => "after", Self::In => "in", Self::Under => "under",
            Self::InFolder => "in_folder",
            Self::AnniversaryIn => "anniversary_in",
        }
    }

    /// The operator of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }

    /// Whether the test takes no value.
    pub fn is_unary(self) -> bool {
        matches!(self, Self::Empty | Self::NotEmpty)
    }
}

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// JSON pointer from the filter's root.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Filter {
    /// The condition that always holds.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    /// A test of equality.
    pub fn is(field: impl Into<String>, value: impl Into<Json>) -> Self {
        Self::Test { field: field.into(), op: Op::Is, value: value.into() }
    }

    /// Reads a filter. Never recurses deeper than [`MAX_DEPTH`].
    pub fn from_json(json: &Json) -> Result<Self, FilterError> {
        read(json, "", 0, &mut Size::default())
    }

    /// Reads a filter from text, as it stands in a URL.
    pub fn from_text(text: &str) -> Result<Self, FilterError> {
        let json = serde_json::from_str(text).map_err(|error| FilterError {
            pointer: String::new(),
            message: format!("the filter is no JSON: {error}"),
        })?;
        Self::from_json(&json)
    }

    /// Writes the filter in the form it is read.
    pub fn to_json(&self) -> Json {
        let one = |key: &str, value: Json| Json::Object(Map::from_iter([(key.to_owned(), value)]));
        match self {
            Self::All(parts) => one("all", parts.iter().map(Self::to_json).collect()),
            Self::Any(parts) => one("any", parts.iter().map(Self::to_json).collect()),
            Self::Not(part) => one("not", part.to_json()),
            Self::Test { field, op, value } => {
                let mut map = Map::new();
                map.insert("field".into(), field.clone().into());
                map.insert("op".into(), op.name().into());
                if !op.is_unary() {
                    map.insert("value".into(), value.clone());
                }
                Json::Object(map)
            }
            Self::Related { related, by, wanted, filter } => {
                let mut map = Map::new();
                map.insert("related".into(), related.clone().into());
                if let Some(by) = by {
                    map.insert("by".into(), by.clone().into());
                }
                map.insert(if *wanted { "has" } else { "has_not" }.into(), filter.to_json());
                Json::Object(map)
            }
        }
    }
}

fn wrong<T>(pointer: &str, message: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError { pointer: pointer.to_owned(), message: message.into() })
}

/// What was read so far of one filter.
#[derive(Default)]
struct Size {
    nodes: usize,
    values: usize,
}

fn read(json: &Json, at: &str, depth: usize, size: &mut Size) -> Result<Filter, FilterError> {
    size.nodes += 1;
    if depth > MAX_DEPTH {
        return wrong(at, format!("the filter is nested deeper than {MAX_DEPTH} levels"));
    }
    if size.nodes > MAX_NODES {
        return wrong(at, format!("the filter has more than {MAX_NODES} parts"));
    }
    let Json::Object(map) = json else {
        return wrong(at, "a filter is an object such as {\"field\": \"name\", \"op\": \"is\", \"value\": \"x\"}");
    };
    if let Some(unknown) = map.keys().find(|key| !KEYS.contains(&key.as_str()) && !key.starts_with("x-") && *key != "$comment") {
        return wrong(at, format!("`{unknown}` is no part of a filter; known are {}", KEYS.join(", ")));
    }
    let heads: Vec<&str> = ["all", "any", "not", "field", "related"].into_iter().filter(|key| map.contains_key(*key)).collect();
    if let [head] = heads.as_slice() {
        only_own_keys(map, head, at)?;
    }
    match heads.as_slice() {
        ["all"] => Ok(Filter::All(read_list(&map["all"], &format!("{at}/all"), depth, size)?)),
        ["any"] => Ok(Filter::Any(read_list(&map["any"], &format!("{at}/any"), depth, size)?)),
        ["not"] => Ok(Filter::Not(Box::new(read(&map["not"], &format!("{at}/not"), depth + 1, size)?))),
        ["field"] => read_test(map, at, size),
        ["related"] => read_related(map, at, depth, size),
        [] => wrong(at, "a filter names one of `all`, `any`, `not`, `field`, `related`"),
        several => wrong(at, format!("a filter names only one of {}; join them with `all`", several.join(", "))),
    }
}

const KEYS: [&str; 10] = ["all", "any", "not", "field", "op", "value", "related", "by", "has", "has_not"];

/// A key that belongs to another kind of filter would be silently without effect.
fn only_own_keys(map: &Map<String, Json>, head: &str, at: &str) -> Result<(), FilterError> {
    let own: &[&str] = match head {
        "field" => &["field", "op", "value"],
        "related" => &["related", "by", "has", "has_not"],
        _ => &[],
    };
    let stray = map.keys().find(|key| *key != head && KEYS.contains(&key.as_str()) && !own.contains(&key.as_str()));
    match stray {
        Some(stray) => wrong(at, format!("`{stray}` means nothing beside `{head}`")),
        None => Ok(()),
    }
}

fn read_list(json: &Json, at: &str, depth: usize, size: &mut Size) -> Result<Vec<Filter>, FilterError> {
    let Json::Array(items) = json else { return wrong(at, "a list of filters is wanted here") };
    items.iter().enumerate().map(|(index, item)| read(item, &format!("{at}/{index}"), depth + 1, size)).collect()
}

fn text<'a>(map: &'a Map<String, Json>, key: &str, at: &str) -> Result<Option<&'a str>, FilterError> {
    match map.get(key) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => wrong(&format!("{at}/{key}"), format!("`{key}` is a text")),
    }
}

fn read_test(map: &Map<String, Json>, at: &str, size: &mut Size) -> Result<Filter, FilterError> {
    let field = text(map, "field", at)?.unwrap_or_default().to_owned();
    let Some(name) = text(map, "op", at)? else { return wrong(at, format!("`op` is missing; one of {}", names())) };
    let Some(op) = Op::parse(name) else {
        return wrong(&format!("{at}/op"), format!("`{name}` is no operator; one of {}", names()));
    };
    let value = match map.get("value") {
        Some(value) => value.clone(),
        None if op.is_unary() => Json::Null,
        None => return wrong(at, format!("`{name}` needs a `value`")),
    };
    size.values += value.as_array().map_or(1, Vec::len);
    if size.values > MAX_VALUES {
        return wrong(&format!("{at}/value"), format!("the filter compares with more than {MAX_VALUES} values"));
    }
    Ok(Filter::Test { field, op, value })
}

fn names() -> String {
    Op::ALL.map(Op::name).join(", ")
}

fn read_related(map: &Map<String, Json>, at: &str, depth: usize, size: &mut Size) -> Result<Filter, FilterError> {
    let related = text(map, "related", at)?.unwrap_or_default().to_owned();
    let by = text(map, "by", at)?.map(str::to_owned);
    let (wanted, key) = match (map.get("has"), map.get("has_not")) {
        (Some(_), None) => (true, "has"),
        (None, Some(_)) => (false, "has_not"),
        _ => return wrong(at, "`related` needs either `has` or `has_not` with a filter; {\"all\": []} takes any row"),
    };
    let filter = read(&map[key], &format!("{at}/{key}"), depth + 1, size)?;
    Ok(Filter::Related { related, by, wanted, filter: Box::new(filter) })
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::from_json(&json).map_err(|error| serde::de::Error::custom(format!("{} (at {})", error.message, if error.pointer.is_empty() { "/" } else { &error.pointer })))
    }
}
impl JsonSchema for Filter {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Filter".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let this = generator.subschema_for::<Self>();
        let ops: Vec<&str> = Op::ALL.iter().map(|op| op.name()).collect();
        json_schema!({
            "description": "A condition: one of `all`, `any`, `not`, a test of a `field`, or a question about `related` rows.",
            "type": "object",
            "properties": {
                "all": {"type": "array", "items": this},
                "any": {"type": "array", "items": this},
                "not": this,
                "field": {"type": "string", "minLength": 1},
                "op": {"enum": ops},
                "value": true,
                "related": {"type": "string", "minLength": 1},
                "by": {"type": "string"},
                "has": this,
                "has_not": this
            },
            "additionalProperties": false
        })
    }
}
