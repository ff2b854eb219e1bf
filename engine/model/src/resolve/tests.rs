use serde_json::{Value as Json, json};

use crate::{Catalog, Condition, Filter, Ident, Operand, RowSource, Scopes, TableRef, Term, Value, check_filter, plant::plant};

fn ident(text: &str) -> Ident {
    Ident::new(text).expect("a key")
}

fn term(term: &Term) -> String {
    match term {
        Term::Value(Value::Text(text)) => format!("'{text}'"),
        Term::Value(Value::Decimal(number)) => number.normalize().to_string(),
        Term::Value(Value::Int(number)) => number.to_string(),
        Term::Value(Value::Date(date)) => date.to_string(),
        Term::Value(Value::Bool(flag)) => flag.to_string(),
        Term::Value(value) => format!("{value:?}"),
        Term::Variable(variable) => format!("@{variable:?}"),
    }
}

fn shown(condition: &Condition) -> String {
    let list = |parts: &[Condition]| parts.iter().map(shown).collect::<Vec<_>>().join(", ");
    match condition {
        Condition::All(parts) => format!("all({})", list(parts)),
        Condition::Any(parts) => format!("any({})", list(parts)),
        Condition::Not(part) => format!("not({})", shown(part)),
        Condition::Unknown => "unknown".into(),
        Condition::Related(related) => {
            let rows = match &related.rows {
                RowSource::Child { table } => table.to_string(),
                RowSource::Pointing { table, by } => format!("{table} by {by}"),
            };
            format!("{} {rows} with {}", if related.wanted { "has" } else { "has no" }, shown(&related.condition))
        }
        Condition::Test(test) => {
            let operand = match &test.operand {
                Operand::None => String::new(),
                Operand::One(one) => format!(" {}", term(one)),
                Operand::Many(many) => format!(" [{}]", many.iter().map(term).collect::<Vec<_>>().join(", ")),
                Operand::Range(from, to) => format!(" {}..{}", term(from), term(to)),
                Operand::Period(period) => format!(" {period:?}"),
                Operand::Folders { folders, .. } => format!(" folders {folders:?}"),
                Operand::Shared { with, .. } => format!(" shared {with:?}"),
            };
            format!("{} {}{operand}", test.path, test.op.name())
        }
    }
}

fn resolved(catalog: &Catalog, at: &Scopes, filter: &Json) -> String {
    let read = Filter::from_json(filter).and_then(|filter| check_filter(catalog, at, &filter));
    match read {
        Ok(condition) => shown(&condition),
        Err(error) => format!("{}: {}", error.pointer, error.message),
    }
}

#[track_caller]
fn check(card: &str, filter: Json, expected: &str) {
    assert_eq!(resolved(&plant(), &Scopes::of(TableRef::card(&ident(card))), &filter), expected);
}

#[track_caller]
fn check_test(field: &str, op: &str, value: Json, expected: &str) {
    check(if field.starts_with("f:") { "firm" } else { "job" }, json!({"field": field.trim_start_matches("f:"), "op": op, "value": value}), expected);
}

#[test]
fn values_are_read_to_the_fields_kind() {
    check_test("no", "is", json!("  A-1 "), "no is 'A-1'");
    check_test("total", "gt", json!("1.005"), "total gt 1.005");
    check_test("total", "gt", json!(10), "total gt 10");
    check_test("stars", "gte", json!("3"), "stars gte 3");
    check_test("done", "is", json!(true), "done is true");
    check_test("date", "before", json!("2026-11-24"), "date before 2026-11-24");
    check_test("seen", "after", json!("2026-11-24"), "seen after 2026-11-24");
    check_test("f:place.city", "starts_with", json!("Par"), "place.city starts_with 'Par'");
    check_test("firm", "in_folder", json!("0195f6a0-0000-7000-8000-000000000001"), "firm in_folder folders [0195f6a0-0000-7000-8000-000000000001]");
    check_test("firm", "in_folder", json!("Key accounts"), "/value: `\"Key accounts\"` is no folder; `in_folder` takes the id of one");
    check_test("firm", "in_folder", json!([]), "unknown");
    check_test("lines.due", "between", json!(["2026-01-01", "@today"]), "lines.due between 2026-01-01..@Today");
}

#[test]
fn names_lead_through_links_child_tables_and_live_fetches() {
    check_test("firm.region.name", "is", json!("east"), "firm.region.name is 'east'");
    check_test("level", "is", json!("a"), "firm.level is 'a'");
    check_test("source(firm).staff", "gt", json!(3), "source(firm).staff gt 3");
    check_test("owner.name", "contains", json!("li"), "owner.name contains 'li'");
    check_test("frim.name", "is", json!("x"), "/field: `job` has no field `frim`; did you mean `firm`?");
    check_test("id.name", "is", json!("x"), "/field: `id` is the record itself and leads nowhere; name its fields directly");
    check_test("source.name", "is", json!("x"), "/field: `source` may point to several cards; say which: `source(firm).…`");
    for hostile in ["t0.no", "no\"", "f_no", "no; --", "lines", "", "c_job.no", "no.no", "firm..name", "(firm)"] {
        let said = resolved(&plant(), &Scopes::of(TableRef::card(&ident("job"))), &json!({"field": hostile, "op": "is", "value": "x"}));
        assert!(said.starts_with("/field: "), "{hostile:?} gave {said}");
    }
}

#[test]
fn live_fetches_are_followed_wherever_they_stand() {
    let files = |extra: &str| {
        let card = format!(r#"{{"key": "node", "tree": {{"parent": "parent"}}, "fields": {{"name": {{"type": "text"}}, "parent": {{"type": "link", "target": "node"}},
            "spot": {{"type": "address"}}, "grand": {{"type": "link", "target": "node", "fetch": {{"path": "parent.parent", "mode": "live"}}}},
            "town": {{"type": "text", "fetch": {{"path": "parent.spot.city", "mode": "live"}}}}{extra}}}}}"#);
        crate::load::Files::from([("pack.json".to_owned(), br#"{"id": "p", "version": "1.0.0"}"#.to_vec()), ("cards/node.json".to_owned(), card.into_bytes())])
    };
    let (source, _) = crate::load::read_pack(files(""));
    let (catalog, found) = crate::build::build(&[source], 1);
    let catalog = catalog.unwrap_or_else(|| panic!("{found:?}"));
    let told = |name: &str| crate::path::resolve(&catalog, &TableRef::card(&ident("node")), name).map_or_else(|error| error.message, |path| path.to_string());
    assert_eq!(told("grand.name"), "parent.parent.name");
    assert_eq!(told("grand.grand.spot.city"), "parent.parent.parent.parent.spot.city");
    assert_eq!(told("grand.town"), "parent.parent.parent.spot.city");
    assert_eq!(told("town.x"), "nothing follows `town` in `town.x`");
    let round = r#", "round": {"type": "text", "fetch": {"path": "parent.round", "mode": "live"}}"#;
    let (source, _) = crate::load::read_pack(files(round));
    let (_, found) = crate::build::build(&[source], 1);
    assert!(found.iter().any(|finding| finding.message.contains("fetches through more than")), "{found:?}");
}

#[test]
fn secret_fields_are_never_asked_for() {
    check_test("f:key_code", "starts_with", json!("a"), "/field: `key_code` is secret and cannot be asked for");
    check_test("helper.pin", "empty", Json::Null, "/field: `helper.pin` is secret and cannot be asked for");
}

#[test]
fn operators_fit_kinds_or_the_message_says_which_do() {
    check_test("done", "contains", json!("x"), "/op: `contains` does not fit `done`, a boolean; fitting are is, is_not, empty, not_empty");
    check_test("seen", "anniversary_in", json!("this_week"), "/op: `anniversary_in` does not fit `seen`, a datetime; fitting are in, is, is_not, before, after, gt, gte, lt, lte, between, any_of, none_of, empty, not_empty");
    check_test("f:logo", "is", json!("x"), "/op: `is` does not fit `logo`, a image; fitting are empty, not_empty");
    check_test("no", "like", json!("x"), "/op: `like` is no operator; one of is, is_not, any_of, none_of, empty, not_empty, contains, not_contains, starts_with, ends_with, gt, gte, lt, lte, between, before, after, in, under, in_folder, anniversary_in");
}

#[test]
fn choices_are_known_and_contain_whole_values_only() {
    check_test("f:tags", "contains", json!("toys"), "tags is 'toys'");
    check_test("f:tags", "not_contains", json!("toys"), "tags is_not 'toys'");
    check_test("f:tags", "any_of", json!(["toys", "gifts"]), "tags any_of ['toys', 'gifts']");
    check_test("f:level", "is", json!("b"), "/value: `b` is not one of the options of `level`; did you mean `a`?");
    check_test("f:level", "is", json!("nothing like it"), "/value: `nothing like it` is not one of the options of `level`; they are a, ab, c");
}

#[test]
fn wrong_values_are_told_with_what_would_be_right() {
    check_test("date", "is", json!("24.11.2026"), "/value: A date such as 2026-11-24 is wanted here. (found `\"24.11.2026\"`)");
    check_test("date", "in", json!("last_fortnight"), "/value: `\"last_fortnight\"` is no period; such as today, this_month, last_quarter, next_week, last_30_days, next_7_days");
    check_test("total", "between", json!(["1"]), "/value: `between` takes a list of two: [from, to]");
    check_test("no", "is", Json::Null, "/value: `is` takes a value; use `empty` to ask for nothing");
    check_test("no", "is", json!(" "), "/value: an empty value cannot be compared; use `empty` to ask for nothing");
    check_test("firm", "is", json!("7"), "/value: A record is wanted here. (found `\"7\"`)");
}

#[test]
fn an_empty_list_is_unknown() {
    check_test("no", "any_of", json!([]), "unknown");
    check_test("no", "none_of", json!([]), "unknown");
    check("firm", json!({"field": "region", "op": "under", "value": []}), "unknown");
    check("job", json!({"not": {"field": "no", "op": "any_of", "value": []}}), "not(unknown)");
    check("job", json!({"all": []}), "all()");
}

#[test]
fn a_place_in_a_tree_is_asked_of_trees() {
    let id = "0195f6a0-0000-7000-8000-000000000001";
    let many = format!("[Id({id})]");
    check_test("f:region", "under", json!(id), &format!("region under {many}"));
    check_test("firm.region", "under", json!(id), &format!("firm.region under {many}"));
    check("region", json!({"field": "id", "op": "under", "value": id}), &format!("id under {many}"));
    check_test("firm", "under", json!(id), "/op: `under` asks for a place in a tree, and what `firm` points to is none");
}

#[test]
fn variables_fit_the_field_they_are_compared_with() {
    check_test("owner", "is", json!("@me"), "owner is @Me");
    check_test("helper", "is", json!("@me.worker"), "helper is @Bound(\"worker\")");
    check_test("date", "is", json!("@now"), "date is @Now");
    check_test("helper", "is", json!("@me"), "/value: `@me` points to `user`, but `helper` points to `worker`");
    check_test("helper", "is", json!("@me.unit"), "/value: `@me.unit` points to `unit`, but `helper` points to `worker`");
    check_test("total", "gt", json!("@today"), "/value: `@today` is a day and cannot be compared with `total`, a money");
    check_test("date", "before", json!("@record.date"), "/value: there is no `@record` here");
    check_test("date", "before", json!("@tomorow"), "/value: `@tomorow` is no variable; known are @me, @me.NAME, @today, @now, @record.FIELD, @row.FIELD, @param.NAME");
}

#[test]
fn texts_may_begin_with_an_at() {
    check_test("f:mail", "ends_with", json!("@example.com"), "mail ends_with '@example.com'");
    check_test("f:mail", "is", json!("@@today"), "mail is '@today'");
    check_test("f:mail", "is", json!("@today"), "/value: `@today` is a day and cannot be compared with `mail`, a email");
}

#[test]
fn related_rows_are_child_rows_or_records_that_point_here() {
    check("job", json!({"related": "lines", "has": {"field": "due", "op": "before", "value": "@record.date"}}), "has job.lines with due before @Outer(Path { start: TableRef { card: \"job\", child: None }, hops: [], leaf: \"date\", part: None, end: TableRef { card: \"job\", child: None } })");
    check("job", json!({"related": "lines", "has": {"field": "item", "op": "contains", "value": "@record.no"}}), "/has/value: `@record.no` cannot stand here: one stored value is wanted, compared by is, is_not, gt, gte, lt, lte, before or after");
    check("job", json!({"related": "bill.job", "has_not": {"all": []}}), "has no bill by job with all()");
    check("firm", json!({"related": "job.lines", "by": "job.firm", "has": {"field": "item", "op": "is", "value": "x"}}), "has job.lines by job.firm with item is 'x'");
    check("firm", json!({"related": "job.lines", "has": {"all": []}}), "/related: `job.lines` are child rows of other records; say how they lead here: \"by\": \"job.LINK\" (rows of `lines`)");
    check("firm", json!({"related": "bill.job", "has": {"all": []}}), "/related: `job` of `bill` does not point to `firm`");
    check("job", json!({"related": "bil.job", "has": {"all": []}}), "/related: `bil.job` is neither a child table of `job` nor `card.link`; did you mean `bill`?");
    check("job", json!({"related": "bill", "has": {"all": []}}), "/related: say which link of `bill` points here: `bill.LINK`");
}

#[test]
fn unknown_parts_of_a_filter_are_refused() {
    check("job", json!({"field": "no", "op": "is", "value": "x", "lookup": 1}), ": `lookup` is no part of a filter; known are all, any, not, field, op, value, related, by, has, has_not");
    check("job", json!({"all": [], "op": "is"}), ": `op` means nothing beside `all`");
    check("job", json!({"all": [], "any": []}), ": a filter names only one of all, any; join them with `all`");
    check("job", json!({"all": [{"field": "no"}]}), "/all/0: `op` is missing; one of is, is_not, any_of, none_of, empty, not_empty, contains, not_contains, starts_with, ends_with, gt, gte, lt, lte, between, before, after, in, under, in_folder, anniversary_in");
    check("job", json!([]), ": a filter is an object such as {\"field\": \"name\", \"op\": \"is\", \"value\": \"x\"}");
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = (0..20).fold(json!({"all": []}), |inner, _| json!({"not": inner}));
    assert!(resolved(&plant(), &Scopes::of(TableRef::card(&ident("job"))), &deep).ends_with("nested deeper than 16 levels"));
    let wide = json!({"any": vec![json!({"all": []}); 600]});
    assert!(resolved(&plant(), &Scopes::of(TableRef::card(&ident("job"))), &wide).ends_with("more than 500 parts"));
    let long = json!({"field": "no", "op": "any_of", "value": vec!["x"; 6_000]});
    check("job", long, "/value: the filter compares with more than 5000 values");
}

#[test]
fn periods_are_words() {
    for good in ["today", "yesterday", "tomorrow", "this_week", "last_month", "next_quarter", "this_year", "last_30_days", "next_1_week", "last_2_quarters"] {
        assert!(super::period(good).is_some(), "{good}");
    }
    for bad in ["", "this_day", "this_weeks", "last_0_days", "last_-1_days", "last_+1_days", "last_99999_days", "next_days", "today_", "last_1.5_days"] {
        assert!(super::period(bad).is_none(), "{bad}");
    }
}
