//! Out of the pool and back into it: a change of owner with limits of its own, decided inside the transaction.
//!
//! **Invariants**
//! - The record is held before its owner is looked at: of two claimers one wins, the other is told.
//! - Claims of one user wait for each other, so that limits hold however many arrive at once.

use super::*;
use model::Pool;
use query::Count;
use sql::system_pool as kept;

/// For so long a record that was claimed is told of as one that lay in the pool.
const JUST_NOW: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// Which way an owner changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// Out of the pool, to the actor.
    Claim,
    /// Back into the pool, by its owner or by those who may assign.
    Release,
    /// Back into the pool, since nothing happened for too long; before this moment nothing did.
    Return { idle_since: DateTime<Utc> },
}

impl Move {
    fn word(self) -> &'static str {
        match self {
            Self::Claim => "claimed",
            Self::Release => "released",
            Self::Return { .. } => "returned",
        }
    }
}

fn conflict(code: &'static str, detail: impl Into<String>) -> UnitError {
    AppError::Conflict { code, detail: detail.into(), blockers: Vec::new() }.into()
}

impl Work {
    /// A change of owner: who may claim may release what is theirs.
    pub(crate) fn pooled(app: &App, actor: &Actor, card: &str, id: Uuid, way: Move, batch: Option<Uuid>) -> Result<Self, AppError> {
        let snapshot = app.snapshot();
        let card = snapshot.card(card)?.clone();
        let gated = gate_write(&snapshot.catalog, actor, &card, ActionName::Claim)?;
        if card.pool.is_none() {
            return Err(AppError::not_found("pool"));
        }
        let options = Options { batch, ..Options::default() };
        Ok(Self { actor: actor.clone(), card, gated, id: Some(id), body: Map::new(), options, site: app.site.clone(), shared: None, asks_ahead: true, mode: Mode::Pool(way), snapshot, home: Home::of(app), outer: None, person: None })
    }

    /// Whether the stored record may be moved at all: claims by the rows one may claim, releases by whose it is.
    pub(super) fn reached_by(&self) -> Condition {
        match self.mode {
            Mode::Pool(Move::Release | Move::Return { .. }) => Condition::always(),
            _ => self.gated.rows(),
        }
    }

    pub(super) async fn move_owner(&self, tx: &mut Tx, stored: &Record, way: &Move, draft: &mut Draft) -> Result<(), UnitError> {
        let Some(pool) = &self.card.pool else { return Err(AppError::not_found("pool").into()) };
        let owner = stored.get("owner").as_id();
        if let Some((when, _)) = &pool.when {
            let bound = bind_for(&self.actor, self.catalog(), when);
            if !self.admits(tx, stored.id, &bound).await? {
                return Err(conflict("not_pooled", "the pool is not about this record"));
            }
        }
        let (owner_now, unit_now) = match way {
            Move::Claim => {
                self.check_claim(tx, stored, pool, owner).await?;
                (self.actor.user.map_or(Value::Empty, Value::Id), self.actor.org_unit.map_or(Value::Empty, Value::Id))
            }
            Move::Release => {
                let mine = owner.is_some() && owner == self.actor.user;
                if !mine && !self.may_take(tx, stored.id).await? {
                    return Err(match self.refusal(tx, stored.id).await? {
                        AppError::Forbidden { .. } if owner.is_none() => conflict("in_pool", "this record lies in the pool already"),
                        refusal => refusal.into(),
                    });
                }
                if owner.is_none() {
                    return Err(conflict("in_pool", "this record lies in the pool already"));
                }
                (Value::Empty, Value::Empty)
            }
            Move::Return { idle_since } => {
                // Whoever was given it a moment ago has the whole time, however long it lay before.
                let owned = tx.fetch(&kept::last_owned(tx.dialect(), stored.id)).await?.into_iter().flatten().next();
                let used = matches!(owned, Some(Datum::Instant(at)) if at > *idle_since) || last_activity(stored, pool).is_none_or(|at| at > *idle_since);
                if owner.is_none() || used {
                    return Err(conflict("in_use", "somebody worked on this record meanwhile"));
                }
                (Value::Empty, Value::Empty)
            }
        };
        let mut put = |name: &str, value: Value| {
            if let Some(field) = self.card.table.fields.get(name) {
                draft.values.insert(field.key.clone(), value);
            }
        };
        put("owner", owner_now);
        if *way == Move::Claim && self.actor.org_unit.is_some() {
            put("org_unit", unit_now);
        }
        Ok(())
    }

    /// Those who may assign release what others hold.
    async fn may_take(&self, tx: &mut Tx, id: Uuid) -> Result<bool, UnitError> {
        match access::gate(self.catalog(), &self.actor, &self.card, ActionName::Assign) {
            Ok(gate) => self.admits(tx, id, &gate.rows()).await,
            Err(_) => Ok(false),
        }
    }

    async fn check_claim(&self, tx: &mut Tx, stored: &Record, pool: &Pool, owner: Option<Uuid>) -> Result<(), UnitError> {
        let Some(user) = self.actor.user else { return Err(AppError::forbidden("the system claims nothing").into()) };
        if owner == Some(user) {
            return Err(conflict("claimed", "this record is yours already"));
        }
        if owner.is_some() {
            return Err(conflict("claimed", "somebody else was quicker: this record has an owner"));
        }
        if let Some(hold) = kept::hold_user(tx.dialect(), user) {
            tx.fetch(&hold).await?;
        }
        let now = self.actor.now;
        if let Some(most) = pool.hold {
            let held = self.held(tx, user, pool).await?;
            if held >= i64::from(most) {
                return Err(conflict("pool_limit", format!("you hold {held} records of this pool; {most} is the most. Release some first")));
            }
        }
        let number = |rows: Vec<Vec<Datum>>| match rows.into_iter().flatten().next() {
            Some(Datum::Integer(number)) => number,
            _ => 0,
        };
        if let Some(most) = pool.per_day {
            let since = self.actor.day_start(self.actor.today());
            let today = number(tx.fetch(&kept::claims_since(tx.dialect(), user, self.card.key.as_str(), since)).await?);
            if today >= i64::from(most) {
                return Err(conflict("pool_limit", format!("you claimed {today} records today; {most} a day is the most")));
            }
        }
        if let Some(days) = pool.cooldown {
            let since = now - chrono::TimeDelta::days(i64::from(days));
            if number(tx.fetch(&kept::lost_since(tx.dialect(), user, stored.id, since)).await?) > 0 {
                return Err(conflict("pool_cooldown", format!("you gave this record back within the last {days} days; let somebody else try")));
            }
        }
        Ok(())
    }

    /// Who asks for a record that is theirs, or that lay in the pool a moment ago, is told what became of it. Of others'
    /// records nothing is told.
    pub(super) async fn say_claimed(&self, tx: &mut Tx, stored: &Record) -> Result<(), UnitError> {
        let owner = stored.get("owner").as_id();
        if owner.is_some() && owner == self.actor.user {
            return Err(conflict("claimed", "this record is yours already"));
        }
        let since = self.actor.now - JUST_NOW;
        let taken = tx.fetch(&kept::claimed_since(tx.dialect(), stored.id, since)).await?.into_iter().flatten().next();
        match taken {
            Some(Datum::Integer(count)) if owner.is_some() && count > 0 => Err(conflict("claimed", "somebody else was quicker: this record has an owner")),
            _ => Ok(()),
        }
    }

    /// How many records of the pool a user holds.
    async fn held(&self, tx: &mut Tx, user: Uuid, pool: &Pool) -> Result<i64, UnitError> {
        let own = serde_json::json!({"field": "owner", "op": "is", "value": user.to_string()});
        let filter = match &pool.when {
            None => own,
            Some((_, when)) => serde_json::json!({"all": [own, when.to_json()]}),
        };
        let request = query::ListRequest { filter: Some(filter), count: Count::Exact, fields: Some(vec!["id".into()]), ..query::ListRequest::default() };
        let system = Actor::system(Reason::Integrity, self.actor.now);
        let gated = crate::lists::ask(&self.snapshot, &system, self.card.key.as_str(), &request)?;
        let lowered = select::count(self.catalog(), tx.dialect(), &gated, None);
        let row = tx.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
        Ok(match lowered.decode(row).first() {
            Some(Value::Int(count)) => *count,
            _ => 0,
        })
    }

    /// Keeps what limits count.
    pub(super) async fn moved(&self, tx: &mut Tx, record: Uuid, owner: Option<Uuid>) -> Result<(), UnitError> {
        let Mode::Pool(way) = self.mode else { return Ok(()) };
        let user = match way {
            Move::Claim => self.actor.user,
            Move::Release | Move::Return { .. } => owner,
        };
        if let Some(user) = user {
            tx.execute(&kept::put(tx.dialect(), self.card.key.as_str(), record, user, way.word(), self.actor.now)).await?;
        }
        Ok(())
    }
}

/// When something last happened to a record, by the field its pool names.
fn last_activity(record: &Record, pool: &Pool) -> Option<DateTime<Utc>> {
    match record.get(pool.activity.as_str()) {
        Value::Instant(at) => Some(*at),
        Value::Date(day) => Some(day.and_time(chrono::NaiveTime::MIN).and_utc()),
        // Nothing ever happened: the record counts from when it was made.
        _ => match record.get("created_at") {
            Value::Instant(at) => Some(*at),
            _ => None,
        },
    }
}
