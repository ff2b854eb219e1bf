use std::{
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use super::*;

fn run(source: &str, given: &[(&str, Given)]) -> String {
    let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
    let script = Script::compile(Profile::Rule, source, &names);
    shown(script.and_then(|script| script.run(given.iter().map(|(name, given)| ((*name).to_owned(), given.clone())))))
}

#[test]
fn scripts_have_statements_and_the_same_arithmetic() {
    assert_eq!(run("let x = 7; x /= 2; x", &[]), "3.5");
    assert_eq!(run("let x = 1; x += 0.5; x -= 1; x *= 3; x **= 2; x %= 2; x", &[]), "0.25");
    assert_eq!(run("let s = \"a\"; s += 1; s", &[]), "a1");
    assert_eq!(run("let s = \"a\"; s += (); s", &[]), "empty");
    assert_eq!(run("fn twice(x) { x * 2 } twice(1.25)", &[]), "2.5");
    assert_eq!(run("let sum = 0; for x in [1, 2.5, 3] { sum += x; } sum", &[]), "6.5");
    assert_eq!(run("[3, 1, 2].map(|x| x * 2).filter(|x| x > 2).reduce(|sum, x| or(sum, 0) + x)", &[]), "10");
    assert_eq!(run("#{a: 1, b: [1, 2]} == #{b: [1.0, 2.00], a: 1.0}", &[]), "true");
    assert_eq!(run("[1, ()] == [1, ()]", &[]), "true");
    assert_eq!(run("[1, 2] != [1, 3]", &[]), "true");
    assert_eq!(run("\"a,b,c\".split(\",\").join(\"-\")", &[]), "a-b-c");
    assert_eq!(run("let l = [1] + [2]; l += 3; l += [4, 5]; l.len()", &[]), "5");
    assert_eq!(run("() == ()", &[]), "false");
    assert_eq!(run("let r = 0; try { 1 / 0 } catch (e) { r = \"caught: \" + e; } r", &[]), "caught: a division by zero");
    assert_eq!(run("throw \"not today\"", &[]), "error: not today (line 1, column 1)");
}

#[test]
fn scripts_are_given_values_and_rows() {
    let fields = inputs();
    let given = [("quantity", Given::Value(fields.value("quantity").expect("a value"))), ("lines", Given::Rows(fields.rows("lines").expect("rows")))];
    assert_eq!(run("let total = lines.sum(\"amount\");\nif total > 3 { total * quantity } else { 0 }", &given), "11.25");
    assert_eq!(run("lines.where(\"kind\", \"is\", \"goods\").count()", &given), "2");
    assert_eq!(run("quantity = 5; quantity", &given), "error: Cannot modify constant quantity (line 1, column 1)");
    assert_eq!(run("quantitty", &given), "error: there is no `quantitty` here (line 1, column 1)");
    assert_eq!(run("let x = 1;\nx + lenn(\"a\")", &given), "error: there is no function `lenn`; did you mean `len`? (line 2, column 5)");
}

/// Five thousand rows enter as they are; the caps bind only what a script builds itself.
#[test]
fn many_rows_are_fine() {
    let rows: Vec<Values> = (0..5_000).map(|index| row(&[("amount", Value::Decimal(rust_decimal::Decimal::new(index, 2))), ("kind", Value::Text(if index % 2 == 0 { "even" } else { "odd" }.into()))])).collect();
    let known: NameList = [("lines", Kind::Rows), ("lines.amount", Kind::Number), ("lines.kind", Kind::Text)].into_iter().collect();
    let fields = Fields { rows: [("lines".to_owned(), RowSet(Arc::new(rows)))].into_iter().collect(), ..Fields::default() };
    let result = |expr: &str| shown(Formula::check(expr, &known).and_then(|formula| formula.eval(&fields)));
    assert_eq!(result("lines.sum(\"amount\")"), "124975");
    assert_eq!(result("lines.where(\"kind\", \"is\", \"even\").count()"), "2500");
    assert_eq!(result("lines.max(\"amount\") - lines.min(\"amount\")"), "49.99");
    assert_eq!(fields.rows("lines").expect("rows").sum("amount").expect("a sum").to_string(), "124975.00");
    assert_eq!(fields.rows("lines").expect("rows").sum("kind").expect_err("no number"), "`kind` holds a text, no number");
}

#[test]
fn formulas_give_the_same_on_every_thread() {
    let expr = "round(quantity / 7 * price ** 3 + lines.avg(\"amount\") / 3, 9) + \" \" + partner.owner.name + start";
    let formula = Formula::check(expr, &names()).expect("a formula");
    let results: Vec<_> = (0..8)
        .map(|_| {
            let formula = formula.clone();
            thread::spawn(move || (0..50).map(|_| shown(formula.eval(&inputs()))).collect::<std::collections::BTreeSet<_>>())
        })
        .map(|thread| thread.join().expect("no panic"))
        .collect();
    assert!(results.iter().all(|seen| seen.len() == 1 && *seen == results[0]), "{results:?}");
}

#[test]
fn a_formula_asks_for_nothing_it_does_not_read() {
    struct Only(&'static str);
    impl Inputs for Only {
        fn value(&self, name: &str) -> Option<Value> {
            assert_eq!(name, self.0);
            Some(Value::Int(2))
        }
        fn rows(&self, name: &str) -> Option<RowSet> {
            panic!("no rows of `{name}` are read");
        }
    }
    let formula = Formula::check("quantity * 2", &names()).expect("a formula");
    assert_eq!(shown(formula.eval(&Only("quantity"))), "4");
    let formula = Formula::check("partner.limit * 2", &names()).expect("a formula");
    assert_eq!(shown(formula.eval(&Only("partner.limit"))), "4");
}

#[test]
fn the_pool_runs_scripts_and_outlives_their_panics() {
    let pool = ScriptPool::with_size(2, 8).expect("threads");
    let script = Script::compile(Profile::Rule, "let x = []; for i in 0..450 { x = [x]; } x == x", &[]).expect("a script");
    assert_eq!(shown(pool.run(move || script.run([]))), "true");
    for _ in 0..8 {
        let error = pool.run(|| -> Result<Value, ScriptError> { panic!("on purpose") }).expect_err("a panic");
        assert_eq!(error.fault, Fault::Internal);
    }
    let (done, panicked) = channel();
    pool.spawn(|| Ok(Value::Empty), move |_| {
        done.send(()).expect("a receiver");
        panic!("on purpose");
    })
    .expect("room");
    panicked.recv().expect("it ran");
    assert_eq!(shown(pool.run(|| Ok(Value::Int(1)))), "Int(1)");
}

#[test]
fn a_full_pool_says_so_at_once() {
    let pool = ScriptPool::with_size(1, 1).expect("a thread");
    let (go, wait) = channel::<()>();
    let (started, running) = channel();
    let blocked = move || {
        started.send(()).expect("a receiver");
        wait.recv().expect("a sender");
        Ok(Value::Empty)
    };
    pool.spawn(blocked, |_| ()).expect("room");
    running.recv().expect("it runs");
    pool.spawn(|| Ok(Value::Empty), |_| ()).expect("one place to wait");
    let began = Instant::now();
    let error = pool.spawn(|| Ok(Value::Empty), |_| ()).expect_err("no place left");
    assert_eq!(error.fault, Fault::Busy);
    assert!(began.elapsed() < Duration::from_millis(100));
    go.send(()).expect("a receiver");
    drop(pool);
}

#[test]
fn a_script_ends_at_its_deadline() {
    let script = Script::compile(Profile::Report, "let x = []; x.pad(400, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"); loop { x.sort(); x.dedup(); }", &[]).expect("a script");
    let began = Instant::now();
    let error = script.run([]).expect_err("endless");
    assert_eq!(error.fault, Fault::TooLong, "{error}");
    assert!(began.elapsed() < Profile::Report.limits().time + Duration::from_secs(1), "took {:?}", began.elapsed());
}
