//! A query being written: the tree of a filter with numbers on its parts, half-finished conditions allowed.
//!
//! The browser holds no state but the form: the tree in one hidden field, what was typed beside it, by number.
//!
//! **Invariants**
//! - Pure. Whatever filter is read comes out with the same meaning; only groups without any part fall away.
//! - Never deeper than filters may be.
//!
//! **Not here:** what fields and operators mean (`model`), drawing (`render`).

use model::{Filter, Op, filter::MAX_DEPTH};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Most parts of a draft.
const MOST: usize = 200;

/// How the parts of a group hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    All,
    Any,
    /// None of them holds.
    None,
    /// Not all of them hold.
    NotAll,
}

impl Mode {
    pub const ALL: [Self; 4] = [Self::All, Self::Any, Self::None, Self::NotAll];

    /// How many levels of a filter it takes.
    fn levels(self) -> usize {
        match self {
            Self::All | Self::Any => 1,
            Self::None | Self::NotAll => 2,
        }
    }
}

/// One part of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its number: stays with it when it moves.
    pub n: u32,
    #[serde(flatten)]
    pub part: Part,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Group(Group),
    Test { field: String, op: String, value: Json },
    Related { related: String, by: Option<String>, has: bool, group: Group },
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub mode: Mode,
    pub parts: Vec<Node>,
}

/// The whole draft: its outermost group has the number 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft(pub Group);

/// Where something is dropped or moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Up,
    Down,
    /// Into the group that stands before it.
    In,
    /// Out of its group, behind it.
    Out,
}

impl Draft {
    /// A filter as a draft.
    pub fn of(filter: Option<&Filter>) -> Self {
        let mut next = 0;
        Self(filter.map(|filter| group_of(filter, &mut next)).unwrap_or_default())
    }

    /// Reads the hidden field; nonsense is an empty draft.
    pub fn read(text: &str) -> Self {
        let read: Group = serde_json::from_str(text).unwrap_or_default();
        let draft = Self(read);
        if draft.count() > MOST || depth(&draft.0) > MAX_DEPTH { Self::default() } else { draft }
    }

    pub fn write(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// The filter; none for a draft without conditions. `finished` leaves out conditions that have no value yet.
    pub fn filter(&self, finished: bool) -> Option<Json> {
        let mut group = self.0.clone();
        prune(&mut group, finished);
        (!group.parts.is_empty()).then(|| group_json(&group))
    }

    fn count(&self) -> usize {
        fn of(group: &Group) -> usize {
            group.parts.iter().map(|node| 1 + node.group().map_or(0, of)).sum()
        }
        of(&self.0)
    }

    fn next(&self) -> u32 {
        fn of(group: &Group) -> u32 {
            group.parts.iter().map(|node| node.n.max(node.group().map_or(0, of))).max().unwrap_or(0)
        }
        of(&self.0).saturating_add(1)
    }

    /// A part by its number.
    pub fn find(&mut self, n: u32) -> Option<&mut Node> {
        find(&mut self.0, n)
    }

    /// A group by its number, the outermost by 0.
    pub fn group(&mut self, n: u32) -> Option<&mut Group> {
        if n == 0 { Some(&mut self.0) } else { self.find(n).and_then(Node::group_mut) }
    }

    /// Adds a part to a group; its number. Nothing where it would be too deep or too much.
    pub fn add(&mut self, to: u32, part: Part) -> Option<u32> {
        let n = self.next();
        let before = self.clone();
        self.group(to)?.parts.push(Node { n, part });
        if self.count() <= MOST && depth(&self.0) <= MAX_DEPTH {
            return Some(n);
        }
        *self = before;
        None
    }

    pub fn remove(&mut self, n: u32) -> Option<Node> {
        take(&mut self.0, n)
    }

    /// Moves a part by one step. What cannot be done changes nothing.
    pub fn step(&mut self, n: u32, step: Step) {
        let before = self.clone();
        let Some((parent, at)) = place(&self.0, 0, n) else { return };
        let moved = match step {
            Step::Up => at.checked_sub(1).map(|to| (parent, to)),
            Step::Down => Some((parent, at + 1)),
            Step::In => self.group(parent).and_then(|group| {
                let before = group.parts.get(at.checked_sub(1)?)?;
                before.group().map(|inner| (before.n, inner.parts.len()))
            }),
            Step::Out => place(&self.0, 0, parent).map(|(above, at)| (above, at + 1)),
        };
        match moved {
            Some((to, index)) => self.drop_at(n, to, index),
            None => *self = before,
        }
    }

    /// Puts a part at a place of a group. Not into itself, and not among the fields of another table.
    pub fn drop_at(&mut self, n: u32, to: u32, index: usize) {
        let before = self.clone();
        if self.scope_of(n) != self.scope_of_group(to) {
            return;
        }
        let Some(node) = self.remove(n) else { return };
        match self.group(to) {
            Some(group) => {
                let index = index.min(group.parts.len());
                group.parts.insert(index, node);
            }
            None => *self = before.clone(),
        }
        if depth(&self.0) > MAX_DEPTH {
            *self = before;
        }
    }

    /// The number of the related rows whose fields a part is about; 0 for the record's own.
    fn scope_of(&self, n: u32) -> Option<u32> {
        scope(&self.0, 0, n)
    }

    fn scope_of_group(&self, n: u32) -> Option<u32> {
        if n == 0 {
            return Some(0);
        }
        fn of(group: &Group, around: u32, n: u32) -> Option<u32> {
            group.parts.iter().find_map(|node| {
                let inner = if matches!(node.part, Part::Related { .. }) { node.n } else { around };
                if node.n == n && node.group().is_some() { Some(inner) } else { node.group().and_then(|group| of(group, inner, n)) }
            })
        }
        of(&self.0, 0, n)
    }
}

impl Node {
    pub fn group(&self) -> Option<&Group> {
        match &self.part {
            Part::Group(group) | Part::Related { group, .. } => Some(group),
            Part::Test { .. } => None,
        }
    }
    pub fn group_mut(&mut self) -> Option<&mut Group> {
        match &mut self.part {
            Part::Group(group) | Part::Related { group, .. } => Some(group),
            Part::Test { .. } => None,
        }
    }
}

/// Whether a condition says all it has to say.
pub fn is_finished(op: &str, value: &Json) -> bool {
    let filled = |value: &Json| !value.is_null() && value.as_str() != Some("");
    Op::parse(op).is_some_and(Op::is_unary) || value.as_array().map_or_else(|| filled(value), |items| !items.is_empty() && items.iter().all(filled))
}

fn prune(group: &mut Group, finished: bool) {
    group.parts.iter_mut().filter_map(Node::group_mut).for_each(|inner| prune(inner, finished));
    group.parts.retain(|node| match &node.part {
        Part::Group(group) => !group.parts.is_empty(),
        Part::Test { op, value, .. } => !finished || is_finished(op, value),
        Part::Related { .. } => true,
    });
}

fn find(group: &mut Group, n: u32) -> Option<&mut Node> {
    for node in &mut group.parts {
        if node.n == n {
            return Some(node);
        }
        if let Some(found) = node.group_mut().and_then(|inner| find(inner, n)) {
            return Some(found);
        }
    }
    None
}

fn take(group: &mut Group, n: u32) -> Option<Node> {
    if let Some(at) = group.parts.iter().position(|node| node.n == n) {
        return Some(group.parts.remove(at));
    }
    group.parts.iter_mut().filter_map(Node::group_mut).find_map(|inner| take(inner, n))
}

fn place(group: &Group, number: u32, n: u32) -> Option<(u32, usize)> {
    let here = group.parts.iter().position(|node| node.n == n).map(|at| (number, at));
    here.or_else(|| group.parts.iter().find_map(|node| place(node.group()?, node.n, n)))
}

fn scope(group: &Group, around: u32, n: u32) -> Option<u32> {
    group.parts.iter().find_map(|node| {
        let inner = if matches!(node.part, Part::Related { .. }) { node.n } else { around };
        if node.n == n { Some(around) } else { node.group().and_then(|group| scope(group, inner, n)) }
    })
}

/// How deep the filter of a group is.
pub fn depth(group: &Group) -> usize {
    let of = |node: &Node| match &node.part {
        Part::Test { .. } => 1,
        Part::Group(group) => depth(group),
        Part::Related { group, .. } => 1 + depth(group),
    };
    group.mode.levels() + group.parts.iter().map(of).max().unwrap_or(0)
}

fn group_of(filter: &Filter, next: &mut u32) -> Group {
    let mut parts = |mode: Mode, parts: &[Filter]| Group { mode, parts: parts.iter().map(|part| node_of(part, next)).collect() };
    match filter {
        Filter::All(all) => parts(Mode::All, all),
        Filter::Any(any) => parts(Mode::Any, any),
        Filter::Not(inner) => match &**inner {
            Filter::Any(any) => parts(Mode::None, any),
            Filter::All(all) => parts(Mode::NotAll, all),
            single => parts(Mode::None, std::slice::from_ref(single)),
        },
        single => parts(Mode::All, std::slice::from_ref(single)),
    }
}

fn node_of(filter: &Filter, next: &mut u32) -> Node {
    *next += 1;
    let n = *next;
    let part = match filter {
        Filter::Test { field, op, value } => Part::Test { field: field.clone(), op: op.name().into(), value: value.clone() },
        Filter::Related { related, by, wanted, filter } => Part::Related { related: related.clone(), by: by.clone(), has: *wanted, group: group_of(filter, next) },
        group => Part::Group(group_of(group, next)),
    };
    Node { n, part }
}

fn group_json(group: &Group) -> Json {
    let parts: Vec<Json> = group.parts.iter().map(node_json).collect();
    match group.mode {
        Mode::All => serde_json::json!({"all": parts}),
        Mode::Any => serde_json::json!({"any": parts}),
        Mode::None => serde_json::json!({"not": {"any": parts}}),
        Mode::NotAll => serde_json::json!({"not": {"all": parts}}),
    }
}

/// A part as filters have it. Of a group with one part only the part matters.
fn node_json(node: &Node) -> Json {
    match &node.part {
        Part::Test { field, op, value } => match Op::parse(op) {
            Some(op) if op.is_unary() => serde_json::json!({"field": field, "op": op.name()}),
            _ => serde_json::json!({"field": field, "op": op, "value": value}),
        },
        Part::Group(group) => group_json(group),
        Part::Related { related, by, has, group } => {
            let mut map = serde_json::Map::from_iter([("related".to_owned(), Json::from(related.as_str()))]);
            if let Some(by) = by {
                map.insert("by".into(), by.as_str().into());
            }
            map.insert(if *has { "has" } else { "has_not" }.into(), group_json(group));
            Json::Object(map)
        }
    }
}

#[cfg(test)]
mod tests;
