//! Workflows on pages: the bar of states, what a step asks, and applications on their way.

use serde::Serialize;

use super::{Avatar, CardHead, Choice, FieldView, Tone};

/// The states of one workflow, and the steps that lead on.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FlowBar {
    /// The workflow's field.
    pub key: String,
    /// Its name, where a card has several.
    pub label: String,
    /// Its states, in order.
    pub steps: Vec<Step>,
    /// What may be done next, and what may not.
    pub actions: Vec<FlowAction>,
}

/// A state of a workflow.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Step {
    /// Its name.
    pub label: String,
    /// The tone of its badge.
    pub tone: Tone,
    /// Passed.
    pub done: bool,
    /// Where the record is.
    pub current: bool,
    /// How long the record was there.
    pub note: Option<String>,
}

/// A transition as a button.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FlowAction {
    /// Its id.
    pub id: String,
    /// The words.
    pub label: String,
    /// Where it is sent, and where its dialog comes from.
    pub url: String,
    /// It asks something first.
    pub dialog: bool,
    /// Why it cannot be taken now.
    pub why: Option<String>,
}

/// What a step asks before it is taken.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StepDialog {
    /// The card.
    pub card: CardHead,
    /// The words of the step.
    pub title: String,
    /// The record it is taken with.
    pub record_title: String,
    /// The record's page.
    pub record_url: String,
    /// Where it is sent.
    pub url: String,
    /// The version that was read.
    pub version: i64,
    /// none, optional, required.
    pub comment: &'static str,
    /// Fields that must be filled in.
    pub fields: Vec<FieldView>,
    /// Others are asked first.
    pub approval: bool,
}

/// One application of a record, as it went and goes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WayView {
    /// The words of its step.
    pub title: String,
    /// running, approved, rejected, withdrawn.
    pub state: String,
    /// The same in words.
    pub state_text: String,
    /// The tone of its badge.
    pub tone: &'static str,
    /// Who applied.
    pub who: String,
    /// When, in words.
    pub when: String,
    /// What was said.
    pub comment: Option<String>,
    /// Its steps.
    pub steps: Vec<WayStep>,
    /// Where the reader decides; none where it is not their turn.
    pub decide_url: Option<String>,
    /// Where it is taken back.
    pub withdraw_url: Option<String>,
}

/// A step of an application.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WayStep {
    /// What it is called.
    pub label: String,
    /// done, open, coming, left_out, rejected.
    pub state: &'static str,
    /// The same in words, where no person says it.
    pub state_text: String,
    /// Everybody who was asked, or will be.
    pub people: Vec<WayPerson>,
}

/// Somebody who was asked.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WayPerson {
    /// The name, or the group's.
    pub name: String,
    /// The avatar of a person.
    pub avatar: Option<Avatar>,
    /// What they decided.
    pub verdict: String,
    /// Its tone.
    pub tone: &'static str,
    /// When, in words.
    pub when: String,
    /// What they said.
    pub opinion: Option<String>,
}

/// What waits for a reader, what they decided, what they applied for. `approvals/index.html` draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApprovalsPage {
    /// Its heading.
    pub title: String,
    /// waiting, decided, mine.
    pub kind: &'static str,
    /// The three pages, this one selected.
    pub tabs: Vec<Choice>,
    /// Its lines.
    pub entries: Vec<ApprovalEntry>,
    /// Earlier ones.
    pub next_url: Option<String>,
}

/// One application in a list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApprovalEntry {
    /// The task, where the reader decides.
    pub task: Option<String>,
    /// What it is about.
    pub title: String,
    /// Its page; none if the reader may not see it.
    pub url: Option<String>,
    /// The kind of record, and the step: "Leave · Ask for it".
    pub what: String,
    /// A Lucide icon.
    pub icon: String,
    /// Who applied.
    pub who: String,
    /// Their avatar.
    pub avatar: Option<Avatar>,
    /// Since when.
    pub when: String,
    /// The same, for machines.
    pub at: String,
    /// What was said with it.
    pub comment: Option<String>,
    /// What the reader said.
    pub opinion: Option<String>,
    /// Where it stands, in words.
    pub state_text: String,
    /// The tone of its badge.
    pub tone: &'static str,
    /// How often it was reminded of, in words.
    pub reminded: Option<String>,
    /// Where it is taken back.
    pub withdraw_url: Option<String>,
    /// Where the dialog of a decision comes from.
    pub decide_url: Option<String>,
}

/// The dialog of a decision.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DecisionDialog {
    /// What it is about.
    pub title: String,
    /// "Leave · Ask for it · Wu".
    pub what: String,
    /// Where it is sent.
    pub url: String,
    /// What was said with it.
    pub comment: Option<String>,
    /// Where it may go when it is rejected: the applicant first.
    pub targets: Vec<Choice>,
    /// The input of somebody else.
    pub user: Option<FieldView>,
    /// The page afterwards.
    pub back: String,
}
