use super::*;
use serde_json::json;

fn draft(filter: Json) -> Draft {
    Draft::of(Some(&Filter::from_json(&filter).expect("a filter")))
}

fn test(field: &str) -> Json {
    json!({"field": field, "op": "empty"})
}

#[test]
fn a_filter_comes_out_as_it_went_in() {
    for filter in [
        json!({"all": [test("a"), {"any": [test("b"), {"not": {"any": [test("c")]}}]}]}),
        json!({"not": {"all": [test("a"), test("b")]}}),
        json!({"any": [{"related": "lines", "has": {"all": [{"field": "x", "op": "gt", "value": 3}]}}, {"related": "order.contact", "by": "customer", "has_not": {"all": []}}]}),
    ] {
        let draft = draft(filter.clone());
        assert_eq!(draft.filter(false), Some(filter));
        assert_eq!(Draft::read(&draft.write()), draft);
    }
    assert_eq!(draft(test("a")).filter(false), Some(json!({"all": [test("a")]})));
    assert_eq!(Draft::of(None).filter(false), None);
}

#[test]
fn parts_move_up_down_in_and_out() {
    let mut draft = draft(json!({"all": [test("a"), {"any": [test("b")]}, test("c")]}));
    let steps = [
        (4, Step::In, json!({"all": [test("a"), {"any": [test("b"), test("c")]}]})),
        (4, Step::Up, json!({"all": [test("a"), {"any": [test("c"), test("b")]}]})),
        (4, Step::Up, json!({"all": [test("a"), {"any": [test("c"), test("b")]}]})),
        (4, Step::Out, json!({"all": [test("a"), {"any": [test("b")]}, test("c")]})),
        (1, Step::Down, json!({"all": [{"any": [test("b")]}, test("a"), test("c")]})),
        (1, Step::Out, json!({"all": [{"any": [test("b")]}, test("a"), test("c")]})),
    ];
    for (n, step, expected) in steps {
        draft.step(n, step);
        assert_eq!(draft.filter(false), Some(expected), "{n} {step:?}");
    }
}

#[test]
fn a_part_is_not_dropped_into_itself_or_among_fields_of_another_table() {
    let filter = json!({"all": [test("a"), {"any": [test("b")]}, {"related": "lines", "has": {"all": [test("x")]}}]});
    let mut draft = draft(filter.clone());
    draft.drop_at(2, 2, 0);
    draft.drop_at(1, 4, 0);
    draft.drop_at(5, 0, 0);
    draft.drop_at(99, 0, 0);
    assert_eq!(draft.filter(false), Some(filter));
    draft.drop_at(4, 2, 0);
    assert_eq!(draft.filter(false), Some(json!({"all": [test("a"), {"any": [{"related": "lines", "has": {"all": [test("x")]}}, test("b")]}]})));
}

#[test]
fn what_has_no_value_yet_and_groups_of_nothing_do_not_count() {
    let mut draft = draft(json!({"all": [test("a")]}));
    let group = draft.add(0, Part::Group(Group { mode: Mode::None, parts: Vec::new() })).expect("room");
    draft.add(group, Part::Test { field: "b".into(), op: "is".into(), value: Json::Null });
    assert_eq!(draft.filter(true), Some(json!({"all": [test("a")]})));
    assert_eq!(draft.filter(false), Some(json!({"all": [test("a"), {"not": {"any": [{"field": "b", "op": "is", "value": null}]}}]})));
}

#[test]
fn a_draft_is_never_deeper_than_a_filter_may_be() {
    let mut draft = Draft::default();
    let mut at = 0;
    while let Some(n) = draft.add(at, Part::Group(Group::default())) {
        draft.add(at, Part::Test { field: "a".into(), op: "empty".into(), value: Json::Null });
        at = n;
    }
    let filter = draft.filter(false).expect("groups");
    assert!(Filter::from_json(&filter).is_ok(), "{filter}");
    assert_eq!(Draft::read("nonsense"), Draft::default());
}
