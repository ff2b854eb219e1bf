//! Several lists of one card at once: the lanes of a board.

use super::*;

/// The first page of each list. All are asked for in one statement, and what stands elsewhere once for all of them.
pub async fn lanes(app: &App, snapshot: &Snapshot, actor: &Actor, lists: &[GatedQuery], locale: &Locale) -> Result<Vec<Page>, AppError> {
    let (catalog, began) = (&snapshot.catalog, std::time::Instant::now());
    let (Some(first), Some(lowered)) = (lists.first(), sql::page::several(catalog, app.store.dialect(), lists)) else { return Ok(Vec::new()) };
    let mut source = Source::App(app);
    let mut parts: Vec<[Vec<Vec<sql::Datum>>; 2]> = lists.iter().map(|_| Default::default()).collect();
    for row in source.fetch(&lowered.statement).await? {
        let Some(sql::Datum::Integer(part)) = row.last() else { continue };
        if let Some(list) = usize::try_from(part / 2).ok().and_then(|place| parts.get_mut(place)) {
            list[usize::from(part % 2 == 1)].push(row);
        }
    }
    let mut pages: Vec<Page> = lists.iter().zip(parts).map(|(gated, [filled, empty])| bare(catalog, gated, &lowered, filled.into_iter().chain(empty).collect(), locale)).collect();
    let counts: Vec<usize> = pages.iter().map(|page| page.items.len()).collect();
    let items = pages.iter_mut().flat_map(|page| std::mem::take(&mut page.items)).collect();
    let mut all = Page { columns: first.query().select.clone(), child_columns: IndexMap::new(), items, titles: Titles::new(), files: HashMap::new(), next: None };
    fill_own_sides(&mut source, catalog, first, &mut all).await?;
    add_titles_and_files(&mut source, catalog, actor, locale, &mut all).await?;
    let mut items = all.items.into_iter();
    for (page, count) in pages.iter_mut().zip(counts) {
        page.items = items.by_ref().take(count).collect();
        page.titles.clone_from(&all.titles);
        page.files.clone_from(&all.files);
    }
    crate::advice::notice(app, first, began.elapsed());
    Ok(pages)
}
