//! Scripts: those that packs bring, and who names them.
//!
//! **Not here:** whether they compile (`app::scripts`), running them (`script`).

use super::{Merged, Origin, condition};
use crate::{Action, Card, Catalog, Hook, Ident, Schedule, Scopes, ScriptFile, diagnostic::Diagnostic, load::PackSource, schedule};

/// Every script of every pack.
pub(super) fn collect(packs: &[&PackSource], catalog: &mut Catalog) {
    for pack in packs {
        let Some(manifest) = &pack.manifest else { continue };
        for (file, bytes) in pack.files.iter().filter(|(file, _)| file.starts_with("scripts/") && file.ends_with(".rhai")) {
            let script = ScriptFile { pack: manifest.id.clone(), file: file.clone() };
            catalog.scripts.insert(script, String::from_utf8_lossy(bytes).into());
        }
    }
}

/// The scripts that a card names are there.
pub(super) fn resolve(card: &mut Card, part: &Merged, catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    for (origin, scripts) in &part.scripts {
        for (hook, name, file) in
            [(Hook::BeforeSave, "/before_save", &scripts.before_save), (Hook::AfterSave, "/after_save", &scripts.after_save), (Hook::OnTransition, "/on_transition", &scripts.on_transition)]
        {
            if let Some(script) = file.as_ref().and_then(|file| find(catalog, origin, name, file, findings)) {
                card.hooks.push((hook, script));
            }
        }
        if scripts.on_transition.is_some() && card.workflows.is_empty() {
            findings.push(origin.error("/on_transition", format!("`{}` has no transitions", card.key)));
        }
        for (index, def) in scripts.on_schedule.iter().enumerate() {
            let at = |name: &str| format!("/on_schedule/{index}{name}");
            if card.schedules.iter().any(|known| known.id == def.id) {
                findings.push(origin.error(&at("/id"), format!("there is a schedule `{}` already", def.id)));
            }
            if let Err(wrong) = schedule::check(&def.cron) {
                findings.push(origin.error(&at("/cron"), wrong).help("minute, hour, day of the month, month, day of the week: \"0 8 * * MON-FRI\""));
            }
            if let Some(zone) = def.zone.as_ref().filter(|zone| schedule::zone(zone).is_none()) {
                findings.push(origin.error(&at("/zone"), format!("`{zone}` is no time zone")).help("a name such as Asia/Shanghai or UTC"));
            }
            if let Some(when) = &def.condition {
                condition(catalog, &Scopes::of(card.table.reference()), when, origin, &at("/where"), findings);
            }
            let Some(script) = find(catalog, origin, &at("/run"), &def.run, findings) else { continue };
            card.schedules.push(Schedule { id: def.id.clone(), labels: def.labels.clone(), cron: def.cron.clone(), zone: def.zone.clone(), script, condition: def.condition.clone() });
        }
    }
    let table = card.table.reference();
    for (origin, def) in &part.actions {
        if card.actions.iter().any(|known| known.id == def.id) {
            findings.push(origin.error("/id", format!("there is an action `{}` already", def.id)));
        }
        let unknown = def.roles.iter().filter(|role| !catalog.roles.contains_key(*role));
        findings.extend(unknown.map(|role| origin.error("/roles", format!("there is no role `{role}`")).near(role.as_str(), catalog.roles.keys().map(Ident::as_str))));
        let when = def.when.as_ref().and_then(|when| condition(catalog, &Scopes::of(table.clone()), when, origin, "/when", findings));
        let Some(script) = find(catalog, origin, "/run", &def.run, findings) else { continue };
        let icon = def.icon.clone().unwrap_or_else(|| "play".to_owned());
        card.actions.push(Action { id: def.id.clone(), labels: def.labels.clone(), icon, script, roles: def.roles.clone(), when, list: def.list });
    }
    for (key, workflow) in &card.workflows {
        for transition in &workflow.transitions {
            let pointer = if *key == "state" && !part.def.transitions.is_empty() { format!("/transitions/{}", transition.id) } else { format!("/workflows/{key}/transitions/{}", transition.id) };
            transition.run.iter().for_each(|file| drop(find(catalog, &part.origin, &pointer, file, findings)));
        }
    }
}

/// A script of the pack in which something was written.
fn find(catalog: &Catalog, origin: &Origin, pointer: &str, file: &str, findings: &mut Vec<Diagnostic>) -> Option<ScriptFile> {
    let script = ScriptFile { pack: origin.pack.clone(), file: file.to_owned() };
    if catalog.scripts.contains_key(&script) {
        return Some(script);
    }
    let known = catalog.scripts.keys().filter(|known| known.pack == origin.pack).map(|known| known.file.as_str());
    let finding = origin.error(pointer, format!("the pack has no script `{file}`")).near(file, known);
    findings.push(if finding.help.is_none() { finding.help("a file of the pack, such as scripts/check.rhai") } else { finding });
    None
}
