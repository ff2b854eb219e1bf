//! The fields that every record has by itself, and the engine's own card of users.

use indexmap::IndexMap;

use std::sync::Arc;

use crate::{
    Card, Field, FieldKind, FieldType, Ident, LinkKind, OnDelete, Source, Storage, Table, TextFlavour, TextKind, Title, TitlePart, Track,
    def::Labels,
    path::{Path, TableRef},
};

/// Keys of the fields that every record has by itself; no definition may use them. Child rows have `position` too.
pub const ENGINE_FIELDS: [&str; 11] =
    ["id", "version", "created_at", "created_by", "updated_at", "updated_by", "owner", "org_unit", "site", "trashed_at", "parent_id"];

fn key(text: &str) -> Ident {
    Ident::new(text).unwrap_or_else(|_| unreachable!("the engine's own keys are plain words"))
}

/// The key of the card of users.
pub(crate) fn user_key() -> Ident {
    key(crate::USER_CARD)
}

fn labels(en: &str, hans: &str, hant: &str) -> Labels {
    Labels(IndexMap::from([("en".into(), en.into()), ("zh-Hans".into(), hans.into()), ("zh-Hant".into(), hant.into())]))
}

fn own(name: &str, words: Labels, type_name: FieldType, kind: FieldKind, pack: &Ident) -> (Ident, Field) {
    let field = Field {
        key: key(name),
        id: key(name),
        pack: pack.clone(),
        labels: words,
        help: Labels::default(),
        placeholder: Labels::default(),
        widget: None,
        kind,
        type_name,
        storage: Storage::Column(name.to_owned()),
        source: Source::Entered,
        default: None,
        required: false,
        unique: false,
        read_only: true,
        track: Track::None,
        secret: false,
        required_when: None,
        visible_when: None,
        read_only_when: None,
        emphasis: Vec::new(),
        system: true,
        workflow: false,
        fixed: false,
    };
    (field.key.clone(), field)
}

fn link(target: Ident) -> FieldKind {
    FieldKind::Link(Arc::new(LinkKind { target, multiple: false, category: false, condition: None, on_delete: OnDelete::SetNull, history: false }))
}

fn text(max: u32) -> FieldKind {
    FieldKind::Text(TextKind { flavour: TextFlavour::Text, min: 0, max, pattern: None })
}

fn id_field(card: Option<&Ident>, pack: &Ident) -> (Ident, Field) {
    // A record's id is a link to itself: it is compared, and read, as one.
    let kind = link(card.cloned().unwrap_or_else(user_key));
    own("id", labels("Id", "标识", "識別碼"), FieldType::Link, kind, pack)
}

/// The fields every record has.
pub(crate) fn of_card(pack: &Ident, org: Option<&Ident>) -> IndexMap<Ident, Field> {
    let integer = FieldKind::Integer { min: None, max: None };
    let mut fields = IndexMap::from([
        id_field(None, pack),
        own("version", labels("Version", "版本", "版本"), FieldType::Integer, integer, pack),
        own("created_at", labels("Created", "创建时间", "建立時間"), FieldType::Datetime, FieldKind::Datetime, pack),
        own("created_by", labels("Created by", "创建人", "建立者"), FieldType::User, link(user_key()), pack),
        own("updated_at", labels("Changed", "修改时间", "修改時間"), FieldType::Datetime, FieldKind::Datetime, pack),
        own("updated_by", labels("Changed by", "修改人", "修改者"), FieldType::User, link(user_key()), pack),
        own("owner", labels("Owner", "负责人", "負責人"), FieldType::User, link(user_key()), pack),
        own("site", labels("Site", "站点", "站台"), FieldType::Text, text(64), pack),
        own("trashed_at", labels("Deleted", "删除时间", "刪除時間"), FieldType::Datetime, FieldKind::Datetime, pack),
    ]);
    if let Some(org) = org {
        let (key, field) = own("org_unit", labels("Org unit", "所属部门", "所屬部門"), FieldType::Link, link(org.clone()), pack);
        fields.insert(key, field);
    }
    fields
}

/// The fields every child row has.
pub(crate) fn of_child(pack: &Ident) -> IndexMap<Ident, Field> {
    IndexMap::from([
        id_field(None, pack),
        own("position", labels("Position", "序号", "序號"), FieldType::Integer, FieldKind::Integer { min: None, max: None }, pack),
    ])
}

/// The engine's own card of users: read through the same gate as any other, written by the account use cases.
pub(crate) fn user_card() -> Card {
    let pack = user_key();
    let column = |name: &str, column: &str, words: Labels, type_name: FieldType, kind: FieldKind| {
        let (key, field) = own(name, words, type_name, kind, &pack);
        (key, Field { storage: Storage::Column(column.to_owned()), ..field })
    };
    let fields = IndexMap::from([
        id_field(Some(&pack), &pack),
        column("name", "display_name", labels("Name", "姓名", "姓名"), FieldType::Text, text(255)),
        column("login", "login", labels("Sign-in name", "登录名", "登入名稱"), FieldType::Text, text(255)),
        column("active", "active", labels("Active", "启用", "啟用"), FieldType::Boolean, FieldKind::Boolean),
    ]);
    let table = TableRef::card(&pack);
    Card {
        key: pack.clone(),
        id: pack.clone(),
        pack: pack.clone(),
        labels: labels("User", "用户", "使用者"),
        plurals: labels("Users", "用户", "使用者"),
        help: Labels::default(),
        icon: "user".into(),
        title: Title(vec![TitlePart::Path(Path::own(table.clone(), key("name")))]),
        table: Table { becoming: Vec::new(), card: pack.clone(), child: None, id: pack.clone(), physical: "sys_user".into(), labels: Labels::default(), fields, unique: Vec::new(), rows: (0, None) },
        children: IndexMap::new(),
        numbering: None,
        tree: None,
        rules: Vec::new(),
        tabs: Vec::new(),
        unique: Vec::new(),
        indexes: Vec::new(),
        search: vec![Path::own(table.clone(), key("name")), Path::own(table, key("login"))],
        duplicates: Vec::new(),
        entered_from: None,
        rights_of: Vec::new(),
        no_overlap: None,
        pool: None,
        as_of: false,
        conversions: Vec::new(),
        workflows: IndexMap::new(),
        hooks: Vec::new(),
        schedules: Vec::new(),
        actions: Vec::new(),
        guards: IndexMap::new(),
        views: Vec::new(),
        grants: Vec::new(),
        bounds: Vec::new(),
        set_aside: Vec::new(),
        builtin: true,
    }
}
