use super::*;

#[test]
fn faults_say_where_and_what() {
    check("name * 2", "error: `*` fits numbers, not a text and a number (line 1, column 6)");
    check("name > 2", "error: a text cannot be compared with a number (line 1, column 6)");
    check("if name { 1 }", "error: a condition is yes or no, not a text; compare it with something (line 1, column 4)");
    check("if done &&\n   quantity { 1 }", "error: a condition is yes or no, not a number; compare it with something (line 2, column 4)");
    check("if done && open || done && name * 2 > 1 { 1 }", "error: `*` fits numbers, not a text and a number (line 1, column 33)");
    check("round(name)", "error: `round` wants a number, not a text (line 1, column 1)");
    check("round(1, 2, 3)", "error: `round` does not take a number, a number and a number; write round(number, places) (line 1, column 1)");
    check("year(quantity)", "error: `year` wants a day, not a number (line 1, column 1)");
    check("lines.where(\"kind\", \"iss\", 1).count()", "error: `where` knows no test \"iss\"; did you mean \"is\"? (line 1, column 7)");
    check("[1, 2]", "error: the result is a list, which no field holds");
    check("1 & 2", "error: two conditions are joined by `&&`; texts by `+` (line 1, column 3)");
    check("done | open", "error: there is no `|` here; conditions are joined by `&&` and `||` (line 1, column 6)");
}

#[test]
fn what_is_written_wrong_is_told_in_plain_words() {
    check("", "error: the formula is empty");
    check("  // nothing", "error: the formula is empty");
    check("1 +", "error: the end comes too early: something is missing after the last sign (line 1, column 4)");
    check("(1 + 2", "error: this `(` is never closed (line 1, column 1)");
    check("1 + 2)", "error: `)` closes nothing (line 1, column 6)");
    check("max(1, 2]", "error: `]` closes what `(` opened (line 1, column 9)");
    check("name == 'a'", "error: texts stand between double quotes: \"text\" (line 1, column 9)");
    check("name == \"a", "error: this text is never closed by `\"` (line 1, column 9)");
    check("1 /* one", "error: this comment is never closed by `*/` (line 1, column 3)");
    check("quantity = 2", "error: a formula sets nothing; to compare, write `==` (line 1, column 10)");
    check("1; 2", "error: a formula is one calculation, without `;` (line 1, column 2)");
    check("数量 * 2", "error: `数` has no place in a formula outside of a text; names are plain small letters (line 1, column 1)");
    check("`${quantity}`", "error: ``` has no place in a formula (line 1, column 1)");
    check("1e3 + 1", "error: `1e3` is no number; numbers are written with digits and a point: 1250.75 (line 1, column 1)");
    check("0x10", "error: `0x10` is no number; numbers are written with digits and a point: 1250.75 (line 1, column 1)");
    check("let x = 1", "error: `let` has no place in a formula, which is one calculation; use `if … { … } else { … }` to choose (line 1, column 1)");
    assert!(eval(&"1+".repeat(6_000)).expect_err("too long").message.starts_with("the formula is longer than"));
}

#[test]
fn a_fault_that_depends_on_values_is_none_of_the_formula() {
    let names = names();
    for expr in ["1 / (quantity - 1)", "number(name) * 2", "date(name)", "if quantity > 1 { 1 / 0 } else { 1 }"] {
        assert!(Formula::check(expr, &names).is_ok(), "{expr}");
    }
    for expr in ["name * 2", "start * 2", "done + 1", "partner.owner.name - 1", "lines.max(\"kind\") * 2", "start == done", "min(name, quantity)", "[quantity]"] {
        let error = Formula::check(expr, &names).expect_err(expr);
        assert_eq!(error.fault, Fault::WrongKind, "{expr}: {error}");
    }
}
