//! The address of a list: everything it shows stands there, so that Back, links and bookmarks work.
//!
//! What an address says stands in the place of what the view says; what it does not say, the view says.
//!
//! | name | holds |
//! |---|---|
//! | `view` | the view it begins with; the reader's first when not said |
//! | `q` | words searched for |
//! | `filter` | filter JSON; `{"all": []}` for no condition |
//! | `sort` | `-date,no` |
//! | `cols` | columns, each with its width if it has one: `name:240,stage` |
//! | `group` | levels of grouping, each with a span, a level of its tree, an order: `industry:2,date:month:-count`; `-` for none |
//! | `totals` | totals by column: `total:sum,open:avg`; `-` for none |
//! | `kind` | how records are drawn, and by what: `table`, `board:stage` |
//! | `param.NAME` | an answer to what the view asks |
//! | `at`, `span` | of a calendar: a day in what is shown, and `week` or `day` for less than a month |
//! | `after`, `n` | where a window of rows begins, and how many come before it |
//! | `within`, `level` | of a part of a grouped list: the filter of the groups around it, and how many those are |
//! | `only` | one record, as it is drawn in this list |
//! | `ask.NAME` | what it is called where it is asked |

use app::{AppError, views::Answers};
use model::{Aggregate, ColumnDef, DatePart, Filter, GroupDef, Ident, Labels, ViewDef, ViewKind, WideColumnDef};
use serde_json::Value as Json;

use crate::pages::url;

/// The address of a list, taken apart.
#[derive(Debug, Clone, Default)]
pub struct Address {
    pub q: String,
    pub filter: String,
    pub sort: String,
    pub cols: String,
    pub view: String,
    pub group: String,
    pub totals: String,
    pub kind: String,
    pub at: String,
    pub span: String,
    pub after: String,
    pub n: u64,
    pub within: String,
    pub level: usize,
    pub only: String,
    /// `param.NAME` and its answer, in order.
    pub params: Vec<(String, String)>,
    /// `ask.NAME` and what a parameter is called where it is asked.
    pub asks: Vec<(String, String)>,
}

/// Says that there shall be none of what the view has.
pub const NONE: &str = "-";

impl Address {
    pub fn read(pairs: &[(String, String)]) -> Self {
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
        Self {
            q: get("q"),
            filter: get("filter"),
            sort: get("sort"),
            cols: get("cols"),
            view: get("view"),
            group: get("group"),
            totals: get("totals"),
            kind: get("kind"),
            at: get("at"),
            span: get("span"),
            after: get("after"),
            n: get("n").parse().unwrap_or_default(),
            within: get("within"),
            level: get("level").parse().unwrap_or_default(),
            only: get("only"),
            params: pairs.iter().filter(|(key, value)| key.starts_with("param.") && !value.trim().is_empty()).cloned().collect(),
            asks: pairs.iter().filter(|(key, value)| key.starts_with("ask.") && !value.trim().is_empty()).cloned().collect(),
        }
    }

    /// Names and values as they stand in the address, with the part of the list it is about left out.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        let own = [("view", &self.view), ("q", &self.q), ("filter", &self.filter), ("sort", &self.sort), ("cols", &self.cols), ("group", &self.group), ("totals", &self.totals), ("kind", &self.kind), ("at", &self.at), ("span", &self.span)];
        own.into_iter().map(|(name, value)| (name, value.as_str())).chain(self.params.iter().chain(&self.asks).map(|(name, value)| (name.as_str(), value.as_str()))).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The address under a path.
    pub fn url(&self, path: &str) -> String {
        url(path, &self.pairs())
    }

    pub fn url_with(&self, path: &str, more: &[(&str, &str)]) -> String {
        url(path, &[&self.pairs()[..], more].concat())
    }

    /// The filter of the groups around a part of the list.
    pub fn within(&self) -> Result<Option<Json>, AppError> {
        match self.within.as_str() {
            "" => Ok(None),
            text => serde_json::from_str(text).map(Some).map_err(|error| AppError::malformed("bad_filter", format!("the filter is no JSON: {error}"))),
        }
    }

    /// Only the view, and what was answered to it.
    pub fn reset(&self) -> Self {
        Self { view: self.view.clone(), params: self.params.clone(), ..Self::default() }
    }

    /// What was answered to the view's parameters.
    pub fn answers(&self) -> Answers {
        Answers::from_url(&self.params)
    }

    /// A view with what the address says in the place of what it says.
    pub fn over(&self, mut def: ViewDef) -> Result<ViewDef, AppError> {
        if !self.filter.is_empty() {
            let json: Json = serde_json::from_str(&self.filter).map_err(|error| AppError::malformed("bad_filter", format!("the filter is no JSON: {error}")))?;
            let filter = Filter::from_json(&json).map_err(|error| AppError::malformed("bad_filter", error.message))?;
            def.filter = (filter != Filter::always()).then_some(filter);
        }
        if !self.sort.is_empty() {
            def.sort = Some(self.sort.clone());
        }
        if !self.cols.is_empty() {
            def.columns = names(&self.cols).map(column).collect();
        }
        if !self.group.is_empty() {
            def.group_by = names(&self.group).map(group).collect();
        }
        if !self.totals.is_empty() {
            let total = |name: &str| name.rsplit_once(':').and_then(|(field, function)| Some((field.to_owned(), word::<Aggregate>(function)?)));
            def.totals = names(&self.totals).filter_map(total).collect();
        }
        let (kind, by) = self.kind.split_once(':').map_or((self.kind.as_str(), None), |(kind, by)| (kind, Some(by.to_owned())));
        if let Some(kind) = word::<ViewKind>(kind) {
            // Drawn another way, the view's own field may not fit.
            def.by = by.or_else(|| def.by.take().filter(|_| def.kind == kind));
            def.kind = kind;
        }
        for (name, label) in &self.asks {
            if let Ok(name) = Ident::new(name.trim_start_matches("ask.")) {
                def.parameters.entry(name).or_default().labels = Labels::english(label);
            }
        }
        Ok(def)
    }
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != NONE)
}

fn word<T: for<'de> serde::Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_value(Json::from(text)).ok()
}

fn column(text: &str) -> ColumnDef {
    let wide = text.rsplit_once(':').and_then(|(field, width)| Some(WideColumnDef { field: field.to_owned(), width: width.parse().ok()? }));
    wide.map_or_else(|| ColumnDef::Path(text.to_owned()), ColumnDef::Wide)
}

/// A field, and behind colons in any order: a span of time, a level of a tree, an order.
pub fn group(text: &str) -> GroupDef {
    let mut parts = text.split(':').map(str::trim);
    let mut group = GroupDef { field: parts.next().unwrap_or_default().to_owned(), by: None, level: None, order: None };
    for part in parts.filter(|part| !part.is_empty()) {
        match (word::<DatePart>(part), part.parse()) {
            (Some(by), _) => group.by = Some(by),
            (None, Ok(level)) => group.level = Some(level),
            (None, Err(_)) => group.order = Some(part.to_owned()),
        }
    }
    group
}

/// The level as it stands in an address.
pub fn group_text(group: &GroupDef) -> String {
    let by = group.by.map(|by| format!(":{}", by.name())).unwrap_or_default();
    let level = group.level.map(|level| format!(":{level}")).unwrap_or_default();
    let order = group.order.as_ref().filter(|order| *order != "value").map(|order| format!(":{order}")).unwrap_or_default();
    format!("{}{by}{level}{order}", group.field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(query: &str) -> Address {
        Address::read(&form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>())
    }

    fn view() -> ViewDef {
        serde_json::from_str(r#"{"id": "v", "columns": ["name"], "filter": {"field": "stage", "op": "is", "value": "lead"}, "sort": "name", "group_by": [{"field": "stage"}], "kind": "board", "by": "stage"}"#).expect("a view")
    }

    #[test]
    fn what_the_address_says_takes_the_place_of_the_view() {
        let over = address("cols=name:240,a(b).c&filter=%7B%22all%22%3A%5B%5D%7D&sort=-date&group=industry:2,date:month:-count&totals=total:sum,x:nonsense&kind=calendar:date").over(view()).expect("fits");
        let json = serde_json::to_value(&over).expect("json");
        assert_eq!(json, serde_json::json!({
            "id": "v", "columns": [{"field": "name", "width": 240}, "a(b).c"], "sort": "-date", "group_by": [{"field": "industry", "level": 2}, {"field": "date", "by": "month", "order": "-count"}], "totals": {"total": "sum"}, "kind": "calendar", "by": "date"
        }));
    }

    #[test]
    fn what_it_does_not_say_the_view_says_and_a_dash_says_none() {
        assert_eq!(address("q=x&view=v").over(view()).expect("fits"), view());
        assert!(address("group=-").over(view()).expect("fits").group_by.is_empty());
        assert_eq!(address("kind=table").over(view()).expect("fits").by, None);
        assert!(address("filter=nonsense").over(view()).is_err());
    }

    #[test]
    fn an_address_is_written_as_it_was_read() {
        let text = "view=v&q=x&sort=-a&cols=name%3A240&param.since=2026-01-01&param.who=1&param.who=2";
        assert_eq!(address(text).url("/c/order"), format!("/c/order?{text}"));
    }

    #[test]
    fn levels_are_written_as_they_were_read() {
        for text in ["customer", "date:month", "date:week:-value", "category:2", "customer.industry:-total.sum", "category:1:count"] {
            assert_eq!(group_text(&group(text)), text);
        }
    }
}
