//! The order in which computed fields are calculated.
//!
//! **Invariants**
//! - Pure; the same fields give the same order: what needs nothing of another keeps its place.

use std::fmt;

/// Fields that need one another in a circle; the first is named again at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The names along the circle.
    pub names: Vec<String>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the computed fields need one another in a circle: {}", self.names.join(" → "))
    }
}

impl std::error::Error for Cycle {}

/// Whether what is read touches the field: itself, a part of it, or every field of a table (`lines.*`).
fn touches(read: &str, field: &str) -> bool {
    let below = |whole: &str, part: &str| part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
    match read.strip_suffix(".*") {
        Some(table) => below(table, field),
        None => read == field || below(field, read),
    }
}

/// Puts each field after those that it reads. `fields` are names with what their formulas read
/// ([`Formula::reads`](crate::Formula::reads)); the result are places in `fields`.
pub fn order(fields: &[(String, Vec<String>)]) -> Result<Vec<usize>, Cycle> {
    let needs: Vec<Vec<usize>> = fields
        .iter()
        .map(|(_, reads)| (0..fields.len()).filter(|other| reads.iter().any(|read| touches(read, &fields[*other].0))).collect())
        .collect();
    let mut sorted = Vec::with_capacity(fields.len());
    let mut done = vec![false; fields.len()];
    while sorted.len() < fields.len() {
        let ready = |index: &usize| !done[*index] && needs[*index].iter().all(|need| done[*need]);
        let Some(next) = (0..fields.len()).find(ready) else {
            return Err(circle(fields, &needs, &done));
        };
        done[next] = true;
        sorted.push(next);
    }
    Ok(sorted)
}

/// Walks from an open field to an open need until one comes back.
fn circle(fields: &[(String, Vec<String>)], needs: &[Vec<usize>], done: &[bool]) -> Cycle {
    let mut walked: Vec<usize> = Vec::new();
    let mut at = done.iter().position(|done| !done);
    while let Some(index) = at {
        if let Some(start) = walked.iter().position(|seen| *seen == index) {
            let names = walked[start..].iter().chain([&index]).map(|index| fields[*index].0.clone()).collect();
            return Cycle { names };
        }
        walked.push(index);
        at = needs[index].iter().copied().find(|need| !done[*need]);
    }
    Cycle { names: walked.into_iter().map(|index| fields[index].0.clone()).collect() }
}
