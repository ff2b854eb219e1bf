//! The one hardened engine for formulas, and its clock.

use std::{
    cell::Cell,
    sync::LazyLock,
    time::{Duration, Instant},
};

use rhai::{Engine, ImmutableString};

use crate::{operators, rows};

/// How long one formula may run.
const DEADLINE: Duration = Duration::from_millis(100);
/// Longest text a formula may build, in bytes.
const MAX_TEXT: usize = 16_384;

thread_local! {
    static ENDS: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Starts the time of a formula.
pub(crate) fn start_clock() {
    ENDS.with(|ends| ends.set(Some(Instant::now() + DEADLINE)));
}

/// The engine; made once.
pub(crate) fn formula() -> &'static Engine {
    static ENGINE: LazyLock<Engine> = LazyLock::new(build);
    &ENGINE
}

type Outcome<T> = Result<T, Box<rhai::EvalAltResult>>;

fn build() -> Engine {
    let mut engine = Engine::new();
    // Debug and release builds have other defaults, so every limit is said.
    engine
        .set_max_operations(200_000)
        .set_max_call_levels(16)
        .set_max_expr_depths(32, 32)
        .set_max_string_size(MAX_TEXT)
        .set_max_array_size(500)
        .set_max_map_size(500)
        .set_max_functions(0)
        .set_max_variables(128)
        .set_strict_variables(false)
        .set_fast_operators(false)
        .disable_symbol("eval")
        .disable_symbol("curry")
        .disable_symbol("Fn")
        .disable_symbol("call")
        .disable_symbol("print")
        .disable_symbol("debug");
    engine.on_progress(|count| {
        let late = count & 255 == 0 && ENDS.with(|ends| ends.get().is_some_and(|ends| Instant::now() > ends));
        late.then(|| "it takes too long".into())
    });
    engine.register_fn("sleep", |_: i64| -> Outcome<()> { Err("there is no sleep here".into()) });
    // Natives are measured before they run: the engine looks at sizes only afterwards.
    engine.register_fn("replace", |text: &mut ImmutableString, find: &str, with: &str| -> Outcome<()> {
        if text.len() + text.matches(find).count() * with.len() > MAX_TEXT {
            return Err("the text would be too long".into());
        }
        *text = text.replace(find, with).into();
        Ok(())
    });
    for name in ["pad", "split", "split_rev", "to_json", "to_blob", "to_chars", "fill_with"] {
        // None of these is worth its danger in a formula.
        engine.disable_symbol(name);
    }
    operators::register(&mut engine);
    rows::register(&mut engine);
    engine
}
