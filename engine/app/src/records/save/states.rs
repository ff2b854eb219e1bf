//! States: moved by transitions alone, and what they lock.
//!
//! **Invariants**
//! - The record is held before its state is looked at: of two who take a transition one wins, the other is told by whom.
//! - What is sent with a transition are the fields it asks for, and no others.
//! - A locked record changes in nothing but what its state leaves open, whoever asks; what the engine derives goes on.
//!
//! **Not here:** which transitions there are for whom (`app::flows`).

use model::{Hook, TransitionDef};
use sql::system_states as kept;

use crate::scripts::{self, Home, ScriptUse};

use super::*;

/// A change of one state.
#[derive(Debug, Clone)]
pub(crate) struct StateMove {
    /// The workflow's field.
    pub workflow: Ident,
    /// The transition it belongs to.
    pub transition: Ident,
    /// The states it starts in.
    pub from: Vec<Ident>,
    /// The state afterwards; `None` where it stays for now.
    pub to: Option<Ident>,
    /// Fields that must be filled in, and may be sent along.
    pub required: Vec<Ident>,
    /// What was said.
    pub comment: Option<String>,
    /// Whether it takes a transition back.
    pub back: bool,
    /// Whether its condition and rights were looked at before: the end of what was begun then.
    pub settled: bool,
    /// The script that runs with it.
    pub run: Option<String>,
    /// In whose name scripts run, where the change itself is the system's.
    pub asker: Option<Actor>,
}

impl StateMove {
    /// A transition as it is taken.
    pub fn take(workflow: &Ident, transition: &TransitionDef, comment: Option<String>) -> Self {
        Self {
            workflow: workflow.clone(),
            transition: transition.id.clone(),
            from: transition.from.clone(),
            to: Some(transition.to.clone()),
            required: transition.required.clone(),
            comment,
            back: false,
            settled: false,
            run: transition.run.clone(),
            asker: None,
        }
    }
}

pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> AppError {
    AppError::Conflict { code, detail: detail.into(), blockers: Vec::new() }
}

/// That a transition is sent with none but the fields it asks for.
pub(crate) fn check_asked(required: &[Ident], body: &Map<String, Json>) -> Result<(), AppError> {
    let Some(key) = body.keys().find(|key| !key.starts_with('$') && *key != "version" && !required.iter().any(|known| known == key.as_str())) else { return Ok(()) };
    let known: Vec<&str> = required.iter().map(Ident::as_str).collect();
    let offered = if known.is_empty() { "takes no fields".to_owned() } else { format!("takes {}", known.join(", ")) };
    Err(AppError::malformed("bad_transition", format!("`{key}` is not sent with this transition; it {offered}")))
}

impl Work {
    /// A transition, or a part of one: the right to take it is asked for, not the one to change the record.
    pub(crate) fn transition(home: &Home, actor: &Actor, card: &str, id: Uuid, state: StateMove, body: Map<String, Json>, options: &Options) -> Result<Self, AppError> {
        let snapshot = home.snapshot.clone();
        let card = snapshot.card(card)?.clone();
        let gated = gate_write(&snapshot.catalog, actor, &card, ActionName::Transition)?;
        check_asked(&state.required, &body)?;
        let mut body = body;
        // The same request once more is known by its transition too.
        body.insert("$transition".into(), state.transition.as_str().into());
        Ok(Self {
            actor: actor.clone(),
            card,
            gated,
            id: Some(id),
            body,
            options: options.clone(),
            site: home.site.clone(),
            shared: None,
            asks_ahead: true,
            mode: Mode::State(state),
            snapshot,
            home: home.clone(),
            outer: None,
            person: None,
        })
    }

    /// The state a transition leads to, if the record is where it starts and its condition holds.
    pub(super) async fn move_state(&self, tx: &mut Tx, stored: &Record, state: &StateMove, draft: &mut Draft) -> Result<(), UnitError> {
        let key = state.workflow.as_str();
        if !state.settled && self.applied(tx, stored.id).await?.iter().any(|workflow| workflow == key) {
            return Err(crate::flows::approvals::running().into());
        }
        let current = stored.get(key).as_text().unwrap_or_default();
        if !state.from.iter().any(|from| from == current) {
            return Err(self.moved_meanwhile(tx, stored, state, current).await?.into());
        }
        if let Some(guard) = self.card.guards.get(&state.transition).filter(|_| !state.settled && !state.back)
            && !self.guard_holds(tx, stored, guard).await? {
                return Err(conflict("transition_guard", format!("this needs: {}", self.guard_words(&state.transition))).into());
            }
        if let (Some(field), Some(to)) = (self.card.field(key), &state.to) {
            draft.values.insert(field.key.clone(), Value::Text(to.to_string()));
        }
        Ok(())
    }

    /// The script of a transition, on the record as it will be: what it sets goes through validation like what people enter.
    pub(super) async fn run_with_step(&self, tx: &mut Tx, stored: Option<&Record>, merged: &mut Merged, given: &mut HashSet<Touched>, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let Mode::State(state) = &self.mode else { return Ok(()) };
        // What goes back, and what waits for others to agree, runs none.
        if state.back || state.to.is_none() || self.waits(state) {
            return Ok(());
        }
        let own = state.run.as_ref().map(|file| model::ScriptFile { pack: self.card.pack.clone(), file: file.clone() });
        let each = self.card.hooks.iter().filter(|(hook, _)| *hook == Hook::OnTransition).map(|(_, script)| script.clone());
        for script in own.into_iter().chain(each) {
            let record = self.foreseen(tx, stored, merged, given).await?;
            let told = serde_json::json!({"comment": state.comment, "to": state.to, "workflow": state.workflow});
            let usage = ScriptUse { script: &script, card: &self.card, record: Some(&record), before: stored, may_set: true, event: state.transition.as_str(), given: told };
            let changes = scripts::run_within(tx, &self.home, self.actor(), usage, self.outer()).await?;
            if !changes.body.is_empty() {
                self.take_changes(tx, changes.body, merged, given, violations).await?;
            }
        }
        Ok(())
    }

    /// Whether a transition only begins here: others must agree first.
    fn waits(&self, state: &StateMove) -> bool {
        !state.settled && self.card.transition(state.transition.as_str()).is_some_and(|(_, _, def)| def.approval.is_some())
    }

    /// Whether the condition of a transition holds for a record as it is stored.
    pub(crate) async fn guard_holds(&self, tx: &mut Tx, stored: &Record, guard: &Condition) -> Result<bool, UnitError> {
        let Around { linked, ancestors } = gather::around(tx, &self.snapshot, &self.card, &[stored], self.actor.now).await?;
        let pointing = HashMap::new();
        let facts = DraftFacts { record: stored, actor: &self.actor, linked: &linked, ancestors: &ancestors, pointing: &pointing };
        let bound = bind_for(&self.actor, self.catalog(), &with_facts(guard, &facts, &model::eval::Place::Record));
        self.admits(tx, stored.id, &bound).await
    }

    fn guard_words(&self, transition: &Ident) -> String {
        let Some((_, _, def)) = self.card.transition(transition.as_str()) else { return String::new() };
        crate::flows::guard_words(self.catalog(), &self.actor, &self.card, def)
    }

    /// Somebody was quicker, or it never was there: where the record is, since when, and by whom.
    async fn moved_meanwhile(&self, tx: &mut Tx, stored: &Record, state: &StateMove, current: &str) -> Result<AppError, UnitError> {
        let label = self.state_label(&state.workflow, current);
        let last = tx.fetch(&kept::last(tx.dialect(), stored.id, state.workflow.as_str())).await?.into_iter().next();
        let detail = match last.as_deref() {
            Some([Datum::Instant(at), Datum::Text(name)]) => {
                let at = at.with_timezone(&self.actor.zone).format("%Y-%m-%d %H:%M");
                format!("this record is “{label}” now: {name} took another step at {at}")
            }
            _ => format!("this record is “{label}”, and this step does not start there"),
        };
        Ok(conflict("state_changed", detail))
    }

    fn state_label(&self, workflow: &Ident, state: &str) -> String {
        self.card.workflows.get(workflow).and_then(|known| known.states.get(state)).map_or_else(|| state.to_owned(), |known| known.labels.or_key(&self.actor.lang, state))
    }

    /// Fields that a transition asks for and that are empty.
    pub(super) fn check_asked(&self, record: &Record, violations: &mut Vec<Violation>) {
        let Mode::State(state) = &self.mode else { return };
        for key in state.required.iter().filter(|key| !state.back && !state.settled && record.get(key.as_str()).is_empty()) {
            violations.push(Violation::new(key.as_str(), Code::Required));
        }
    }

    /// Why a state may not be set: a new record starts where its workflow says, and transitions move it. Old records of
    /// another system come in the state they had there, by administrators.
    pub(super) fn state_refused(&self, stored: Option<&Record>, field: &Field, merged: &Merged) -> Option<Code> {
        let initial = || field.default.as_ref().and_then(Json::as_str) == merged.record.get(field.key.as_str()).as_text();
        let free = match (&self.mode, stored) {
            (Mode::State(_), _) => true,
            (_, None) => self.actor.is_unbounded() || initial(),
            (_, Some(_)) => false,
        };
        (!free).then_some(Code::State)
    }

    /// The transitions of a workflow, for whoever tried to set its field.
    pub(super) fn transitions_of(&self, field: &Ident) -> String {
        let all = self.card.workflows.get(field).into_iter().flat_map(|workflow| &workflow.transitions);
        all.map(|transition| transition.id.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Changes of a record that its state locks.
    pub(super) fn check_state_locks(&self, stored: &Record, merged: &Merged, violations: &mut Vec<Violation>) {
        if !self.is_by_people() {
            return;
        }
        for (state, def) in self.card.locks(stored) {
            let label = def.labels.or_key(&self.actor.lang, state.as_str());
            let shut = |name: &Ident| !self.card.opens(def, name.as_str());
            let locked = |path: String| Violation::new(path, Code::Locked).with("state", &label);
            let own = merged.changed.iter().filter(|key| shut(key) && self.card.field(key.as_str()).is_some_and(|field| !field.system && !field.workflow));
            violations.extend(own.map(|key| locked(key.to_string())));
            let mut tables: Vec<&Ident> = merged.rows.keys().map(|(table, _)| table).filter(|table| shut(table)).collect();
            tables.dedup();
            violations.extend(tables.into_iter().map(|table| locked(table.to_string())));
        }
    }

    /// The workflows in which a record waits for others to agree.
    pub(crate) async fn applied(&self, tx: &mut Tx, record: Uuid) -> Result<Vec<String>, UnitError> {
        if !crate::flows::asks_others(&self.card) {
            return Ok(Vec::new());
        }
        let found = tx.fetch(&sql::system_approvals::running(tx.dialect(), record)).await?;
        Ok(found.into_iter().filter_map(|row| match row.into_iter().next() { Some(Datum::Text(workflow)) => Some(workflow), _ => None }).collect())
    }

    /// What is decided on stays as those who decide see it, but for what its state leaves open.
    pub(super) async fn check_applied(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let Some(stored) = stored.filter(|_| self.is_by_people() && merged.is_change()) else { return Ok(()) };
        if self.applied(tx, stored.id).await?.is_empty() {
            return Ok(());
        }
        let open = |name: &str| self.card.workflows.keys().any(|key| self.card.state(key.as_str(), stored).is_some_and(|(_, state)| self.card.opens(state, name)));
        let own = merged.changed.iter().filter(|key| self.card.field(key.as_str()).is_some_and(|field| !field.system && !field.workflow)).map(Ident::as_str);
        let rows = merged.rows.keys().map(|(table, _)| table.as_str());
        let mut shut: Vec<&str> = own.chain(rows).filter(|name| !open(name)).collect();
        shut.dedup();
        violations.extend(shut.into_iter().map(|name| Violation::new(name, Code::Applied)));
        Ok(())
    }

    /// Whether people ask for this change: what the engine moves on its own is not locked.
    fn is_by_people(&self) -> bool {
        match self.mode {
            Mode::Plain | Mode::Back(_) | Mode::Several(_) => !self.actor.is_unbounded_system(),
            Mode::State(_) | Mode::Pool(_) | Mode::Relink(_) => false,
        }
    }

    /// Keeps the change of a state, with how long the one before lasted.
    pub(super) async fn staged(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record) -> Result<(), UnitError> {
        let (Mode::State(state), Some(stored)) = (&self.mode, stored) else { return Ok(()) };
        let key = state.workflow.as_str();
        let [from, to] = [stored, record].map(|record| record.get(key).as_text().unwrap_or_default());
        if from == to {
            return Ok(());
        }
        let last = tx.fetch(&kept::last(tx.dialect(), stored.id, key)).await?.into_iter().next();
        let since = match (last.as_deref(), stored.get("created_at")) {
            (Some([Datum::Instant(at), _]), _) => *at,
            (_, Value::Instant(at)) => *at,
            _ => self.actor.now,
        };
        let new = kept::NewStage {
            card: self.card.key.as_str(),
            record: stored.id,
            workflow: key,
            transition: (!state.back).then_some(state.transition.as_str()),
            states: [from, to],
            by: self.actor.user,
            at: self.actor.now,
            since,
            comment: state.comment.as_deref(),
        };
        tx.execute(&kept::put(tx.dialect(), &new)).await?;
        Ok(())
    }
}
