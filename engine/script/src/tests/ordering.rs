use super::*;

/// Fields as `name: reads…`, and their names in order.
#[track_caller]
fn check_order(fields: &[&str], expected: &str) {
    let parse = |field: &&str| {
        let (name, reads) = field.split_once(':').expect("a name and what it reads");
        (name.to_owned(), reads.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let fields: Vec<_> = fields.iter().map(parse).collect();
    let found = match order(&fields) {
        Ok(places) => places.into_iter().map(|place| fields[place].0.as_str()).collect::<Vec<_>>().join(" "),
        Err(cycle) => cycle.to_string(),
    };
    assert_eq!(found, expected);
}

#[test]
fn what_is_needed_comes_first() {
    check_order(&[], "");
    check_order(&["b: a", "a: x"], "a b");
    check_order(&["c: b", "b: a", "a:"], "a b c");
    check_order(&["z: x", "y: x", "x:"], "x z y");
    check_order(&["open: total received", "total: lines.amount", "lines.amount: lines.price"], "lines.amount total open");
    check_order(&["total: lines.*", "lines.amount: lines.price", "lines.price:"], "lines.price lines.amount total");
    check_order(&["a: link.name", "link:"], "link a");
    check_order(&["lines_total: lines", "lines:"], "lines lines_total");
}

#[test]
fn a_circle_is_shown_whole() {
    check_order(&["a: a"], "the computed fields need one another in a circle: a → a");
    check_order(&["x: a", "a: b", "b: c", "c: a"], "the computed fields need one another in a circle: a → b → c → a");
    check_order(&["total: lines.*", "lines.share: total"], "the computed fields need one another in a circle: total → lines.share → total");
}

/// Five hundred fields, each needing the next.
#[test]
fn a_long_chain_is_no_trouble() {
    let fields: Vec<_> = (0..500).map(|index| (format!("f{index}"), vec![format!("f{}", index + 1)])).collect();
    let sorted = order(&fields).expect("no circle");
    assert_eq!((sorted[0], sorted[499]), (499, 0));
}
