//! Rhai's own lists, maps and ranges for scripts with statements.
//!
//! **Invariants**
//! - Limits are looked at only after a native function returns, so what can make much of little is replaced here by
//!   one that counts first. Rhai's packages of texts, bytes, JSON, clocks and numbers are not there at all.
//! - Its operators on lists and maps are ours too.
//!
//! **Not here:** operators on single values (`operators`), texts and days (`functions`).

use chrono::{DateTime, NaiveDate, Utc};
use rhai::{
    Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map,
    packages::{BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicStringPackage, Package},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::{
    fault::{Fault, Outcome, Trouble, trouble, wrong_kind},
    functions::shown,
    operators::{number, same},
    profile::Limits,
};

/// Registers them.
pub(crate) fn register(engine: &mut Engine, limits: Limits) {
    BasicStringPackage::new().register_into_engine(engine);
    BasicIteratorPackage::new().register_into_engine(engine);
    BasicArrayPackage::new().register_into_engine(engine);
    BasicMapPackage::new().register_into_engine(engine);
    for name in ["to_json", "to_debug", "fill_with"] {
        engine.disable_symbol(name);
        // Called as a method, a name passes the tokenizer; what it finds then is this.
        engine.register_fn(name, move |_: &mut Map| -> Outcome<()> { Err(trouble(Fault::UnknownName, format!("there is no function `{name}`"))) });
    }
    lists(engine, limits.items);
    maps(engine, limits.items);
    texts(engine, limits);
}

fn too_large(what: &str) -> Box<EvalAltResult> {
    trouble(Fault::TooLarge, format!("the {what} would be too long"))
}

/// A length that a script asks for.
fn length(wanted: &Dynamic, limit: usize, what: &str) -> Outcome<usize> {
    let wanted = number(wanted).ok_or_else(|| wrong_kind("a length", "a number", wanted))?;
    let wanted = wanted.trunc().max(Decimal::ZERO).to_usize().unwrap_or(usize::MAX);
    if wanted > limit { Err(too_large(what)) } else { Ok(wanted) }
}

/// Lists joined, if there is room.
fn appended(mut first: Array, second: Array, limit: usize) -> Outcome<Array> {
    if first.len() + second.len() > limit {
        return Err(too_large("list"));
    }
    first.extend(second);
    Ok(first)
}

fn lists(engine: &mut Engine, limit: usize) {
    let pad = move |list: &mut Array, wanted: &Dynamic, item: Dynamic| -> Outcome<()> {
        let wanted = length(wanted, limit, "list")?;
        if list.len() < wanted {
            list.resize(wanted, item);
        }
        Ok(())
    };
    engine.register_fn("pad", move |list: &mut Array, wanted: i64, item: Dynamic| pad(list, &wanted.into(), item));
    engine.register_fn("pad", move |list: &mut Array, wanted: Decimal, item: Dynamic| pad(list, &Dynamic::from_decimal(wanted), item));
    engine.register_fn("+", move |first: Array, second: Array| appended(first, second, limit));
    for name in ["+=", "append"] {
        engine.register_fn(name, move |first: &mut Array, second: Array| -> Outcome<()> {
            *first = appended(std::mem::take(first), second, limit)?;
            Ok(())
        });
    }
    engine.register_fn("==", |first: Array, second: Array| same(&first.into(), &second.into()));
    engine.register_fn("!=", |first: Array, second: Array| same(&first.into(), &second.into()).map(|same| !same));
}

fn maps(engine: &mut Engine, limit: usize) {
    let merged = move |mut first: Map, second: Map| -> Outcome<Map> {
        if first.len() + second.len() > limit {
            return Err(too_large("map"));
        }
        first.extend(second);
        Ok(first)
    };
    engine.register_fn("+", merged);
    for name in ["+=", "mixin"] {
        engine.register_fn(name, move |first: &mut Map, second: Map| -> Outcome<()> {
            *first = merged(std::mem::take(first), second)?;
            Ok(())
        });
    }
    engine.register_fn("==", |first: Map, second: Map| same(&first.into(), &second.into()));
    engine.register_fn("!=", |first: Map, second: Map| same(&first.into(), &second.into()).map(|same| !same));
}

fn texts(engine: &mut Engine, limits: Limits) {
    // What stands in a text between `${` and `}`.
    engine.register_fn("to_string", |error: &mut Trouble| error.1.clone());
    engine.register_fn("to_string", |day: &mut NaiveDate| day.to_string());
    engine.register_fn("to_string", |at: &mut DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    engine.register_fn("split", move |text: ImmutableString, by: ImmutableString| -> Outcome<Array> {
        if text.split(by.as_str()).nth(limits.items).is_some() {
            return Err(too_large("list"));
        }
        Ok(text.split(by.as_str()).map(|part| Dynamic::from(ImmutableString::from(part))).collect())
    });
    engine.register_fn("join", move |list: Array, by: ImmutableString| -> Outcome {
        let shown: Option<Vec<String>> = list.iter().map(|item| if item.is_unit() { Some(String::new()) } else { shown(item) }).collect();
        let shown = shown.ok_or_else(|| trouble(Fault::WrongKind, "only texts, numbers and days are joined"))?;
        let size: usize = shown.iter().map(String::len).sum::<usize>() + by.len() * shown.len().saturating_sub(1);
        if size > limits.text { Err(too_large("text")) } else { Ok(shown.join(by.as_str()).into()) }
    });
}
