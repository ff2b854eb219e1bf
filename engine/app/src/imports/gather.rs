//! Lines of a file gathered to records, in chunks.

use std::{collections::HashMap, hash::{DefaultHasher, Hash, Hasher}};

use exchange::{Fault, Job, Line, Reader};
use tokio::sync::mpsc;

use super::chunk::{Group, Run};

/// Lines that cross from the reading thread at a time.
const LINES: usize = 256;

/// The lines of a file below its headings, read on a thread of their own.
pub(super) fn lines(job: Job, header: u32) -> mpsc::Receiver<Result<Vec<Line>, Fault>> {
    let (send, receive) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        let read = || -> Result<(), Fault> {
            let mut reader = Reader::open(job)?;
            let mut batch = Vec::with_capacity(LINES);
            while let Some(line) = reader.next_line()? {
                if line.row > header {
                    batch.push(line);
                }
                if batch.len() == LINES && send.blocking_send(Ok(std::mem::take(&mut batch))).is_err() {
                    return Ok(());
                }
            }
            // Whoever no longer listens does not need the rest.
            let _ = send.blocking_send(Ok(batch));
            Ok(())
        };
        if let Err(fault) = read() {
            let _ = send.blocking_send(Err(fault));
        }
    });
    receive
}

/// Gathers lines to records, and records to chunks.
pub(super) struct Gatherer<'r> {
    run: &'r Run,
    /// Records of a chunk.
    most: usize,
    open: Option<Group>,
    ready: Vec<Group>,
    /// Keys that were seen, by their hash: a few bytes each, so that a million rows fit.
    seen: HashMap<u64, u32>,
}

impl<'r> Gatherer<'r> {
    pub(super) fn new(run: &'r Run, most: usize) -> Self {
        Self { run, most, open: None, ready: Vec::new(), seen: HashMap::new() }
    }

    /// Takes a line in; gives a chunk when one is full.
    pub(super) fn push(&mut self, line: Line) -> Option<Vec<Group>> {
        let blank = self.run.plan.columns.iter().all(|column| line.cell(column.index).is_empty());
        if blank {
            return None;
        }
        if let Some(open) = &mut self.open
            && belongs(self.run, open, &line) {
                open.lines.push(line);
                return None;
            }
        let chunk = self.close();
        self.open = Some(Group { lines: vec![line], same_as: None });
        chunk
    }

    fn close(&mut self) -> Option<Vec<Group>> {
        if let Some(mut group) = self.open.take() {
            if let Some(key) = self.run.key_of(&group) {
                let mut hasher = DefaultHasher::new();
                key.to_string().hash(&mut hasher);
                let row = group.row();
                group.same_as = Some(*self.seen.entry(hasher.finish()).or_insert(row)).filter(|first| *first != row);
            }
            self.ready.push(group);
        }
        (self.ready.len() >= self.most).then(|| std::mem::take(&mut self.ready))
    }

    /// What is left at the end.
    pub(super) fn finish(mut self) -> Vec<Group> {
        if let Some(full) = self.close() {
            return full;
        }
        self.ready
    }
}

/// Whether a line goes on with the record above it: it says nothing of a record of its own, or names the same one.
fn belongs(run: &Run, open: &Group, line: &Line) -> bool {
    if !run.plan.has_children() {
        return false;
    }
    let Some(first) = open.lines.first() else { return false };
    let mut own = run.plan.columns.iter().filter(|column| column.child.is_none());
    if own.clone().all(|column| line.cell(column.index).is_empty()) {
        return true;
    }
    match run.plan.key {
        Some(key) => {
            let place = run.plan.columns[key].index;
            !line.cell(place).is_empty() && line.cell(place) == first.cell(place)
        }
        None => own.all(|column| line.cell(column.index) == first.cell(column.index)),
    }
}
