//! How many rows there are, and their totals: fetched after the rows.

use app::{AppError, lists};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{Aggregate, FieldKind, Path, Value, View};
use query::{Count as Counting, ListRequest, TotalRequest};

use super::{Address, Asked, Reader, address::NONE, ask, columns::columns};
use crate::{
    Site,
    view::{Count, TotalCell, TotalsRow, Way},
};

/// `GET /c/{card}/count`: up to 10,000 exactly, beyond that "at least"; exactly on demand.
pub async fn count(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let exact = pairs.iter().any(|(name, value)| name == "exact" && value == "1");
        let request = ListRequest { count: if exact { Counting::Exact } else { Counting::Estimate }, limit: Some(1), ..asked.request(&[]) };
        let gated = lists::ask(&reader.asker.snapshot, &reader.asker.actor, &key, &request)?;
        let counted = lists::count(&site.app, &reader.asker.snapshot, &gated).await?.unwrap_or(lists::Counted { value: 0, exact: true });
        let number = form::format::number_text(counted.value.into(), 0, &reader.asker.locale);
        Ok::<_, AppError>(Count {
            text: if counted.exact { number } else { format!("{number}+") },
            exact: counted.exact,
            exact_url: asked.address.url_with(&format!("{}/count", asked.base()), &[("exact", "1")]),
            rows: if counted.exact { counted.value } else { -1 },
        })
    };
    match answer.await {
        Ok(count) => reader.draw(&site, "list/count.html", Some(&key), &count),
        Err(error) => reader.failed(&site, &error),
    }
}

/// The totals of the columns shown: those the address says, else the view's own and the sums of money.
pub(super) fn asked(reader: &Reader, list: &View, address: &Address, columns: &[Path]) -> Vec<(Path, Aggregate)> {
    let catalog = &reader.asker.snapshot.catalog;
    let one = |path: &Path| -> Option<(Path, Aggregate)> {
        let field = path.field(catalog)?;
        let chosen = list.totals.iter().find(|(known, _)| known == path).map(|(_, function)| *function);
        let money = address.totals.is_empty() && path.hops.is_empty() && matches!(&field.kind, FieldKind::Decimal(settings) if settings.flavour == model::DecimalFlavour::Money);
        let function = chosen.or(money.then_some(Aggregate::Sum))?;
        (query::fitting(catalog, path).contains(&function) && access::may_name(catalog, &reader.asker.actor, path)).then(|| (path.clone(), function))
    };
    columns.iter().filter_map(one).collect()
}

impl Asked<'_> {
    /// The totals as they are asked for.
    pub(super) fn total_requests(&self) -> Vec<TotalRequest> {
        self.totals.iter().map(|(path, function)| TotalRequest { field: path.to_string(), function: *function }).collect()
    }

    /// Totals in words, one for each column; long ones in short where asked for.
    pub(super) fn total_texts(&self, reader: &Reader, values: &[Value], short: bool) -> Vec<Option<String>> {
        let text = |path: &Path| {
            let at = self.totals.iter().position(|(known, _)| known == path)?;
            let kind = total_kind(reader, path, self.totals[at].1)?;
            let words = if short { form::format::short } else { form::format::text };
            Some(words(&kind, values.get(at)?, &reader.asker.locale)).filter(|text| !text.is_empty())
        };
        self.columns.iter().map(text).collect()
    }
}

/// What a total is shown as: counts are whole numbers, an average has two decimals at least.
fn total_kind(reader: &Reader, path: &Path, function: Aggregate) -> Option<FieldKind> {
    let own = model::resolve::kind_of(path, path.field(&reader.asker.snapshot.catalog)?);
    Some(match (function, own) {
        (Aggregate::Count | Aggregate::CountDistinct | Aggregate::CountEmpty, _) => FieldKind::Integer { min: None, max: None },
        (Aggregate::Avg, FieldKind::Integer { .. } | FieldKind::Rating { .. }) => FieldKind::Decimal(model::DecimalKind { flavour: model::DecimalFlavour::Decimal, scale: 2, rounding: model::Rounding::default(), min: None, max: None }),
        (_, own) => own,
    })
}

/// The totals with a column's own changed, as they stand in an address.
fn with_total(asked: &Asked<'_>, path: &Path, function: Option<Aggregate>) -> String {
    let others = asked.totals.iter().filter(|(known, _)| known != path).map(|(known, function)| (known, *function));
    let all: Vec<String> = others.chain(function.map(|function| (path, function))).map(|(path, function)| format!("{path}:{}", function.name())).collect();
    if all.is_empty() { NONE.to_owned() } else { all.join(",") }
}

/// `GET /c/{card}/totals`
pub async fn totals(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let request = ListRequest { totals: asked.total_requests(), limit: Some(1), ..asked.request(&[]) };
        let gated = lists::ask(snapshot, &reader.asker.actor, &key, &request)?;
        let values = lists::totals(&site.app, snapshot, &gated).await?;
        let texts = asked.total_texts(&reader, &values, true).into_iter().zip(asked.total_texts(&reader, &values, false));
        let base = asked.base();
        let cell = |(path, (text, full)): (&Path, (Option<String>, Option<String>))| {
            let current = asked.totals.iter().find(|(known, _)| known == path).map(|(_, function)| *function);
            let named = access::may_name(&snapshot.catalog, &reader.asker.actor, path);
            let fitting = if named { query::fitting(&snapshot.catalog, path) } else { Vec::new() };
            let way = |function: Option<Aggregate>| Way {
                key: function.map_or("none", Aggregate::name).to_owned(),
                url: Address { totals: with_total(&asked, path, function), ..asked.address.clone() }.url(&base),
                current: function == current,
                ..Way::default()
            };
            let ways = if fitting.is_empty() { Vec::new() } else { fitting.into_iter().map(Some).chain([None]).map(way).collect() };
            TotalCell { text, full, function: current.map(|function| function.name().to_owned()), ways }
        };
        let cells = asked.columns.iter().zip(texts).map(cell).collect();
        Ok::<_, AppError>(TotalsRow { cells, columns: columns(&reader, &asked) })
    };
    match answer.await {
        Ok(totals) => reader.draw(&site, "list/totals.html", Some(&key), &totals),
        Err(error) => reader.failed(&site, &error),
    }
}
