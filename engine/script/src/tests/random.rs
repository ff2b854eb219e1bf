//! Programs that nobody thought of: whatever a script says, it ends in good time and takes nothing down with it.
//!
//! Programs grow from a grammar of everything the language has, loops, functions, texts, lists, maps, calls of the host,
//! with values as large and as deep as they can be made. `CARDSTOCK_SEED` and `CARDSTOCK_PROGRAMS` run others than those
//! of every day; the number of the last program begun is told on the terminal, so that an abort can be repeated.

use std::{
    io::Write,
    rc::Rc,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::{clock::Clock, pool::STACK};

/// How many there are when nobody says otherwise.
const PROGRAMS: u64 = 100_000;
/// What each program has.
const DEADLINE: Duration = Duration::from_millis(20);

/// A program under way.
struct Grow<'r> {
    rng: &'r mut StdRng,
    text: String,
    left: usize,
    depth: usize,
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const METHODS: [&str; 34] = [
    "len()", "push(X)", "pop()", "shift()", "insert(X, X)", "append(X)", "pad(X, X)", "truncate(X)", "chop(X)",
    "extract(X)", "extract(X, X)", "splice(X, X, X)", "drain(|v| B)", "retain(|v| B)", "map(|v| X)", "filter(|v| B)", "reduce(|s, v| X)", "reduce(|s, v| s + v)",
    "sort()", "sort(|l, r| X)", "reverse()", "contains(X)", "index_of(X)", "keys()", "values()", "mixin(X)", "remove(X)",
    "split(X)", "join(X)", "zip(X, |l, r| [l, r])", "dedup()", "some(|v| B)", "all(|v| B)", "clear()",
];
const CALLS: [&str; 30] = [
    "replace(X, X, X)",
    "upper(X)",
    "lower(X)",
    "trim(X)",
    "left(X, X)",
    "right(X, X)",
    "middle(X, X, X)",
    "text(X)",
    "number(X)",
    "round(X, X)",
    "floor(X)",
    "sqrt(X)",
    "abs(X)",
    "min(X, X)",
    "max(X, X)",
    "or(X, X)",
    "is_empty(X)",
    "len(X)",
    "add_days(today, X)",
    "add_months(today, X)",
    "date(X, X, X)",
    "days_between(today, X)",
    "read(X, X)",
    "query(X, #{limit: X})",
    "save(X, #{k: X})",
    "save(X, X, #{k: X})",
    "log(X)",
    "later(X, #{k: X})",
    "transition(X, X, X, #{comment: X})",
    "mail(#{to: X, subject: X, text: X})",
];
const DEAD: [&str; 10] = ["eval(X)", "sleep(X)", "print(X)", "debug(X)", "curry(X)", "import X as m", "timestamp()", "X.curry(X)", "call(X)", "Fn(X)"];
/// Ways by which values double.
const BLOWN: [&str; 10] = [
    "loop { a += a; }",
    "loop { a = [a, a]; }",
    "loop { a = #{x: a, y: a}; }",
    "while true { a.push(a); }",
    "loop { a = `${a}${a}`; }",
    "for i in 0..1000000 { a.push(i); }",
    "loop { a.pad(500, a); }",
    "loop { a = replace(a, \"a\", a); }",
    "loop { a.insert(0, b); b = a; }",
    "fn g(n) { g(n + 1) + g(n + 1) } g(0)",
];

impl Grow<'_> {
    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.rng.random_range(0..of.len())]
    }

    /// A pattern with expressions for `X` and conditions for `B`.
    fn fill(&mut self, pattern: &str) {
        let (mut bars, mut last, mut body) = (0, String::new(), None);
        for c in pattern.chars() {
            match c {
                'X' => self.expression(),
                'B' => self.condition(),
                c => {
                    self.text.push(c);
                    bars += usize::from(c == '|');
                    if bars == 1 && c.is_alphabetic() {
                        last = c.to_string();
                    }
                    if bars == 2 && body.is_none() {
                        body = Some(self.text.len());
                    }
                }
            }
        }
        if let Some(start) = body {
            let inside = only(&self.text[start..], &last);
            self.text.truncate(start);
            self.text.push_str(&inside);
        }
    }

    fn condition(&mut self) {
        match self.rng.random_range(0..5) {
            0 => self.text.push_str("true"),
            1 => self.fill("X == X"),
            2 => self.fill("X < X"),
            3 => self.fill("!(X != X) && B"),
            _ => self.fill("X >= 1"),
        }
    }

    fn leaf(&mut self) {
        match self.rng.random_range(0..12) {
            0..4 => {
                let name = self.pick(&NAMES);
                self.text.push_str(name);
            }
            4 | 5 => {
                let number = self.pick(&["0", "1", "2", "7", "500", "16384", "1000000000", "-1", "0.1", "9223372036854775807"]);
                self.text.push_str(number);
            }
            6 | 7 => {
                let text = self.pick(&["\"\"", "\"a\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "\"客户\"", "`${a}${b}`", "\"k\""]);
                self.text.push_str(text);
            }
            8 => {
                let list = self.pick(&["[]", "[1, 2, 3]", "[a, b]", "[[[[[[]]]]]]"]);
                self.text.push_str(list);
            }
            9 => {
                let map = self.pick(&["#{}", "#{k: 1}", "#{k: a, x: b}"]);
                self.text.push_str(map);
            }
            10 => self.text.push_str("()"),
            _ => {
                let name = self.pick(&["record", "record.name", "record.lines", "today", "true", "record.lines[0].price"]);
                self.text.push_str(name);
            }
        }
    }

    fn expression(&mut self) {
        if self.left == 0 || self.depth > 6 {
            return self.leaf();
        }
        self.left -= 1;
        self.depth += 1;
        match self.rng.random_range(0..20) {
            0..6 => self.leaf(),
            6..9 => {
                let operator = self.pick(&[" + ", " - ", " * ", " / ", " % ", " ** ", " ?? "]);
                self.text.push('(');
                self.expression();
                self.text.push_str(operator);
                self.expression();
                self.text.push(')');
            }
            9..13 => {
                let name = self.pick(&NAMES);
                let method = self.pick(&METHODS);
                self.text.push_str(name);
                self.text.push('.');
                self.fill(method);
            }
            13..16 => {
                let call = self.pick(&CALLS);
                self.fill(call);
            }
            16 => self.fill("if B { X } else { X }"),
            17 => self.fill("[X, X]"),
            18 => self.fill("#{k: X, x: X}"),
            _ => {
                let index = self.pick(&["a[X]", "b.k", "a[0]", "b[\"k\"]", "g(X)", "c.len", "(|v| X)", "switch X { 1 => X, _ => X }"]);
                self.fill(index);
            }
        }
        self.depth -= 1;
    }

    fn statement(&mut self) {
        if self.left == 0 || self.depth > 6 {
            return self.fill("a = X;\n");
        }
        self.left -= 1;
        self.depth += 1;
        match self.rng.random_range(0..100) {
            0..30 => {
                let name = self.pick(&NAMES);
                self.text.push_str(name);
                let set = self.pick(&[" = ", " += ", " -= ", " *= ", ".k = ", "[0] = ", "[\"k\"] = "]);
                self.text.push_str(set);
                self.fill("X;\n");
            }
            30..45 => self.fill("X;\n"),
            45..55 => {
                self.fill("if B {\n");
                self.block();
                self.text.push_str("}\n");
            }
            55..65 => {
                let over = self.pick(&["0..X", "0..10", "0..1000000", "a", "b", "record.lines", "query(\"c\")", "[1, 2, 3]"]);
                self.text.push_str("for i in ");
                self.fill(over);
                self.text.push_str(" {\n");
                self.block();
                self.text.push_str("}\n");
            }
            65..69 => {
                self.fill("while B {\n");
                self.block();
                self.text.push_str("}\n");
            }
            69..72 => {
                self.text.push_str("loop {\n");
                self.block();
                self.fill("if B { break; }\n}\n");
            }
            72..80 => {
                self.text.push_str("try {\n");
                self.block();
                self.text.push_str("} catch (e) {\n");
                self.block();
                self.text.push_str("}\n");
            }
            80..84 => self.fill("throw X;\n"),
            84..90 => {
                let call = self.pick(&DEAD);
                if self.rng.random_range(0..4) == 0 {
                    self.fill(call);
                    self.text.push_str(";\n");
                } else {
                    self.fill("log(X);\n");
                }
            }
            90..92 => {
                let blown = self.pick(&BLOWN);
                self.text.push_str(blown);
                self.text.push('\n');
            }
            92..96 => self.fill("let g = |v| X; a = g(X);\n"),
            _ => {
                self.text.push_str("record.");
                let field = self.pick(&["name", "amount", "nothing", "lines[0].price"]);
                self.text.push_str(field);
                self.fill(" = X;\n");
            }
        }
        self.depth -= 1;
    }

    fn block(&mut self) {
        for _ in 0..self.rng.random_range(1..4) {
            self.statement();
        }
    }
}

/// A function sees only what it is given: every variable of a text becomes its parameter.
fn only(text: &str, parameter: &str) -> String {
    let (mut made, mut word) = (String::new(), String::new());
    for c in text.chars().chain(['\n']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        let is_variable = NAMES.contains(&word.as_str()) || matches!(word.as_str(), "today" | "record");
        made.push_str(if is_variable && !made.ends_with(['.', '"']) { parameter } else { &word });
        word.clear();
        made.push(c);
    }
    made.pop();
    made
}

fn program(rng: &mut StdRng) -> String {
    let size = rng.random_range(3..40);
    let mut grow = Grow { rng, text: String::new(), left: size, depth: 0 };
    grow.text.push_str("fn g(v) { ");
    grow.expression();
    grow.text = only(&grow.text, "v");
    let first = grow.pick(&["[]", "#{}", "\"a\"", "1", "()"]);
    grow.text.push_str(&format!(" }}\nlet a = {first}; let b = [1]; let c = \"aaaa\"; let d = [1, 2, 3]; let e = #{{k: 1}}; let f = 7;\n"));
    while grow.left > 0 {
        grow.statement();
    }
    grow.fill("X");
    grow.text
}

/// Answers whatever is asked with something.
struct Anybody;

impl Host for Anybody {
    fn call(&self, call: Call) -> Result<Answer, Refusal> {
        match call {
            Call::Read { id, .. } if id.len() % 2 == 0 => Ok(Answer::Record(None)),
            Call::Read { .. } | Call::Save { .. } | Call::Transition { .. } => Ok(Answer::Record(Some(found()))),
            Call::Query { .. } => Ok(Answer::Records(vec![found(), found(), found()])),
            Call::Log { text } if text.len() % 7 == 0 => Err(Refusal::Refused("no".to_owned())),
            Call::Mail { .. } => Err(Refusal::Stop(Fault::TooLong, "stopped: enough".to_owned())),
            Call::Log { .. } | Call::Later { .. } | Call::Webhook { .. } => Ok(Answer::Nothing),
        }
    }
}

fn found() -> Found {
    let key = |text: &str| model::Ident::new(text).expect("a key");
    let row = |price: i64| (uuid::Uuid::nil(), [(key("price"), Value::Int(price)), (key("item"), Value::Text("nail".into()))].into_iter().collect());
    Found {
        id: uuid::Uuid::nil(),
        values: [(key("name"), Value::Text("Acme".into())), (key("amount"), Value::Int(12))].into_iter().collect(),
        children: [(key("lines"), vec![row(1), row(2)])].into_iter().collect(),
    }
}

/// Runs one; whether it ran at all, and how long it took.
fn run(source: &str) -> (bool, Duration) {
    let settable: Settable = ["name", "amount", "lines.price", "lines.item"].into_iter().map(str::to_owned).collect();
    let Ok(script) = Script::compile(Profile::Rule, source, &["today", "record"]) else { return (false, Duration::ZERO) };
    let began = Instant::now();
    let outer = Clock::start(DEADLINE);
    let today = Given::Value(Value::Date(chrono::NaiveDate::default()));
    let _ = script.run_on(Rc::new(Anybody), [("today".to_owned(), today)], Some(AtHand { found: found(), settable: Some(settable) }));
    drop((outer, script));
    (true, began.elapsed())
}

fn from_environment(name: &str, or: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
}

#[test]
fn random_programs_end_and_take_nothing_down() {
    let (seed, count) = (from_environment("CARDSTOCK_SEED", 20_261_127), from_environment("CARDSTOCK_PROGRAMS", PROGRAMS));
    let (next, ran, slowest) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicU64::new(0));
    let work = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        if number.is_multiple_of(10_000) {
            // Past the harness, which keeps what is printed to itself until the end: an abort would take it along.
            let _ = writeln!(std::io::stderr(), "random programs: {number} of {count}, seed {seed}");
        }
        let source = program(&mut StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number)));
        let (has_run, took) = run(&source);
        ran.fetch_add(usize::from(has_run), Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        slowest.fetch_max(micros, Ordering::Relaxed);
        // A minute is a machine at a standstill; seconds would be a deadline that is not looked at.
        assert!(took < DEADLINE + Duration::from_secs(20), "program {number} took {took:?}:\n{source}");
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).expect("a thread")).collect();
        for worker in workers {
            worker.join().expect("no program panics");
        }
    });
    let (ran, slowest) = (ran.load(Ordering::Relaxed), Duration::from_micros(slowest.load(Ordering::Relaxed)));
    let _ = writeln!(std::io::stderr(), "random programs: {ran} of {count} compiled and ran, the slowest in {slowest:?} (deadline {DEADLINE:?})");
    assert!(ran as u64 > count / 3, "the grammar makes programs that run: {ran} of {count}");
}
