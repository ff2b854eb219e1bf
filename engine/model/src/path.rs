//! Paths: how a name such as `customer.industry` or `lines.product.name` is walked through the catalog.

use std::fmt;

use crate::{Card, Catalog, Field, FieldKind, Ident, Table, nearest};

/// Longest path that is followed, in hops.
pub const MAX_HOPS: usize = 6;

/// Where a path starts, and where its fields live: a card, or a child table of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableRef {
    /// The card.
    pub card: Ident,
    /// Its child table, where the rows are those of one.
    pub child: Option<Ident>,
}

impl TableRef {
    /// The records of a card.
    pub fn card(card: &Ident) -> Self {
        Self { card: card.clone(), child: None }
    }
    /// The rows of a child table.
    pub fn child(card: &Ident, child: &Ident) -> Self {
        Self { card: card.clone(), child: Some(child.clone()) }
    }
}

impl fmt::Display for TableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.child {
            None => write!(f, "{}", self.card),
            Some(child) => write!(f, "{}.{child}", self.card),
        }
    }
}

/// A resolved path: from `start` over `hops` to `leaf`, a field of the table reached last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where it starts.
    pub start: TableRef,
    /// The way, one link, child table or parent after the other.
    pub hops: Vec<Hop>,
    /// The field at the end; `id` when the path names a record itself.
    pub leaf: Ident,
    /// A part of the field: `city` of an address, `lat` of a place.
    pub part: Option<Part>,
    /// Where the leaf lives.
    pub end: TableRef,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hop {
    /// Through a single link of the table reached so far (a `user` field leads to the card `user`).
    Link { field: Ident, target: Ident },
    /// Through a field with several links: to many.
    Links { field: Ident, target: Ident },
    /// Through a link to one of several cards, taken to be `target`.
    AnyLink { field: Ident, target: Ident },
    /// Into a child table: to many.
    Child { table: Ident },
    /// From a child row to the record that owns it.
    Parent,
}

/// A named part of a composite value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Part { Country, Region, City, Street, Postcode, Lat, Lon }

impl Part {
    /// Every part, address first.
    pub const ALL: [Self; 7] = [Self::Country, Self::Region, Self::City, Self::Street, Self::Postcode, Self::Lat, Self::Lon];
    /// Its key in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Country => "country", Self::Region => "region", Self::City => "city", Self::Street => "street",
            Self::Postcode => "postcode", Self::Lat => "lat", Self::Lon => "lon",
        }
    }
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PathError {
    /// The path as written.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Path {
    /// Whether the path reaches many rows from one.
    pub fn is_many(&self) -> bool {
        self.hops.iter().any(|hop| matches!(hop, Hop::Child { .. } | Hop::Links { .. }))
    }

    /// A path of one step: a field of the table itself.
    pub fn own(start: TableRef, leaf: Ident) -> Self {
        Self { end: start.clone(), start, hops: Vec::new(), leaf, part: None }
    }

    /// What a path seen from the linked record leads to, seen from here: `name` through `customer`. Nothing where this
    /// is no single link to one card.
    pub fn through(&self, catalog: &Catalog, rest: &Path) -> Option<Path> {
        let (hop, _) = hop_through(self.field(catalog)?, None).ok().filter(|(hop, _)| matches!(hop, Hop::Link { .. }))?;
        let hops = self.hops.iter().cloned().chain([hop]).chain(rest.hops.iter().cloned()).collect();
        Some(Path { start: self.start.clone(), hops, leaf: rest.leaf.clone(), part: rest.part, end: rest.end.clone() })
    }

    /// The field at the end.
    pub fn field<'c>(&self, catalog: &'c Catalog) -> Option<&'c Field> {
        catalog.table(&self.end)?.field(&self.leaf)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hop in &self.hops {
            match hop {
                Hop::Link { field, .. } | Hop::Links { field, .. } => write!(f, "{field}.")?,
                Hop::AnyLink { field, target } => write!(f, "{field}({target}).")?,
                Hop::Child { table } => write!(f, "{table}.")?,
                Hop::Parent => write!(f, "{}.", self.start.card)?,
            }
        }
        write!(f, "{}", self.leaf)?;
        match self.part {
            Some(part) => write!(f, ".{}", part.name()),
            None => Ok(()),
        }
    }
}

/// Resolves `text` from `start`. A live fetch on the way, or at the end, is followed to its source.
pub fn resolve(catalog: &Catalog, start: &TableRef, text: &str) -> Result<Path, PathError> {
    let walk = Walk { catalog, text, fetches: 0 };
    walk.resolve(start, text).map_err(|message| PathError { path: text.to_owned(), message })
}

/// One path being resolved.
struct Walk<'a> {
    catalog: &'a Catalog,
    /// As written first; live fetches have paths of their own.
    text: &'a str,
    /// How many live fetches led here: they may lead round in circles.
    fetches: usize,
}

impl Walk<'_> {
    fn resolve(&self, start: &TableRef, text: &str) -> Result<Path, String> {
        let mut table = self.catalog.table(start).ok_or_else(|| format!("there is no `{start}`"))?;
        let mut hops: Vec<Hop> = Vec::new();
        let segments: Vec<&str> = text.split('.').collect();
        if segments.len() > MAX_HOPS {
            return Err(format!("`{text}` has more than {MAX_HOPS} steps"));
        }
        for (index, segment) in segments.iter().enumerate() {
            let last = index + 1 == segments.len();
            let (name, cast) = split_cast(segment).ok_or_else(|| format!("`{segment}` is no step of a path"))?;
            if let Some(named) = table.fields.get(name) {
                let (field, owner, part) = self.followed(table, named, &mut hops)?;
                if last {
                    return Ok(Path { start: start.clone(), hops, leaf: field.key.clone(), part, end: owner.reference() });
                }
                if part.is_some() {
                    return Err(format!("nothing follows `{name}` in `{text}`"));
                }
                if let Some(part) = part_of(field, segments[index + 1]) {
                    if index + 2 != segments.len() {
                        return Err(format!("nothing follows `{}` in `{text}`", segments[index + 1]));
                    }
                    return Ok(Path { start: start.clone(), hops, leaf: field.key.clone(), part: Some(part), end: owner.reference() });
                }
                let (hop, target) = hop_through(field, cast)?;
                table = &self.catalog.card(&target).ok_or_else(|| format!("the target `{target}` of `{name}` does not exist"))?.table;
                hops.push(hop);
                continue;
            }
            match step_without_field(self.catalog, table, name) {
                Some((hop, next)) if !last => {
                    hops.push(hop);
                    table = next;
                }
                Some((Hop::Parent, next)) => {
                    hops.push(Hop::Parent);
                    return Ok(Path { start: start.clone(), hops, leaf: id_key(), part: None, end: next.reference() });
                }
                Some(_) => return Err(format!("`{text}` ends at the table `{name}`; name one of its fields, such as `{text}.{}`", first_field(table, name, self.catalog))),
                None => return Err(unknown(table, self.catalog, name)),
            }
        }
        Err("the path is empty".into())
    }

    /// A live fetch is nothing but a path of its own: walked on to the field it reads, and the table that field is in.
    fn followed<'c>(&'c self, table: &'c Table, field: &'c Field, hops: &mut Vec<Hop>) -> Result<(&'c Field, &'c Table, Option<Part>), String> {
        let Some(source) = field.live_source() else { return Ok((field, table, None)) };
        let too_far = || format!("`{}` fetches through more than {MAX_HOPS} steps", self.text);
        if self.fetches >= MAX_HOPS {
            return Err(too_far());
        }
        let rest = Walk { fetches: self.fetches + 1, catalog: self.catalog, text: self.text }.resolve(&table.reference(), source)?;
        hops.extend(rest.hops);
        if hops.len() > MAX_HOPS {
            return Err(too_far());
        }
        let owner = self.catalog.table(&rest.end).ok_or_else(too_far)?;
        Ok((owner.field(&rest.leaf).ok_or_else(too_far)?, owner, rest.part))
    }
}

fn id_key() -> Ident {
    Ident::new("id").unwrap_or_else(|_| unreachable!("a plain word"))
}

fn first_field(table: &Table, child: &str, catalog: &Catalog) -> String {
    let card = catalog.card(&table.card);
    let found = card.and_then(|card| card.children.get(child)).and_then(|child| child.own_fields().next());
    found.map_or_else(|| "id".into(), |field| field.key.to_string())
}

fn split_cast(segment: &str) -> Option<(&str, Option<&str>)> {
    match segment.split_once('(') {
        None => (!segment.is_empty()).then_some((segment, None)),
        Some((name, rest)) => Some((name, Some(rest.strip_suffix(')')?))),
    }
}

fn part_of(field: &Field, segment: &str) -> Option<Part> {
    let parts: &[Part] = match field.kind {
        FieldKind::Address => &Part::ALL[..5],
        FieldKind::Geo => &Part::ALL[5..],
        _ => return None,
    };
    parts.iter().copied().find(|part| part.name() == segment)
}

fn hop_through(field: &Field, cast: Option<&str>) -> Result<(Hop, Ident), String> {
    let key = field.key.clone();
    if key == "id" {
        return Err("`id` is the record itself and leads nowhere; name its fields directly".into());
    }
    match (&field.kind, cast) {
        (FieldKind::Link(link), None) if link.multiple => Ok((Hop::Links { field: key, target: link.target.clone() }, link.target.clone())),
        (FieldKind::Link(link), None) => Ok((Hop::Link { field: key, target: link.target.clone() }, link.target.clone())),
        (FieldKind::AnyLink { targets, .. }, Some(cast)) => match targets.iter().find(|target| *target == cast) {
            Some(target) => Ok((Hop::AnyLink { field: key, target: target.clone() }, target.clone())),
            None => Err(format!("`{key}` never points to a `{cast}`")),
        },
        (FieldKind::AnyLink { targets, .. }, None) => Err(format!(
            "`{key}` may point to several cards; say which: `{key}({}).…`",
            targets.first().map_or("card", Ident::as_str)
        )),
        _ => Err(format!("`{key}` is a {} and leads nowhere; only links are followed", field.kind_name())),
    }
}

fn step_without_field<'c>(catalog: &'c Catalog, table: &Table, name: &str) -> Option<(Hop, &'c Table)> {
    let card: &Card = catalog.card(&table.card)?;
    if table.child.is_some() {
        return (table.card == *name).then_some((Hop::Parent, &card.table));
    }
    let child = card.children.get(name)?;
    Some((Hop::Child { table: child.child.clone()? }, child))
}

fn unknown(table: &Table, catalog: &Catalog, name: &str) -> String {
    let children = catalog.card(&table.card).filter(|_| table.child.is_none()).into_iter().flat_map(|card| card.children.keys());
    let known = table.fields.keys().chain(children).map(Ident::as_str);
    match nearest(name, known) {
        Some(near) => format!("`{}` has no field `{name}`; did you mean `{near}`?", table.reference()),
        None => format!("`{}` has no field `{name}`", table.reference()),
    }
}
