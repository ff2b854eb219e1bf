//! The way an application went and goes, for people.

use app::flows::approvals::{Step, Task, Way};

use super::{role, state_tone};
use crate::{
    Site,
    pages::{Reader, words},
    view::{Avatar, WayPerson, WayStep, WayView},
};

/// An application of a record as its page shows it.
pub fn view(site: &Site, reader: &Reader, way: &Way) -> WayView {
    let (actor, approval) = (&reader.asker.actor, &way.approval);
    let mine = approval.applicant.as_ref().is_some_and(|(id, _)| Some(*id) == actor.user);
    WayView {
        title: approval.flow.labels.or_key(&actor.lang, approval.flow.id.as_str()),
        state: approval.state.clone(),
        state_text: reader.t(site, &format!("approval.state.{}", approval.state), &[]),
        tone: state_tone(&approval.state),
        who: approval.applicant.as_ref().map_or_else(|| words::word("system", &actor.lang), |(_, name)| name.clone()),
        when: words::ago(approval.started_at, actor.now, &actor.lang),
        comment: approval.comment.clone(),
        steps: way.steps.iter().map(|one| step(site, reader, one)).collect(),
        decide_url: way.mine.first().map(|task| format!("/approvals/{task}?back=/c/{}/{}", approval.card, approval.record)),
        withdraw_url: (approval.is_running() && (mine || actor.is_administrator())).then(|| format!("/applications/{}/withdraw", approval.id)),
    }
}

fn step(site: &Site, reader: &Reader, step: &Step) -> WayStep {
    let rejected = step.tasks.iter().any(|task| task.state == "rejected");
    let expected = step.expected.iter().map(|name| WayPerson { name: name.clone(), ..WayPerson::default() });
    WayStep {
        label: step.label.clone(),
        state: if rejected { "rejected" } else { step.state },
        state_text: match step.state {
            "coming" | "left_out" => reader.t(site, &format!("approval.step.{}", step.state), &[]),
            _ => String::new(),
        },
        people: step.tasks.iter().map(|task| person(site, reader, task)).chain(expected).collect(),
    }
}

fn person(site: &Site, reader: &Reader, task: &Task) -> WayPerson {
    let actor = &reader.asker.actor;
    let asked = task.user.as_ref().map(|(_, name)| name.clone()).or_else(|| task.role.as_ref().map(|key| role(reader, key))).unwrap_or_default();
    let name = match (&task.decided_by, &task.role) {
        // Of a group, whoever decided.
        (Some((_, name)), Some(key)) => format!("{name} · {}", role(reader, key)),
        _ => asked,
    };
    let shown = task.decided_by.as_ref().or(task.user.as_ref());
    let verdict = reader.t(site, &format!("approval.verdict.{}", task.state), &[]);
    let kind = if task.kind == "asked" { None } else { Some(reader.t(site, &format!("approval.kind.{}", task.kind), &[])) };
    WayPerson {
        avatar: shown.map(|(_, name)| Avatar::person(name)),
        name,
        verdict: kind.map_or_else(|| verdict.clone(), |kind| format!("{kind} · {verdict}")),
        tone: match task.state.as_str() {
            "approved" => "green",
            "rejected" => "red",
            "open" => "amber",
            _ => "gray",
        },
        when: words::ago(task.decided_at.unwrap_or(task.since), actor.now, &actor.lang),
        opinion: task.opinion.clone(),
    }
}
