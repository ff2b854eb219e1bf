//! All checked definitions at one instant: what every other room reads.
//!
//! **Invariants**
//! - Immutable once built; a publish makes another one.
//! - Physical names come from element ids, never from keys a rename may change.
//!
//! **Not here:** building one from packs (`build`), finding what changed (`diff`).

use std::sync::Arc;

use indexmap::IndexMap;

use crate::{
    Aggregate, ActionName, Condition, DuplicatesDef, EmphasisDef, FieldClass, FieldRight, Filter, Ident, Labels, NumberingDef,
    OnDelete, OptionDef, Path, RowSource, Severity, TableRef, Track, ViewKind, ViewParameterDef, WorkflowDef,
    def::{ConversionDef, GroupDef, MenuGroupDef, ParameterKind, Rounding},
};
use rust_decimal::Decimal;

/// The key of the engine's own card of users.
pub const USER_CARD: &str = "user";

/// All checked definitions at one instant.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Counts publishes; part of every statement's text, so that no cached plan outlives its schema.
    pub version: u64,
    /// Cards by key, in order of packs and files.
    pub cards: IndexMap<Ident, Arc<Card>>,
    /// User groups by key.
    pub roles: IndexMap<Ident, Role>,
    /// What `@me.NAME` stands for.
    pub bindings: IndexMap<Ident, Binding>,
    /// What org units are.
    pub org: Option<OrgUnits>,
    /// The sidebar's groups, in order.
    pub menu: Vec<MenuGroupDef>,
    /// Packs by key, with their versions.
    pub packs: IndexMap<Ident, PackInfo>,
    /// Scripts by pack and file, as they were written.
    pub scripts: IndexMap<ScriptFile, Arc<str>>,
}

/// What is known of an installed pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackInfo {
    /// Semantic version.
    pub version: String,
    /// The pack's name.
    pub labels: Labels,
}

/// A script of a pack: `sales`, `scripts/check.rhai`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScriptFile {
    /// The pack.
    pub pack: Ident,
    /// The file in it.
    pub file: String,
}

impl std::fmt::Display for ScriptFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.pack, self.file)
    }
}

/// When a script of a card runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// On the record as it will be, before it is validated.
    BeforeSave,
    /// When it is written, in the same transaction.
    AfterSave,
    /// With each transition.
    OnTransition,
}

/// A script that runs at certain times.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its identity.
    pub id: Ident,
    /// What it does.
    pub labels: Labels,
    /// When, as it is written.
    pub cron: String,
    /// In which zone; the site's when not said.
    pub zone: Option<String>,
    /// The script.
    pub script: ScriptFile,
    /// The records it runs for; once, for none, when not said. Checked, kept as written, since a question resolves it.
    pub condition: Option<crate::Filter>,
}

/// A button that runs a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its identity.
    pub id: Ident,
    /// The words on it.
    pub labels: Labels,
    /// A Lucide icon.
    pub icon: String,
    /// The script.
    pub script: ScriptFile,
    /// Who sees it; empty for all who may change the record.
    pub roles: Vec<Ident>,
    /// Offered only while this holds.
    pub when: Option<Condition>,
    /// Offered for selected records of a list, too.
    pub list: bool,
}

/// A kind of record.
#[derive(Debug, Clone)]
pub struct Card {
    /// Its key.
    pub key: Ident,
    /// Its permanent identity.
    pub id: Ident,
    /// The pack it came with.
    pub pack: Ident,
    /// One record of it.
    pub labels: Labels,
    /// Many of them.
    pub plurals: Labels,
    /// What it is for.
    pub help: Labels,
    /// A Lucide icon.
    pub icon: String,
    /// How a record is called.
    pub title: Title,
    /// Its records' own table.
    pub table: Table,
    /// Its child tables by key.
    pub children: IndexMap<Ident, Table>,
    /// Numbers given to new records.
    pub numbering: Option<NumberingDef>,
    /// The link to the record above, where records form a tree.
    pub tree: Option<Ident>,
    /// What must hold.
    pub rules: Vec<Rule>,
    /// The layout.
    pub tabs: Vec<Tab>,
    /// Sets of fields unique together, single unique fields included.
    pub unique: Vec<Vec<Ident>>,
    /// Sets of fields indexed together.
    pub indexes: Vec<Vec<Ident>>,
    /// What search finds records by.
    pub search: Vec<Path>,
    /// What looks like the same record twice.
    pub duplicates: Vec<DuplicatesDef>,
    /// Records without an owner are claimed from, and go back to, a pool.
    pub pool: Option<Pool>,
    /// The link to the record that records are entered from, and stay with.
    pub entered_from: Option<Ident>,
    /// Fields that are seen only by whoever sees another.
    pub rights_of: Vec<(Ident, Ident)>,
    /// How records were is kept.
    pub as_of: bool,
    /// Bookings that may not overlap.
    pub no_overlap: Option<NoOverlap>,
    /// Records that can be made from one.
    pub conversions: Vec<ConversionDef>,
    /// Workflows by the field they set.
    pub workflows: IndexMap<Ident, WorkflowDef>,
    /// Scripts that run by themselves, in order.
    pub hooks: Vec<(Hook, ScriptFile)>,
    /// Scripts that run at certain times.
    pub schedules: Vec<Schedule>,
    /// Buttons that run scripts.
    pub actions: Vec<Action>,
    /// What must hold for transitions, by their ids.
    pub guards: IndexMap<Ident, Condition>,
    /// Lists that come with packs.
    pub views: Vec<View>,
    /// Rights, from the card, from roles, and from administrators, in order of their groups.
    pub grants: Vec<Grant>,
    /// What all rights stay within.
    pub bounds: Vec<Bound>,
    /// Grants of packs that an administrator took back or changed: as the packs have them.
    pub set_aside: Vec<Grant>,
    /// One of the engine's own cards: read through the same gate, written by other means.
    pub builtin: bool,
}

impl Card {
    /// The table of that name: the card's own for `None`.
    pub fn table_of(&self, child: Option<&Ident>) -> Option<&Table> {
        match child {
            None => Some(&self.table),
            Some(child) => self.children.get(child),
        }
    }
    /// The grants of one group.
    pub fn grants_of(&self, role: &Ident) -> &[Grant] {
        let from = self.grants.partition_point(|grant| grant.role < *role);
        let count = self.grants[from..].partition_point(|grant| grant.role == *role);
        &self.grants[from..from + count]
    }
    /// A field of the record itself.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.table.fields.get(key)
    }
}

/// Bookings of the same thing that may not overlap.
#[derive(Debug, Clone)]
pub struct NoOverlap {
    /// What is booked.
    pub by: Ident,
    /// First moment, or day.
    pub from: Ident,
    /// Moment after the last, or last day.
    pub to: Ident,
    /// Which records are bookings, with the condition as written.
    pub when: Option<(Condition, Filter)>,
}

/// Records or child rows: one table of the database.
#[derive(Debug, Clone)]
pub struct Table {
    /// The card.
    pub card: Ident,
    /// The child table's key, where it is one.
    pub child: Option<Ident>,
    /// The table's permanent identity.
    pub id: Ident,
    /// The physical name: `c_order`, `c_order__lines`.
    pub physical: String,
    /// The table's name on the screen (child tables).
    pub labels: Labels,
    /// Fields by key, the engine's own first.
    pub fields: IndexMap<Ident, Field>,
    /// Fields that are becoming another type: as they will be, by their present key. Whatever is written to the field
    /// is written there too.
    pub becoming: Vec<Field>,
    /// Sets of fields unique among the rows of one record.
    pub unique: Vec<Vec<Ident>>,
    /// Fewest and most rows.
    pub rows: (u32, Option<u32>),
}

impl Table {
    /// Which table this is.
    pub fn reference(&self) -> TableRef {
        TableRef { card: self.card.clone(), child: self.child.clone() }
    }
    /// A field by key, the engine's own included.
    pub fn field(&self, key: &Ident) -> Option<&Field> {
        self.fields.get(key)
    }
    /// The fields of the definition, without the engine's own.
    pub fn own_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values().filter(|field| !field.system)
    }
}

/// A slot of a card.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its key.
    pub key: Ident,
    /// Its permanent identity.
    pub id: Ident,
    /// The pack that added it.
    pub pack: Ident,
    /// Its name on the screen.
    pub labels: Labels,
    /// A sentence of help.
    pub help: Labels,
    /// An example.
    pub placeholder: Labels,
    /// How it is shown.
    pub widget: Option<String>,
    /// What it holds.
    pub kind: FieldKind,
    /// The word its definition uses for the type.
    pub type_name: crate::FieldType,
    /// Where it is stored.
    pub storage: Storage,
    /// Where its value comes from.
    pub source: Source,
    /// What a new record starts with.
    pub default: Option<serde_json::Value>,
    /// Must be filled in.
    pub required: bool,
    /// No two records share a value.
    pub unique: bool,
    /// Never set by hand.
    pub read_only: bool,
    /// How its history is kept.
    pub track: Track,
    /// Write-only.
    pub secret: bool,
    /// Must be filled in while this holds.
    pub required_when: Option<Condition>,
    /// Shown only while this holds.
    pub visible_when: Option<Condition>,
    /// Not editable while this holds.
    pub read_only_when: Option<Condition>,
    /// When its value stands out in lists; checked, kept as written, since a question resolves it.
    pub emphasis: Vec<EmphasisDef>,
    /// One of the engine's own: `id`, `version`, `created_at` …
    pub system: bool,
    /// A workflow sets it.
    pub workflow: bool,
    /// It is set when the record is made, and stays: the record is entered from there.
    pub fixed: bool,
}

impl Field {
    /// The word for its type.
    pub fn kind_name(&self) -> &'static str {
        self.type_name.name()
    }
    /// The path a live fetch reads.
    pub fn live_source(&self) -> Option<&str> {
        match &self.source {
            Source::Live { path } => Some(path),
            _ => None,
        }
    }
    /// The link at whose setting it is copied.
    pub fn copied_from(&self) -> Option<&Ident> {
        match &self.source {
            Source::Snapshot { path, .. } => match path.hops.first() {
                Some(crate::Hop::Link { field, .. } | crate::Hop::AnyLink { field, .. }) => Some(field),
                _ => None,
            },
            _ => None,
        }
    }
    /// Whether it is taken through a link and follows what stands there.
    pub fn is_kept(&self) -> bool {
        matches!(self.source, Source::Snapshot { kept: true, .. })
    }
    /// Whether it keeps where it led before, in a child table of its own.
    pub fn is_dated(&self) -> bool {
        matches!(&self.kind, FieldKind::Link(link) if link.history)
    }
    /// Whether people, not the engine, fill it in.
    pub fn is_editable(&self) -> bool {
        !self.system && !self.read_only && !self.workflow && matches!(self.source, Source::Entered | Source::Snapshot { editable: true, .. })
    }
    /// Its physical column, where it has exactly one.
    pub fn column(&self) -> Option<&str> {
        match &self.storage {
            Storage::Column(name) | Storage::CardAndColumn { id: name, .. } => Some(name),
            Storage::Side { .. } | Storage::Nowhere => None,
        }
    }
    /// The class it belongs to, as definitions say it.
    pub fn class(&self) -> Option<FieldClass> {
        self.secret.then_some(FieldClass::Secret)
    }
}

/// Where a field is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In a column of its table: `f_total`.
    Column(String),
    /// A link to one of several cards: the id's column, and the card key's.
    CardAndColumn { id: String, card: String },
    /// Several values in a table of their own (`owner_id, position, value`): `m_customer__tags`.
    Side { table: String },
    /// Not at all (live fetch).
    Nowhere,
}

impl FieldKind {
    /// What happens to a link when its target goes.
    pub fn on_delete(&self) -> Option<OnDelete> {
        match self {
            Self::Link(link) => Some(link.on_delete),
            Self::AnyLink { on_delete, .. } => Some(*on_delete),
            _ => None,
        }
    }
}

/// Where a field's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// People, or a default, or numbering.
    Entered,
    /// A formula over the same record.
    Computed { expr: String, rounding: Rounding },
    /// An aggregate over rows that belong to the record.
    Rollup(Box<Rollup>),
    /// Another record's field, read by join.
    Live { path: String },
    /// Another record's field, stored when the link is set, or, `kept`, as it is there now; `more` are ways to it through
    /// other targets of the same link.
    Snapshot { path: Path, editable: bool, kept: bool, more: Vec<Path> },
}

/// An aggregate over rows that belong to a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollup {
    /// The rows.
    pub rows: RowSource,
    /// What is done with them.
    pub function: Aggregate,
    /// The field aggregated, seen from a row.
    pub field: Option<Path>,
    /// Which rows count.
    pub condition: Option<Condition>,
    /// The same as written, so that pages can ask for the rows.
    pub written: Option<Filter>,
    /// What stands between the texts of `concat`.
    pub separator: String,
}

/// What a field holds, with the settings of its type.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    /// text, long_text, email, phone, url
    Text(TextKind),
    /// rich_text: a document as JSON
    RichText,
    /// integer
    Integer { min: Option<i64>, max: Option<i64> },
    /// decimal, money, percent
    Decimal(DecimalKind),
    /// rating: 1 to `max`
    Rating { max: i64 },
    /// boolean
    Boolean,
    /// date
    Date,
    /// time
    Time,
    /// datetime
    Datetime,
    /// duration, in seconds
    Duration,
    /// choice, choices
    Choice { options: Arc<[OptionDef]>, multiple: bool },
    /// link, links, category, user (whose target is the card `user`)
    Link(Arc<LinkKind>),
    /// link_any
    AnyLink { targets: Vec<Ident>, on_delete: OnDelete },
    /// address
    Address,
    /// geo
    Geo,
    /// file, files, image
    File(FileKind),
    /// formula
    Formula { context: Option<serde_json::Value> },
    /// json
    Json { schema: Option<serde_json::Value> },
    /// colour: one of the eight tones, or `#rrggbb`
    Colour,
}

/// Settings of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextKind {
    /// Which of the five.
    pub flavour: TextFlavour,
    /// Fewest characters.
    pub min: u32,
    /// Most characters.
    pub max: u32,
    /// A pattern the whole text matches.
    pub pattern: Option<String>,
}

/// The text-like types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TextFlavour { Text, LongText, Email, Phone, Url }

/// Settings of exact numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalKind {
    /// Which of the three.
    pub flavour: DecimalFlavour,
    /// Digits after the point.
    pub scale: u8,
    /// How results are rounded.
    pub rounding: Rounding,
    /// Smallest value.
    pub min: Option<Decimal>,
    /// Largest value.
    pub max: Option<Decimal>,
}

/// The exact number types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DecimalFlavour { Decimal, Money, Percent }

/// Settings of links.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkKind {
    /// The card pointed to.
    pub target: Ident,
    /// Several.
    pub multiple: bool,
    /// A category of a tree card.
    pub category: bool,
    /// Which records may be pointed to.
    pub condition: Option<Condition>,
    /// What happens when the target goes.
    pub on_delete: OnDelete,
    /// Earlier targets are kept with from and to.
    pub history: bool,
}

/// Settings of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileKind {
    /// Pictures only.
    pub image: bool,
    /// Several.
    pub multiple: bool,
    /// Largest, in bytes.
    pub max_size: Option<u64>,
    /// Media types taken.
    pub types: Vec<String>,
}

/// How a record is called: words and paths in turn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Title(pub Vec<TitlePart>);

/// A part of a title.
#[derive(Debug, Clone, PartialEq)]
pub enum TitlePart {
    /// Words as they stand.
    Words(String),
    /// The text of a field.
    Path(Path),
}

impl Title {
    /// The paths it names, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|part| match part {
            TitlePart::Path(path) => Some(path),
            TitlePart::Words(_) => None,
        })
    }
}

/// What must hold for every record.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its identity.
    pub id: Ident,
    /// The pack it came with.
    pub pack: Ident,
    /// It speaks when this is true.
    pub when: Condition,
    /// Error or warning.
    pub severity: Severity,
    /// The field it speaks of: key, or child table and key.
    pub field: Option<(Option<Ident>, Ident)>,
    /// What the person reads.
    pub message: Labels,
}

/// A tab of the layout.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Tab {
    pub id: Ident,
    pub labels: Labels,
    pub icon: Option<String>,
    pub visible_when: Option<Condition>,
    pub content: TabContent,
}

/// What a tab holds.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum TabContent { Sections(Vec<Section>), Panel(Panel) }

/// A section of a tab.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Section {
    pub id: Ident,
    pub labels: Labels,
    pub help: Labels,
    pub columns: u8,
    pub collapsed: bool,
    pub visible_when: Option<Condition>,
    pub content: SectionContent,
}

/// What a section holds.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum SectionContent { Fields(Vec<Placed>), Panel(Panel) }

/// A field in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Placed { pub field: Ident, pub span: Option<u8> }

/// A part of a layout that shows rows, history or files.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Panel {
    pub labels: Labels,
    pub content: PanelContent,
}

/// What a panel shows.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum PanelContent {
    Child { table: Ident, columns: Vec<Ident>, totals: Vec<Ident> },
    Related { table: TableRef, by: Path, columns: Vec<Path>, totals: Vec<Path>, sort: Option<String>, condition: Option<Condition>, create: bool },
    Tree { card: Ident, by: Path },
    History,
    Activity,
    Files { field: Ident },
    Series { field: Ident },
    Figures { fields: Vec<Ident> },
}

/// A saved list.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its identity, unique in the card: a pack's word, or the id of one that somebody keeps.
    pub id: String,
    /// Its name.
    pub labels: Labels,
    /// How records are drawn.
    pub kind: ViewKind,
    /// Columns: path and width in pixels.
    pub columns: Vec<(Path, Option<u16>)>,
    /// Which records; checked, kept as written so that pages can show it as chips.
    pub filter: Option<Filter>,
    /// In which order: `-date,no`.
    pub sort: Option<String>,
    /// Grouped by what, outermost first; as written, since only a question resolves it.
    pub group_by: Vec<GroupDef>,
    /// Totals by column.
    pub totals: Vec<(Path, Aggregate)>,
    /// When values of a column stand out.
    pub emphasis: Vec<(Path, Vec<EmphasisDef>)>,
    /// Of a board: the choice its columns are of. Of a calendar: the day or moment records stand at.
    pub by: Option<Path>,
    /// Of a calendar: the day or moment records last until.
    pub until: Option<Path>,
    /// What is asked when it is opened: `@param.NAME` of its filter.
    pub parameters: IndexMap<Ident, ViewParameterDef>,
    /// The roles that see it; empty for all.
    pub roles: Vec<Ident>,
    /// The folder it stands in.
    pub folder: Labels,
    /// Opened first.
    pub default: bool,
}

/// A user group.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Role {
    pub key: Ident,
    pub pack: Ident,
    pub labels: Labels,
    pub help: Labels,
    pub portal: bool,
    /// Made by an administrator, not by a pack.
    pub local: bool,
}

/// What a role may do with a card's records.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// By which it is known: `pack/card/role` of a pack's, the id of one that an administrator made.
    pub id: String,
    /// The pack it came with; `None` for one that an administrator made or changed.
    pub pack: Option<Ident>,
    /// The pack's grant that an administrator put this in the place of.
    pub replaces: Option<String>,
    /// Why it matches nothing, though it is there: what it names is gone.
    pub fault: Option<String>,
    /// The condition of its scope as written, where it is one.
    pub written: Option<Filter>,
    /// Who.
    pub role: Ident,
    /// What; never [`ActionName::All`], which is written out.
    pub actions: Vec<ActionName>,
    /// To which records.
    pub scope: Scope,
    /// Rights on fields: (child table, field) → right; `edit` where nothing is said.
    pub fields: IndexMap<(Option<Ident>, Ident), FieldRight>,
}

/// Which records a grant speaks of.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Scope {
    All,
    Own,
    Shared,
    OrgUnit,
    OrgTree,
    Subordinates,
    Pool,
    Filter(Condition),
}

/// What every grant of a card stays within.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// By which it is known: `pack/card/id`, or the id of one that an administrator made.
    pub id: String,
    /// The pack it came with; `None` for an administrator's.
    pub pack: Option<Ident>,
    /// Which records can be reached.
    pub scope: Scope,
    /// Groups that it does not hold for.
    pub except: Vec<Ident>,
    /// Why it lets nothing through: what it names is gone.
    pub fault: Option<String>,
    /// The condition of its scope as written, where it is one.
    pub written: Option<Filter>,
}

/// Records without an owner, from which people take what they work on.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Records it is about; checked, and as written for lists.
    pub when: Option<(Condition, Filter)>,
    /// Most records one user holds at a time.
    pub hold: Option<u32>,
    /// Most records one user claims in a day.
    pub per_day: Option<u32>,
    /// Days without activity after which a record goes back.
    pub return_after: Option<u32>,
    /// The date of the last activity.
    pub activity: Ident,
    /// Days for which who gave a record back does not claim it again.
    pub cooldown: Option<u32>,
}

/// What `@me.NAME` stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The card whose user field is the user at hand.
    pub card: Ident,
    /// That field.
    pub by: Ident,
    /// From there on; `None` is the record itself.
    pub path: Option<Path>,
    /// The card of the record it ends at, where it ends at a link.
    pub target: Option<Ident>,
}

/// What org units are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct OrgUnits { pub card: Ident, pub parent: Option<Ident>, pub manager: Option<Ident> }

/// What a mixin asks of the card that uses it.
pub type MixinParameters = IndexMap<Ident, ParameterKind>;

impl Catalog {
    /// The card of that key.
    pub fn card(&self, key: &(impl AsRef<str> + ?Sized)) -> Option<&Arc<Card>> {
        self.cards.get(key.as_ref())
    }
    /// The table of that reference.
    pub fn table(&self, reference: &TableRef) -> Option<&Table> {
        self.cards.get(&reference.card)?.table_of(reference.child.as_ref())
    }
    /// Every link that points to `card`: (table, field).
    pub fn links_to<'c>(&'c self, card: &'c Ident) -> impl Iterator<Item = (&'c Table, &'c Field)> {
        let tables = self.cards.values().flat_map(|card| std::iter::once(&card.table).chain(card.children.values()));
        tables.flat_map(|table| table.fields.values().map(move |field| (table, field))).filter(move |(_, field)| match &field.kind {
            FieldKind::Link(link) => link.target == *card,
            FieldKind::AnyLink { targets, .. } => targets.contains(card),
            _ => false,
        })
    }
}

impl AsRef<str> for Ident {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
