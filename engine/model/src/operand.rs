//! What a test compares with: values read to the field's kind, variables that fit it, periods.
//!
//! **Not here:** which operators fit which field (`resolve`), what variables stand for (`query::bind`).

use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    Catalog, DecimalKind, Field, FieldKind, FileKind, FilterError, Ident, Op, Operand, OptionDef, Path, Period, SpanUnit, TableRef, Term, TextFlavour, TextKind,
    USER_CARD, Value, Variable, nearest, path,
    resolve::{self, Within},
    types,
};

/// The words that begin a variable. `@example.com` is a text like any other.
const VARIABLES: [&str; 6] = ["me", "today", "now", "record", "row", "param"];

/// Reads the operand of one test.
pub(crate) struct Reader<'a> {
    pub catalog: &'a Catalog,
    pub at: &'a Within<'a>,
    /// The field compared, and its name as written.
    pub path: &'a Path,
    pub field: &'a Field,
    pub name: &'a str,
    pub op: Op,
    /// Where the value stands in the filter.
    pub here: String,
}

impl Reader<'_> {
    /// `None` is unknown: an empty list.
    pub fn operand(&self, value: &Json) -> Result<Option<Operand>, FilterError> {
        match self.op {
            Op::Empty | Op::NotEmpty => Ok(Some(Operand::None)),
            // Which period is asked when the question is run.
            Op::In | Op::AnniversaryIn if value.as_str().is_some_and(|text| text.starts_with("@param.")) => Ok(None),
            Op::In | Op::AnniversaryIn => match value.as_str().and_then(period) {
                Some(period) => Ok(Some(Operand::Period(period))),
                None => self.wrong(format!("{} is no period; such as today, this_month, last_quarter, next_week, last_30_days, next_7_days", shown(value))),
            },
            Op::InFolder => self.folders(value),
            Op::Between => match value.as_array().map(Vec::as_slice) {
                Some([from, to]) => Ok(Some(Operand::Range(self.term(from)?, self.term(to)?))),
                _ => self.wrong("`between` takes a list of two: [from, to]"),
            },
            Op::AnyOf | Op::NoneOf | Op::Under => match value {
                Json::Array(items) if items.is_empty() => Ok(None),
                Json::Array(items) => Ok(Some(Operand::Many(items.iter().map(|item| self.term(item)).collect::<Result<_, _>>()?))),
                single => Ok(Some(Operand::Many(vec![self.term(single)?]))),
            },
            _ if value.is_null() => self.wrong(format!("`{}` takes a value; use `empty` to ask for nothing", self.op.name())),
            _ => Ok(Some(Operand::One(self.term(value)?))),
        }
    }

    /// One folder or several, by their ids. Which one may also be asked when the question is run.
    fn folders(&self, value: &Json) -> Result<Option<Operand>, FilterError> {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let mut folders = Vec::with_capacity(items.len());
        for item in items {
            match item.as_str() {
                Some(text) if text.starts_with("@param.") => return Ok(None),
                Some(text) => match Uuid::try_parse(text) {
                    Ok(id) => folders.push(id),
                    Err(_) => return self.wrong(format!("{} is no folder; `in_folder` takes the id of one", shown(item))),
                },
                None => return self.wrong("`in_folder` takes the id of a folder, or a list of them"),
            }
        }
        Ok((!folders.is_empty()).then_some(Operand::Folders { folders, reader: None }))
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Result<T, FilterError> {
        Err(FilterError { pointer: self.here.clone(), message: message.into() })
    }

    fn term(&self, value: &Json) -> Result<Term, FilterError> {
        match value.as_str().and_then(|text| text.strip_prefix('@')) {
            // `@@today` is the text `@today`.
            Some(rest) if rest.starts_with('@') => self.literal(&Json::from(rest)),
            Some(rest) if self.is_variable(rest) => self.variable(rest).map(Term::Variable),
            _ => self.literal(value),
        }
    }

    /// What looks like a variable is one, unless a text is wanted and no variable begins like that.
    fn is_variable(&self, rest: &str) -> bool {
        let head = rest.split('.').next().unwrap_or(rest);
        VARIABLES.contains(&head) || !matches!(self.wanted(), FieldKind::Text(_) | FieldKind::Formula { .. })
    }

    /// The kind a value must have. Parts of texts need not be whole values.
    fn wanted(&self) -> FieldKind {
        match self.op {
            Op::Contains | Op::NotContains | Op::StartsWith | Op::EndsWith => any_text(),
            _ => resolve::kind_of(self.path, self.field),
        }
    }

    fn literal(&self, value: &Json) -> Result<Term, FilterError> {
        let wanted = self.wanted();
        let read = match &wanted {
            // A moment may be asked for by its day.
            FieldKind::Datetime if value.as_str().is_some_and(|text| text.trim().len() == 10) => types::read_json(&FieldKind::Date, value),
            FieldKind::Link(_) | FieldKind::AnyLink { .. } => types::read_json(&any_pointer(), value),
            FieldKind::Choice { .. } | FieldKind::Text(_) | FieldKind::Colour | FieldKind::Formula { .. } => types::read_json(&any_text(), value),
            FieldKind::Decimal(settings) => types::read_json(&FieldKind::Decimal(DecimalKind { scale: 9, ..settings.clone() }), value),
            kind => types::read_json(kind, value),
        };
        match read {
            Ok(Value::Empty) => self.wrong("an empty value cannot be compared; use `empty` to ask for nothing"),
            Ok(value) => {
                if let (FieldKind::Choice { options, .. }, Some(text)) = (&wanted, value.as_text()) {
                    self.known_option(options, text)?;
                }
                Ok(Term::Value(value))
            }
            Err(violation) => self.wrong(format!("{} (found {})", violation.message("en"), shown(value))),
        }
    }

    fn known_option(&self, options: &[OptionDef], text: &str) -> Result<(), FilterError> {
        if options.iter().any(|option| option.value == text) {
            return Ok(());
        }
        let names: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
        let near = nearest(text, names.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        let known = || if names.is_empty() { String::new() } else { format!("; they are {}", names.iter().take(20).copied().collect::<Vec<_>>().join(", ")) };
        self.wrong(format!("`{text}` is not one of the options of `{}`{}", self.name, near.unwrap_or_else(known)))
    }

    fn variable(&self, name: &str) -> Result<Variable, FilterError> {
        let (head, rest) = name.split_once('.').map_or((name, None), |(head, rest)| (head, Some(rest)));
        let resolved = |table: &Option<TableRef>, rest: &str| match table {
            Some(table) => path::resolve(self.catalog, table, rest).map_err(|error| FilterError { pointer: self.here.clone(), message: format!("`@{name}`: {}", error.message) }),
            None => self.wrong(format!("there is no `@{head}` here")),
        };
        let key = |rest: &str| Ident::new(rest).map_err(|error| FilterError { pointer: self.here.clone(), message: error.to_string() });
        let variable = match (head, rest) {
            ("me", None) => Variable::Me,
            ("me", Some(rest)) => Variable::Bound(key(rest)?),
            ("today", None) => Variable::Today,
            ("now", None) => Variable::Now,
            ("record", Some(rest)) if self.at.scopes.record.is_none() && self.at.outer.is_some() => Variable::Outer(self.stored("record", resolved(&self.at.outer, rest)?)?),
            ("record", Some(rest)) => Variable::Record(resolved(&self.at.scopes.record, rest)?),
            ("row", Some(rest)) if self.at.scopes.row.is_none() && self.at.outer.is_some() => Variable::Same(self.stored("row", resolved(&Some(self.at.table.clone()), rest)?)?),
            ("row", Some(rest)) => Variable::Row(resolved(&self.at.scopes.row, rest)?),
            ("param", Some(rest)) => Variable::Param(key(rest)?),
            _ => return self.wrong(format!("`@{name}` is no variable; known are @me, @me.NAME, @today, @now, @record.FIELD, @row.FIELD, @param.NAME")),
        };
        self.check_variable(name, &variable)?;
        Ok(variable)
    }

    /// Of a record or row that is asked about there is one value, compared as it is stored.
    fn stored(&self, head: &str, path: Path) -> Result<Path, FilterError> {
        let field = path.field(self.catalog);
        let plain = field.is_some_and(|field| field.column().is_some() && !field.secret) && !path.is_many() && path.part.is_none();
        let compared = matches!(self.op, Op::Is | Op::IsNot | Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Before | Op::After);
        if !plain || !compared || head == "row" && self.path.is_many() {
            return self.wrong(format!("`@{head}.{path}` cannot stand here: one stored value is wanted, compared by is, is_not, gt, gte, lt, lte, before or after"));
        }
        let is_day = |kind: &FieldKind| matches!(kind, FieldKind::Date);
        let days = field.is_some_and(|field| is_day(&field.kind)) == is_day(&self.field.kind);
        if days { Ok(path) } else { self.wrong(format!("a day and a moment, `{}` and `@{head}.{path}`, cannot be compared here", self.name)) }
    }

    /// A variable that can never be equal to the field is a mistake in the filter, not a condition that is never true.
    fn check_variable(&self, name: &str, variable: &Variable) -> Result<(), FilterError> {
        let Some(found) = self.kind_of_variable(variable) else { return Ok(()) };
        let wanted = self.wanted();
        if family(&found.kind) != family(&wanted) {
            let field = format!("`{}`, a {}", self.name, self.field.kind_name());
            return self.wrong(format!("`@{name}` is {} and cannot be compared with {field}", found.words));
        }
        let own = targets(self.path, &wanted);
        match (own.as_slice(), found.targets.as_slice()) {
            ([], _) | (_, []) => Ok(()),
            (own, others) if own.iter().any(|target| others.contains(target)) => Ok(()),
            (own, others) => self.wrong(format!("`@{name}` points to `{}`, but `{}` points to `{}`", others[0], self.name, own[0])),
        }
    }

    fn kind_of_variable(&self, variable: &Variable) -> Option<Found> {
        let user = || Ident::new(USER_CARD).into_iter().collect::<Vec<_>>();
        let of_path = |path: &Path| {
            let field = path.field(self.catalog)?;
            let kind = resolve::kind_of(path, field);
            Some(Found { targets: targets(path, &kind), kind, words: format!("a {}", field.kind_name()) })
        };
        match variable {
            Variable::Me => Some(Found { kind: any_pointer(), targets: user(), words: "a user".into() }),
            Variable::Today => Some(Found { kind: FieldKind::Date, targets: Vec::new(), words: "a day".into() }),
            Variable::Now => Some(Found { kind: FieldKind::Datetime, targets: Vec::new(), words: "a moment".into() }),
            Variable::Record(path) | Variable::Row(path) | Variable::Outer(path) | Variable::Same(path) => of_path(path),
            Variable::Bound(name) => {
                let binding = self.catalog.bindings.get(name)?;
                match &binding.path {
                    Some(path) => of_path(path),
                    None => Some(Found { kind: any_pointer(), targets: vec![binding.card.clone()], words: format!("a `{}`", binding.card) }),
                }
            }
            Variable::Param(_) => None,
        }
    }
}

/// What a variable stands for, as far as definitions say.
struct Found {
    kind: FieldKind,
    targets: Vec<Ident>,
    words: String,
}

/// The cards that what stands at the end of a path may point to.
fn targets(path: &Path, kind: &FieldKind) -> Vec<Ident> {
    match kind {
        _ if path.leaf == "id" => vec![path.end.card.clone()],
        FieldKind::Link(link) => vec![link.target.clone()],
        FieldKind::AnyLink { targets, .. } => targets.clone(),
        _ => Vec::new(),
    }
}

/// Kinds of one family can be compared with each other.
fn family(kind: &FieldKind) -> u8 {
    match kind {
        FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::Colour | FieldKind::Choice { .. } => 0,
        FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Rating { .. } | FieldKind::Duration => 1,
        FieldKind::Date | FieldKind::Datetime => 2,
        FieldKind::Time => 3,
        FieldKind::Boolean => 4,
        FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_) => 5,
        FieldKind::RichText | FieldKind::Address | FieldKind::Geo | FieldKind::Json { .. } => 6,
    }
}

fn any_text() -> FieldKind {
    FieldKind::Text(TextKind { flavour: TextFlavour::LongText, min: 0, max: 100_000, pattern: None })
}

/// Any single pointer; which card it must be of is a matter of the data.
fn any_pointer() -> FieldKind {
    FieldKind::File(FileKind { image: false, multiple: false, max_size: None, types: Vec::new() })
}

fn shown(value: &Json) -> String {
    let text: String = value.to_string().chars().take(60).collect();
    format!("`{text}`")
}

/// `today`, `last_month`, `next_7_days` …
pub fn period(text: &str) -> Option<Period> {
    let unit = |word: &str| match word.strip_suffix('s').unwrap_or(word) {
        "day" => Some(SpanUnit::Day),
        "week" => Some(SpanUnit::Week),
        "month" => Some(SpanUnit::Month),
        "quarter" => Some(SpanUnit::Quarter),
        "year" => Some(SpanUnit::Year),
        _ => None,
    };
    let parts: Vec<&str> = text.split('_').collect();
    match parts.as_slice() {
        ["today"] => Some(Period::Today),
        ["yesterday"] => Some(Period::Yesterday),
        ["tomorrow"] => Some(Period::Tomorrow),
        [which @ ("this" | "last" | "next"), word] if *word != "day" && !word.ends_with('s') => {
            let offset = match *which { "this" => 0, "last" => -1, _ => 1 };
            Some(Period::Span { unit: unit(word)?, offset })
        }
        [which @ ("last" | "next"), count, word] => {
            let digits = count.bytes().all(|byte| byte.is_ascii_digit());
            let count = count.parse::<u32>().ok().filter(|count| digits && (1..=10_000).contains(count))?;
            Some(Period::Rolling { unit: unit(word)?, count, forward: *which == "next" })
        }
        _ => None,
    }
}
