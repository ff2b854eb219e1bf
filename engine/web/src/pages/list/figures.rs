//! How many rows there are, and their totals: fetched after the rows.

use app::{AppError, lists};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{Aggregate, FieldKind, Path};
use query::{Count as Counting, ListRequest, TotalRequest};

use super::{Address, Asked, Reader, ask, columns::columns};
use crate::{
    Site,
    view::{Count, TotalsRow},
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

/// The total a column has: the view's own choice, else the sum of money.
pub(super) fn total_of(asked: &Asked<'_>, path: &Path, snapshot: &app::Snapshot) -> Option<Aggregate> {
    let chosen = asked.list.totals.iter().find(|(known, _)| known == path).map(|(_, function)| *function);
    let field = path.field(&snapshot.catalog)?;
    chosen.or_else(|| matches!(&field.kind, FieldKind::Decimal(settings) if settings.flavour == model::DecimalFlavour::Money && field.column().is_some() && path.hops.is_empty()).then_some(Aggregate::Sum))
}

/// `GET /c/{card}/totals`
pub async fn totals(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let wanted: Vec<Option<Aggregate>> = asked.columns.iter().map(|path| total_of(&asked, path, snapshot)).collect();
        let totals = asked.columns.iter().zip(&wanted).filter_map(|(path, function)| Some(TotalRequest { field: path.to_string(), function: (*function)? })).collect();
        let request = ListRequest { totals, limit: Some(1), ..asked.request(&[]) };
        let gated = lists::ask(snapshot, &reader.asker.actor, &key, &request)?;
        let mut values = lists::totals(&site.app, snapshot, &gated).await?.into_iter();
        let one = |(path, function): (&Path, &Option<Aggregate>)| {
            function.as_ref()?;
            let value = values.next()?;
            let field = path.field(&snapshot.catalog)?;
            Some(form::format::text(&field.kind, &value, &reader.asker.locale)).filter(|text| !text.is_empty())
        };
        let texts = asked.columns.iter().zip(&wanted).map(one).collect();
        Ok::<_, AppError>(TotalsRow { totals: texts, columns: columns(&reader, &asked) })
    };
    match answer.await {
        Ok(totals) => reader.draw(&site, "list/totals.html", Some(&key), &totals),
        Err(error) => reader.failed(&site, &error),
    }
}
