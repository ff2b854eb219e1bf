//! The hardened engines: one per kind of use, made once, shared by all threads.
//!
//! **Invariants**
//! - Every limit is set by number: Rhai's defaults differ between debug and release builds.
//! - An engine offers only what is registered here. The formula engine has none of Rhai's own packages; the others
//!   have those of numbers-free containers and texts, with everything that can grow its input measured first.
//! - What reaches outside (`eval`, `import`, clocks, waiting, printing) is not there.
//!
//! **Not here:** the operators (`operators`), the functions (`functions`), running (`formula`, `script`).

use std::{sync::LazyLock, time::Duration};

use rhai::{Engine, OptimizationLevel};

use crate::{clock, doc, functions, host, natives, operators, rows};

/// For what a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// One calculation over a record; no statements, no loops, nothing but its result.
    Formula,
    /// Steps of a report: statements and functions, nothing is changed.
    Report,
    /// What happens on a record: statements and functions, and what the caller puts in.
    Rule,
}

/// The ceilings of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps, roughly one per value, name and operator.
    pub operations: u64,
    /// Functions calling one another.
    pub call_levels: usize,
    /// Brackets inside one another.
    pub expression_depth: usize,
    /// Bytes of a text that the script makes.
    pub text: usize,
    /// Items of a list or map that the script makes.
    pub items: usize,
    /// Variables at once.
    pub variables: usize,
    /// Functions it defines.
    pub functions: usize,
    /// How long it may run.
    pub time: Duration,
    /// After how many steps the clock is looked at; a power of two.
    pub clock_every: u64,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Formula, Self::Report, Self::Rule];

    /// Its ceilings.
    pub const fn limits(self) -> Limits {
        match self {
            // No loops and no variables: the length of the formula bounds what it makes, so a long text may pass.
            Self::Formula => Limits {
                operations: 200_000,
                call_levels: 16,
                expression_depth: 48,
                text: 524_288,
                items: 500,
                variables: 128,
                functions: 0,
                // Far beyond what a formula takes: a busy machine may put a thread aside for a while.
                time: Duration::from_millis(250),
                clock_every: 32,
            },
            Self::Report | Self::Rule => Limits {
                operations: 200_000,
                call_levels: 16,
                expression_depth: 32,
                text: 16_384,
                items: 500,
                variables: 128,
                functions: 32,
                time: Duration::from_secs(if matches!(self, Self::Report) { 1 } else { 5 }),
                clock_every: 256,
            },
        }
    }

    /// Its engine.
    pub(crate) fn engine(self) -> &'static Engine {
        static FORMULA: LazyLock<Engine> = LazyLock::new(|| build(Profile::Formula));
        static REPORT: LazyLock<Engine> = LazyLock::new(|| build(Profile::Report));
        static RULE: LazyLock<Engine> = LazyLock::new(|| build(Profile::Rule));
        match self {
            Self::Formula => &FORMULA,
            Self::Report => &REPORT,
            Self::Rule => &RULE,
        }
    }
}

/// Words that are switched off everywhere: they make code of text, wait, print, or bind values to functions without
/// being counted.
const DISABLED: [&str; 8] = ["eval", "curry", "Fn", "call", "print", "debug", "is_def_fn", "is_def_var"];

fn build(profile: Profile) -> Engine {
    let limits = profile.limits();
    let mut engine = Engine::new_raw();
    engine
        .set_max_operations(limits.operations)
        .set_max_call_levels(limits.call_levels)
        .set_max_expr_depths(limits.expression_depth, limits.expression_depth)
        .set_max_string_size(limits.text)
        .set_max_array_size(limits.items)
        .set_max_map_size(limits.items)
        .set_max_variables(limits.variables)
        .set_max_functions(limits.functions)
        .set_strict_variables(true)
        .set_fast_operators(false)
        .set_optimization_level(OptimizationLevel::None);
    for word in DISABLED {
        engine.disable_symbol(word);
    }
    if profile == Profile::Formula {
        engine.set_allow_looping(false).set_allow_anonymous_fn(false);
    } else {
        natives::register(&mut engine, limits);
    }
    let every = limits.clock_every;
    engine.on_progress(move |count| (count & (every - 1) == 0 && (clock::counted(every, limits.operations) || clock::is_over())).then(|| "late".into()));
    operators::register(&mut engine, limits.text, limits.items);
    functions::register(&mut engine, limits.text);
    rows::register(&mut engine);
    if profile != Profile::Formula {
        doc::register(&mut engine);
        host::register(&mut engine, profile);
    }
    engine
}
