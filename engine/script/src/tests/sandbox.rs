//! Every way by which a script could take the process down, or keep it busy, is an error in good time.

use std::time::{Duration, Instant};

use super::*;

fn run(source: &str) -> Result<Value, ScriptError> {
    Script::compile(Profile::Rule, source, &[])?.run([])
}

/// Runs on the stack that a request has, which is smaller than that of the pool.
fn on_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    on_stack(2 * 1024 * 1024, work)
}

fn on_stack<T: Send + 'static>(size: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(size).spawn(work).expect("a thread").join().expect("no panic")
}

#[track_caller]
fn refused(source: &'static str, fault: Fault) {
    let began = Instant::now();
    let error = on_small_stack(move || run(source)).expect_err(source);
    assert_eq!(error.fault, fault, "{source}: {error}");
    assert!(began.elapsed() < Duration::from_secs(8), "{source} took {:?}", began.elapsed());
}

#[test]
fn texts_do_not_explode() {
    refused("let s = \"a\"; s.pad(1000000, \"a\")", Fault::UnknownName);
    refused("let s = \"aaaaaaaaaa\"; loop { s += s; }", Fault::TooLarge);
    refused("let s = \"aaaaaaaaaa\"; loop { s = s + s; }", Fault::TooLarge);
    refused("let s = \"aaaaaaaaaa\"; loop { s = `${s}${s}`; }", Fault::TooLarge);
    refused("let s = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"; loop { s = replace(s, \"a\", s); }", Fault::TooLarge);
    refused("let l = [\"aaaaaaaaaaaaaaaa\"]; l.pad(500, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"); l.join(\"b\")", Fault::TooLarge);
    refused("let s = \"a\"; for i in 0..9 { s += s; } let l = [s, s, s]; loop { s = l.join(s); l = [s, s, s]; }", Fault::TooLarge);
    refused("let s = \"a,\"; loop { s += s; s.split(\",\") }", Fault::TooLarge);
    refused("let s = \"a\"; loop { s = upper(s) + s; }", Fault::TooLarge);
}

#[test]
fn lists_and_maps_do_not_explode() {
    refused("let x = [1]; x.pad(1000000000, 0)", Fault::TooLarge);
    refused("let x = [1]; x.pad(99999999999999999999, 0)", Fault::TooLarge);
    refused("let x = [1]; loop { x += x; }", Fault::TooLarge);
    refused("let x = [1]; loop { x = x + x; }", Fault::TooLarge);
    refused("let x = [1]; loop { x.append(x); }", Fault::TooLarge);
    refused("let x = []; loop { x.push(1); }", Fault::TooLarge);
    refused("let x = []; loop { x.insert(0, x); }", Fault::TooLarge);
    refused("let x = [1, 2]; loop { x.splice(0, 0, x); }", Fault::TooLarge);
    refused("let x = []; loop { x = [x, x]; }", Fault::TooLarge);
    refused("let x = #{}; loop { x = #{a: x, b: x}; }", Fault::TooLarge);
    refused("let x = #{}; let i = 0; loop { i += 1; x[\"k\" + i] = i; }", Fault::TooLong);
    refused("let x = #{}; let i = 0; loop { i += 1; let y = #{}; y[\"k\" + i] = 1; x += y; }", Fault::TooLarge);
    refused("let x = #{}; let i = 0; loop { i += 1; let y = #{}; y[\"k\" + i] = 1; x.mixin(y); }", Fault::TooLarge);
    refused("let x = [1]; for i in 0..400 { x.push(i); } x.zip(x, |a, b| [a, b])", Fault::TooLarge);
}

/// Depth is bounded by size, so that dropping and comparing the deepest value stays within the stack of the pool.
#[test]
fn deep_values_are_dropped_and_compared() {
    refused("let x = []; loop { x = [x]; }", Fault::TooLarge);
    refused("let x = #{}; loop { x = #{a: x}; }", Fault::TooLarge);
    for source in ["let x = []; for i in 0..450 { x = [x]; } let y = x; x == y", "let x = #{}; for i in 0..450 { x = #{a: x}; } let y = x; x == y"] {
        assert_eq!(shown(on_stack(crate::pool::STACK, move || run(source))), "true", "{source}");
    }
    let shown_deep = on_stack(crate::pool::STACK, || run("let x = []; for i in 0..450 { x = [x]; } `${x}`; throw \"seen\""));
    assert_eq!(shown_deep.expect_err("thrown").fault, Fault::Thrown);
}

#[test]
fn functions_bind_nothing_and_capture_nothing() {
    refused("fn g() { 1 } let f = Fn(\"g\"); loop { f = f.curry(f); }", Fault::Syntax);
    refused("let f = || 1; loop { f = f.curry(f); }", Fault::Syntax);
    refused("let x = 1; loop { let y = x; let f = || y; x = [f, f]; }", Fault::UnknownName);
    refused("fn f(x) { f(x + 1) } f(1)", Fault::TooLong);
    refused("fn f(x) { if x > 1 { g(x) } } fn g(x) { f(x) } f(2)", Fault::TooLong);
    refused(&*Box::leak((0..40).map(|index| format!("fn f{index}() {{ {index} }}\n")).collect::<String>().into_boxed_str()), Fault::Syntax);
    refused(&*Box::leak((0..200).map(|index| format!("let v{index} = {index};\n")).collect::<String>().into_boxed_str()), Fault::TooLarge);
}

#[test]
fn nothing_runs_for_ever() {
    refused("loop { }", Fault::TooLong);
    refused("while true { let x = 1; }", Fault::TooLong);
    refused("for i in 0..99999999999 { }", Fault::TooLong);
    refused("do { } until false", Fault::TooLong);
    refused("let x = []; x.pad(499, \"\"); loop { x.sort(|a, b| 0); }", Fault::TooLong);
    refused("let x = []; x.pad(400, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"); loop { x.contains(\"b\"); x.index_of(\"b\"); x.dedup(); }", Fault::TooLong);
    refused("let s = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"; s += s; s += s; s += s; s += s; loop { contains(s, s + \"b\"); }", Fault::TooLong);
    refused("let s = 1.5; loop { s ** 0.123456789; }", Fault::TooLong);
    refused("loop { try { loop { } } catch { } }", Fault::TooLong);
}

/// A formula has no loops, but a long one may call dear functions often.
#[test]
fn a_formula_keeps_to_its_time() {
    let long = format!("len({})", vec!["replace(text, \"a\", \"b\")"; 400].join(" + "));
    let known: NameList = [("text", Kind::Text)].into_iter().collect();
    let fields = Fields { values: [("text".to_owned(), Value::Text("a".repeat(300_000)))].into_iter().collect(), ..Fields::default() };
    let began = Instant::now();
    let error = Formula::check(&long, &known).expect_err("too deep or too slow, one of both");
    assert!(matches!(error.fault, Fault::Syntax | Fault::TooLong | Fault::TooLarge), "{error}");
    let wide = format!("len({})", (0..30).map(|_| "replace(text, \"a\", \"b\")").collect::<Vec<_>>().join(" + "));
    let formula = Formula::check(&wide, &known).expect("a formula");
    let error = formula.eval(&fields).expect_err("too much");
    assert!(matches!(error.fault, Fault::TooLong | Fault::TooLarge), "{error}");
    assert!(began.elapsed() < Duration::from_secs(3), "took {:?}", began.elapsed());
}

#[test]
fn a_long_text_of_a_record_is_no_trouble() {
    let known: NameList = [("text", Kind::Text)].into_iter().collect();
    let fields = Fields { values: [("text".to_owned(), Value::Text("字".repeat(100_000)))].into_iter().collect(), ..Fields::default() };
    let result = |expr: &str| shown(Formula::check(expr, &known).and_then(|formula| formula.eval(&fields)));
    assert_eq!(result("len(text)"), "100000");
    assert_eq!(result("left(trim(text), 2)"), "字字");
    assert_eq!(result("len(text + text)"), "error: the text would be too long (line 1, column 10)");
    assert_eq!(result("len(replace(text, \"字\", \"字字\"))"), "error: the text would be too long (line 1, column 5)");
}

/// Parser bombs: rejected while parsing, on a small stack.
#[test]
fn deep_nesting_is_refused_by_the_parser() {
    for (open, close) in [("(", ")"), ("[", "]"), ("if true {", "}"), ("-", ""), ("!", ""), ("1+(", ")"), ("abs(", ")"), ("switch 1 { 1 => ", "}")] {
        for depth in [60, 1_000, 100_000] {
            let bomb = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let (formula, script) = (bomb.clone(), bomb.clone());
            assert!(on_small_stack(move || eval_loosely(&formula)).is_err(), "{open} × {depth} as a formula");
            assert!(on_small_stack(move || run(&script)).is_err(), "{open} × {depth} as a script");
        }
    }
    for (sign, depth) in [("+ 1 ", 100_000), ("&& true ", 2_000), ("|| true ", 2_000), (".a", 50_000), ("[0]", 50_000), ("?? 1 ", 2_000)] {
        let bomb = format!("quantity {}", sign.repeat(depth));
        let script = bomb.replacen("quantity", "1", 1);
        // Long chains may be refused or calculated; they must come back.
        let _ = (on_small_stack(move || eval_loosely(&bomb)), on_small_stack(move || run(&script)));
    }
}

/// As deep as a formula may be, on the stack that a request has.
#[test]
fn the_deepest_formula_fits_the_stack() {
    for (open, close) in [("(", ")"), ("if done { ", "}"), ("abs(", ")"), ("-(", ")"), ("[", "][0]"), ("1 + (", ")"), ("switch 1 { 1 => ", "}"), ("if done && (done || open) { ", "}")] {
        let deepest = (1..60).rev().map(|depth| format!("{}quantity{}", open.repeat(depth), close.repeat(depth))).find(|expr| Formula::compile(expr, &|_| true, &[]).is_ok());
        let deepest = deepest.expect("some depth is allowed");
        assert!(deepest.matches(open).count() >= 8, "{open} only {} deep", deepest.matches(open).count());
        on_small_stack(move || eval_loosely(&deepest)).expect("a result");
    }
}

/// The switched-off words, and what is not there at all.
#[test]
fn nothing_reaches_outside() {
    for source in [
        "eval(\"1\")", "import \"x\" as y;", "print(1)", "debug(1)", "sleep(1)", "timestamp()", "let x = #{a: 1}; x.to_json()", "parse_json(\"1\")", "call(1)", "blob(1000000)", "\"a\".to_blob()",
        "exit()", "is_def_fn(\"a\", 1)", "open(\"/etc/passwd\")", "rand()", "let x = 1; x.tag", "get_fn_metadata_list()", "global::x", "1.5.to_float()",
    ] {
        let error = run(source).expect_err(source);
        assert!(matches!(error.fault, Fault::Syntax | Fault::UnknownName), "{source}: {error:?}");
    }
    for source in ["let x = 1; x", "loop { }", "|x| x", "fn f() { 1 }", "#{a: 1}", "quantity += 1", "this", "return 1", "for x in lines { }", "while true { }", "throw 1"] {
        assert_eq!(eval_loosely(source).expect_err(source).fault, Fault::Syntax, "{source}");
    }
}

/// The limits are the same in debug and release builds: they are read back from the engines.
#[test]
fn every_limit_is_set() {
    for profile in Profile::ALL {
        let (engine, limits) = (profile.engine(), profile.limits());
        assert_eq!(engine.max_operations(), limits.operations);
        assert_eq!(engine.max_call_levels(), limits.call_levels);
        assert_eq!(engine.max_expr_depth(), limits.expression_depth);
        assert_eq!(engine.max_function_expr_depth(), limits.expression_depth);
        assert_eq!(engine.max_string_size(), limits.text);
        assert_eq!(engine.max_array_size(), limits.items);
        assert_eq!(engine.max_map_size(), limits.items);
        assert_eq!(engine.max_variables(), limits.variables);
        assert_eq!(engine.max_functions(), limits.functions);
        assert!(engine.strict_variables() && !engine.fast_operators());
        assert!(limits.items <= 1_000, "deeper values overflow the stack when they are dropped");
        assert!(limits.clock_every.is_power_of_two());
    }
}
