//! What a client asked, read but unchecked.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value as Json;

use crate::QueryError;

/// A question about a list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListRequest {
    /// Filter JSON.
    pub filter: Option<Json>,
    /// `-date,no`; in a body also `["-date", "no"]`.
    #[serde(deserialize_with = "joined")]
    pub sort: Option<String>,
    /// `["no", "customer.name"]`, or the same as one text; everything readable when not said.
    #[serde(deserialize_with = "some_names")]
    pub fields: Option<Vec<String>>,
    /// Links wanted as whole records.
    #[serde(deserialize_with = "names")]
    pub expand: Vec<String>,
    /// Rows of a page.
    pub limit: Option<u32>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How matches are counted.
    pub count: Count,
    /// Words looked for.
    pub q: Option<String>,
    /// Whether the trash is meant.
    pub trash: Trash,
    /// Levels of grouping, outermost first.
    pub group_by: Vec<GroupRequest>,
    /// Totals over all matches.
    pub totals: Vec<TotalRequest>,
}

/// `{"field": "date", "by": "month", "order": "-total.sum"}`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRequest {
    /// The path.
    pub field: String,
    /// For dates.
    #[serde(default)]
    pub by: Option<model::DatePart>,
    /// For links into a tree: the level from the top, 1 and more.
    #[serde(default)]
    pub level: Option<u8>,
    /// `value`, `count` or a total such as `total.sum`; `-` before it for largest first.
    #[serde(default)]
    pub order: Option<String>,
}

/// `{"field": "total", "function": "sum"}`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotalRequest {
    /// The path.
    pub field: String,
    /// How.
    pub function: model::Aggregate,
}

/// How matches are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Not at all.
    #[default]
    None,
    /// Exactly up to 10,000, beyond that as "at least".
    Estimate,
    /// Exactly.
    Exact,
}

/// Whether the trash is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trash {
    /// Records that are not in it.
    #[default]
    Without,
    /// Only records that are in it.
    Only,
}

impl ListRequest {
    /// Reads URL parameters. Unknown ones are refused, so that a typo does not silently show everything.
    pub fn from_url(pairs: &[(String, String)]) -> Result<Self, QueryError> {
        let mut request = Self::default();
        for (key, text) in pairs {
            match key.as_str() {
                "filter" => {
                    let json = serde_json::from_str(text).map_err(|error| QueryError::new("bad_filter", format!("the filter is no JSON: {error}")))?;
                    request.filter = Some(json);
                }
                "sort" => request.sort = Some(text.clone()),
                "fields" => request.fields = Some(split(text)),
                "expand" => request.expand.extend(split(text)),
                "limit" => request.limit = Some(text.parse().map_err(|_| QueryError::new("bad_limit", format!("`{text}` is no number of rows")))?),
                "cursor" => request.cursor = Some(text.clone()),
                "q" => request.q = Some(text.clone()),
                "count" => request.count = word(text, "count", "none, estimate, exact")?,
                "trash" => request.trash = word(text, "trash", "without, only")?,
                _ => {
                    let known = KEYS[..9].iter().copied();
                    let near = model::nearest(key, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    return Err(QueryError::new("unknown_parameter", format!("`{key}` is no parameter of a list{near}")));
                }
            }
        }
        Ok(request)
    }

    /// Reads the body of `POST …/query`.
    pub fn from_json(body: Json) -> Result<Self, QueryError> {
        let Json::Object(map) = &body else { return Err(QueryError::new("bad_query", "a question is a JSON object such as {\"filter\": …, \"limit\": 50}")) };
        if let Some(unknown) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let near = model::nearest(unknown, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_else(|| format!("; known are {}", KEYS.join(", ")));
            return Err(QueryError::new("unknown_parameter", format!("`{unknown}` is no part of a question{near}")));
        }
        serde_json::from_value(body).map_err(|error| QueryError::new("bad_query", error.to_string()))
    }
}

/// What a question may say; groups and totals only in a body.
const KEYS: [&str; 11] = ["filter", "sort", "fields", "expand", "limit", "cursor", "q", "count", "trash", "group_by", "totals"];

fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// One text with commas, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    Text(String),
    List(Vec<String>),
}

impl Names {
    fn list(self) -> Vec<String> {
        match self {
            Self::Text(text) => split(&text),
            Self::List(list) => list,
        }
    }
}

fn names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    some_names(from).map(Option::unwrap_or_default)
}

fn some_names<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Option::<Names>::deserialize(from).map_err(|_| D::Error::custom("names are a list of texts, or one text with commas"))?;
    Ok(names.map(Names::list))
}

fn joined<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(some_names(from)?.map(|names| names.join(",")))
}

fn word<T: for<'de> Deserialize<'de>>(text: &str, key: &str, known: &str) -> Result<T, QueryError> {
    serde_json::from_value(Json::String(text.to_owned())).map_err(|_| QueryError::new("bad_parameter", format!("`{key}` is one of {known}")))
}
