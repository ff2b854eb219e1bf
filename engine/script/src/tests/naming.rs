use super::*;

#[track_caller]
fn reads(expr: &str, expected: &[&str]) {
    let formula = Formula::check(expr, &names()).unwrap_or_else(|error| panic!("{expr}: {error}"));
    assert_eq!(formula.reads(), expected, "{expr}");
}

#[test]
fn a_formula_knows_what_it_reads() {
    reads("quantity * price", &["price", "quantity"]);
    reads("1 + 2", &[]);
    reads("partner.limit - partner.owner.name.len()", &["partner.limit", "partner.owner.name"]);
    reads("if is_empty(partner) { 0 } else { partner.limit }", &["partner", "partner.limit"]);
    reads("lines.sum(\"amount\") + lines.count()", &["lines", "lines.amount"]);
    reads("sum(lines, \"amount\")", &["lines.amount"]);
    reads("lines.where(\"kind\", \"is\", name).max(\"due\")", &["lines.due", "lines.kind", "name"]);
    reads("lines.sum(if done { \"amount\" } else { \"amount\" })", &["done", "lines.*"]);
    reads("\"quantity\" + name // price\n/* start /* end */ count */", &["name"]);
    reads("quantity.round(2)", &["quantity"]);
    reads("switch name { \"a\" => quantity, _ => price }", &["name", "price", "quantity"]);
}

#[test]
fn names_asked_of_inputs_are_fields_paths_and_tables() {
    let formula = Formula::check("lines.sum(\"amount\") * partner.limit + quantity", &names()).expect("a formula");
    assert_eq!(formula.names(), ["lines", "partner.limit", "quantity"]);
}

#[test]
fn unknown_names_are_told_with_the_nearest() {
    check("quanttity * 2", "error: the formula names `quanttity`, which is no field; did you mean `quantity`? (line 1, column 1)");
    check("1 +\n  xyz", "error: the formula names `xyz`, which is no field (line 2, column 3)");
    check("partner.limt", "error: `partner` leads to no field `limt`; did you mean `limit`? (line 1, column 9)");
    check("quantity.limit", "error: `quantity` is no link, so `.limit` leads nowhere (line 1, column 10)");
    check("lines.amount", "error: `lines` has many rows; write `lines.sum(\"amount\")` or another of sum, avg, min, max, first, last (line 1, column 7)");
    check("lines * 2", "error: `lines` has many rows; write `lines.sum(\"…\")` or another of sum, count, avg, min, max, first, last (line 1, column 1)");
    check("lines.sum(\"amout\")", "error: the rows of `lines` have no field \"amout\"; did you mean \"amount\"? (line 1, column 11)");
    check("lines.sum(\"kind\")", "error: \"kind\" of `lines` is no number, so there is no sum of it (line 1, column 11)");
    check("lines.sum()", "error: `sum` wants the name of a field: rows.sum(\"field\") (line 1, column 7)");
    check("lines.where(\"kind\", \"is\", 1)", "error: `lines.where(…)` gives rows; go on with `.sum(\"…\")` or another of sum, count, avg, min, max, first, last (line 1, column 7)");
    check("ruond(1)", "error: there is no function `ruond`; did you mean `round(number, places)`? (line 1, column 1)");
    check("price.rond(1)", "error: there is no function `rond`; did you mean `round(number, places)`? (line 1, column 7)");
    check("quantity (2)", "error: `quantity` is a field, no function; leave out the brackets, or write a sign before them (line 1, column 1)");
    check("or(partner, 1).limit", "error: `.limit` follows no link; only linked records have fields (line 1, column 16)");
    check("yes_(1)", "error: there is no function `yes_` (line 1, column 1)");
}

/// Callers that know only the names of the record itself.
#[test]
fn names_without_kinds_are_enough() {
    let all: Vec<String> = ["quantity", "price", "lines", "partner", "count"].map(str::to_owned).into();
    let compile = |expr: &str| Formula::compile(expr, &|name| all.iter().any(|known| known == name), &all);
    let result = |expr: &str| shown(compile(expr).and_then(|formula| formula.eval(&inputs())));
    assert_eq!(result("lines.sum(\"amount\") + partner.limit"), "503.75");
    assert_eq!(result("lines.count() * count"), "21");
    assert_eq!(result("min(quantity, price)"), "0.1");
    assert_eq!(result("min(lines, \"amount\")"), "1.5");
    assert_eq!(result("quantity.max(5)"), "5");
    assert_eq!(compile("lines.sum(\"amount\")").expect("a formula").names(), ["lines"]);
    assert_eq!(compile("partner.limit").expect("a formula").names(), ["partner.limit"]);
    assert_eq!(compile("quanttity * 2").expect_err("no such name").message, "the formula names `quanttity`, which is no field; did you mean `quantity`?");
}

#[test]
fn fields_may_be_called_like_functions() {
    let known: NameList = [("count", Kind::Number), ("sum", Kind::Number), ("year", Kind::Number), ("len", Kind::Number)].into_iter().collect();
    let fields = Fields { values: ["count", "sum", "year", "len"].into_iter().map(|name| (name.to_owned(), Value::Int(2))).collect(), ..Fields::default() };
    let result = Formula::check("count + sum * year - len + len(\"abc\")", &known).expect("a formula").eval(&fields);
    assert_eq!(shown(result), "7");
}

#[test]
fn fields_may_be_called_like_words_of_rhai() {
    let known: NameList = [("package", Kind::Number), ("is", Kind::Flag), ("print", Kind::Link), ("print.module", Kind::Number)].into_iter().collect();
    let values = [("package", Value::Int(2)), ("is", Value::Bool(true)), ("print.module", Value::Int(5))];
    let fields = Fields { values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), ..Fields::default() };
    let formula = Formula::check("if is && package > 1 { package * print.module + package } else { 0 }", &known).expect("a formula");
    assert_eq!(shown(formula.eval(&fields)), "12");
    assert_eq!(formula.names(), ["is", "package", "print.module"]);
    let error = Formula::check("package + package * 1 + is", &known).expect_err("no number");
    assert_eq!(error.column, Some(23));
}
