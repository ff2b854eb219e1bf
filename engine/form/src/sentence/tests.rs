use model::{Filter, Ident, TableRef};
use serde_json::{Value as Json, json};

use super::*;

#[path = "../../../model/fixtures/plant.rs"]
mod plant;

const FIRM: &str = "0195f6a0-0000-7000-8000-000000000001";

fn said(lang: &str, filter: Json) -> String {
    let catalog = plant::plant();
    let locale = Locale::of(lang, chrono_tz::UTC);
    let titles = |id: &str| (id == FIRM).then(|| "Mill & Sons".to_owned());
    let sentences = Sentences { catalog: &catalog, locale: &locale, titles: &titles, parameters: &|name| (name == "since").then(|| "Since when".to_owned()) };
    let table = TableRef::card(&Ident::new("job").expect("a key"));
    sentences.of(&table, &Filter::from_json(&filter).expect("a filter"))
}

#[track_caller]
fn check(filter: Json, en: &str, hans: &str) {
    assert_eq!(said("en", filter.clone()), en);
    assert_eq!(said("zh-Hans", filter), hans);
}

#[test]
fn a_test_is_said_with_its_label_and_value() {
    check(json!({"field": "total", "op": "gt", "value": "500000"}), "Total is above 500,000.00", "Total大于500,000.00");
    check(json!({"field": "date", "op": "in", "value": "this_month"}), "Date is in this month", "Date在期间本月");
    check(json!({"field": "note", "op": "empty"}), "Note is empty", "Note为空");
    check(json!({"field": "note", "op": "contains", "value": "x and y"}), "Note contains “x and y”", "Note包含“x and y”");
    check(json!({"field": "firm", "op": "any_of", "value": [FIRM, "gone"]}), "Firm is any of Mill & Sons, …", "Firm属于Mill & Sons、…");
    check(json!({"field": "total", "op": "between", "value": ["1", "2"]}), "Total is between 1.00 – 2.00", "Total介于1.00 – 2.00");
    check(json!({"field": "takes", "op": "gte", "value": 5400}), "Takes is at least 1:30", "Takes大于等于1:30");
    check(json!({"field": "done", "op": "is", "value": true}), "Done is Yes", "Done等于是");
}

#[test]
fn a_path_is_said_step_by_step_and_many_rows_by_some_or_each() {
    check(json!({"field": "firm.region.name", "op": "is", "value": "East"}), "Firm · Region · Name is “East”", "Firm · Region · Name等于“East”");
    check(json!({"field": "lines.amount", "op": "gt", "value": "7"}), "Lines · Amount some, is above 7.00", "Lines · Amount任一大于7.00");
    check(json!({"field": "lines.item", "op": "is_not", "value": "a"}), "Lines · Item each, is not “a”", "Lines · Item均不等于“a”");
}

#[test]
fn groups_within_groups_have_one_reading() {
    let (a, b, c) = (json!({"field": "no", "op": "empty"}), json!({"field": "note", "op": "empty"}), json!({"field": "total", "op": "empty"}));
    check(json!({"all": [a, {"any": [b, c]}]}), "No is empty and (Note is empty or Total is empty)", "No为空，且（Note为空，或Total为空）");
    check(json!({"any": [{"all": [a, b]}, c]}), "(No is empty and Note is empty) or Total is empty", "（No为空，且Note为空），或Total为空");
    check(json!({"all": [{"all": [a, b]}, c]}), "(No is empty and Note is empty) and Total is empty", "（No为空，且Note为空），且Total为空");
    check(json!({"not": {"any": [a, b]}}), "not (No is empty or Note is empty)", "非（No为空，或Note为空）");
    check(json!({"not": {"not": a}}), "not (not (No is empty))", "非（非（No为空））");
    check(json!({"all": [{"any": [a]}]}), "No is empty", "No为空");
    check(json!({"all": []}), "", "");
    check(json!({"all": [a, {"any": []}]}), "No is empty and nothing", "No为空，且没有任何内容");
}

#[test]
fn related_rows_bring_their_own_condition() {
    check(json!({"related": "lines", "has": {"all": []}}), "has Lines", "有Lines");
    check(json!({"related": "lines", "has_not": {"any": [{"field": "item", "op": "empty"}, {"field": "amount", "op": "lt", "value": "1"}]}}), "has no Lines (where Item is empty or Amount is below 1.00)", "没有Lines（Item为空，或Amount小于1.00）");
}

#[test]
fn variables_and_parameters_have_words() {
    check(json!({"field": "owner", "op": "is", "value": "@me"}), "Owner is me", "负责人等于我");
    check(json!({"field": "date", "op": "after", "value": "@param.since"}), "Date is after ?Since when", "Date晚于?Since when");
    check(json!({"field": "date", "op": "before", "value": "@today"}), "Date is before today", "Date早于今天");
    check(json!({"field": "note", "op": "is", "value": "@@today"}), "Note is “@@today”", "Note等于“@@today”");
}

#[test]
fn what_does_not_resolve_is_said_as_it_is_written() {
    check(json!({"field": "gone", "op": "is", "value": 3}), "gone is 3", "gone 等于 3");
    assert_eq!(said("zh-Hant", json!({"field": "note", "op": "is", "value": "x"})), "Note等於「x」");
}
