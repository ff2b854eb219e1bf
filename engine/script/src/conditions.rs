//! Makes conditions of a formula answer to empty values: an empty one counts as no.
//!
//! Rhai wants yes or no after `if` and around `&&` and `||` and fails on anything else; a checkbox nobody has touched
//! is empty. So every such condition is wrapped in a call that makes yes or no of it, and what `switch` chooses by in
//! one that makes integers of whole decimals, since the cases are integers.
//!
//! **Invariants**
//! - Nothing but calls and marks is inserted, on the line where the condition stands: places of errors can be told back.
//! - `||` and `&&` bind weaker than every other sign, so their operands reach from one to the next.

use crate::{
    names::RENAMED,
    tokens::{Kind, Token},
};

/// Makes yes or no of a condition.
pub(crate) const YES: &str = "yes_";
/// Makes a `switch` value fit its cases.
pub(crate) const CASE: &str = "case_";

/// A formula with its conditions wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrapped {
    pub text: String,
    /// What was inserted: before which character of the original, on which line and column, how much.
    inserted: Vec<(usize, usize, usize)>,
}

impl Wrapped {
    /// The column in the formula as written.
    pub(crate) fn column(&self, line: usize, column: usize) -> usize {
        let mut shift = 0;
        for (_, at, length) in self.inserted.iter().filter(|(at_line, ..)| *at_line == line) {
            if column >= at + shift + length {
                shift += length;
            } else if column >= at + shift {
                return *at;
            }
        }
        column - shift
    }
}

/// A stretch of the formula whose conditions are looked for.
struct Group {
    /// The token its current operand begins with.
    start: usize,
    /// Whether `&&` or `||` stood in it.
    joined: bool,
    /// The call around the whole, for what stands between `if` or `switch` and its `{`.
    call: Option<&'static str>,
}

impl Group {
    fn new(start: usize, call: Option<&'static str>) -> Self {
        Self { start, joined: false, call }
    }
}

/// Insertions before (`open`) and after tokens.
#[derive(Default)]
struct Edits {
    calls: Vec<(usize, usize, &'static str)>,
}

impl Edits {
    /// Ends the operand of a group before the token `end`.
    fn close(&mut self, group: &Group, end: usize) {
        if group.start >= end {
            return;
        }
        match (group.joined, group.call) {
            (true, _) => self.calls.push((group.start, end - 1, YES)),
            (false, Some(call)) => self.calls.push((group.start, end - 1, call)),
            (false, None) => {}
        }
    }
}

/// Wraps the conditions of a formula, and marks the names among `renamed`.
pub(crate) fn wrap(source: &str, tokens: &[Token], renamed: &[usize]) -> Wrapped {
    let mut edits = Edits::default();
    let mut groups = vec![Group::new(0, None)];
    for (index, token) in tokens.iter().enumerate() {
        let Some(top) = groups.last_mut() else { break };
        match (&token.kind, token.text.as_str()) {
            (Kind::Name, "if") => groups.push(Group::new(index + 1, Some(YES))),
            (Kind::Name, "switch") => groups.push(Group::new(index + 1, Some(CASE))),
            (Kind::Open, text) => {
                if text == "{" && top.call.is_some() {
                    let group = groups.pop().unwrap_or(Group::new(index, None));
                    edits.close(&group, index);
                }
                groups.push(Group::new(index + 1, None));
            }
            (Kind::Close, _) => {
                if let Some(group) = groups.pop() {
                    edits.close(&group, index);
                }
            }
            (Kind::Sign, "=>") if top.call.is_some() => {
                // The `if` of a case ends here; what follows belongs to the `switch`.
                let guard = groups.pop().unwrap_or(Group::new(index, None));
                edits.close(&guard, index);
                groups.push(Group::new(index + 1, None));
            }
            (Kind::Sign, "," | "=>") => {
                edits.close(top, index);
                *top = Group::new(index + 1, top.call);
            }
            (Kind::Sign, "&&" | "||") => {
                top.joined = true;
                edits.close(top, index);
                top.start = index + 1;
            }
            _ => {}
        }
    }
    while let Some(group) = groups.pop() {
        edits.close(&group, tokens.len());
    }
    apply(source, tokens, edits, renamed)
}

fn apply(source: &str, tokens: &[Token], edits: Edits, renamed: &[usize]) -> Wrapped {
    let mut before: Vec<Vec<&'static str>> = vec![Vec::new(); tokens.len()];
    let mut after = vec![0_usize; tokens.len()];
    for (from, to, call) in edits.calls {
        before[from].push(call);
        after[to] += 1;
    }
    let chars: Vec<char> = source.chars().collect();
    let (mut text, mut inserted, mut at) = (String::with_capacity(source.len() + 64), Vec::new(), 0);
    for (index, token) in tokens.iter().enumerate() {
        text.extend(&chars[at..token.from]);
        for call in &before[index] {
            text.push_str(call);
            text.push('(');
            inserted.push((token.line, token.column, call.len() + 1));
        }
        text.extend(&chars[token.from..token.to]);
        let marks = usize::from(renamed.contains(&index));
        if after[index] + marks > 0 {
            text.extend(std::iter::repeat_n(RENAMED, marks));
            text.push_str(&")".repeat(after[index]));
            inserted.push((token.line, token.column + (token.to - token.from), after[index] + marks));
        }
        at = token.to;
    }
    text.extend(&chars[at..]);
    Wrapped { text, inserted }
}
