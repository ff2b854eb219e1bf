//! Invented words in three languages, and the frame.

use std::collections::HashMap;

use web::templates::language;
use web::view::{Avatar, Cell, FolderItem, Language, LinkChip, NavItem, NavModule, Shell, Tag, Theme, Tone, UserChip, Widget};

/// `"Orders|订单|訂單"` in a language.
pub fn l(lang: &str, words: &str) -> String {
    let mut parts = words.split('|');
    let english = parts.next().unwrap_or_default();
    match lang {
        "zh-Hans" => parts.next().unwrap_or(english),
        "zh-Hant" => parts.nth(1).unwrap_or(english),
        _ => english,
    }
    .to_owned()
}

pub fn lang_of(query: &HashMap<String, String>) -> &'static str {
    language(query.get("lang").map_or("en", String::as_str))
}

pub fn shell(query: &HashMap<String, String>, card: &str) -> Shell {
    let lang = lang_of(query);
    let theme = match query.get("theme").map(String::as_str) {
        Some("dark") => Theme::Dark,
        Some("light") => Theme::Light,
        _ => Theme::System,
    };
    let item = |key: &str, icon: &str, words: &str| NavItem { label: l(lang, words), icon: icon.into(), url: format!("/c/{key}"), current: key == card, count: None };
    let module = |key: &str, icon: &str, words: &str, folded: bool, items: Vec<NavItem>| NavModule { key: key.into(), label: if words.is_empty() { String::new() } else { l(lang, words) }, icon: icon.into(), folded, items };
    let languages = web::templates::LANGUAGES.map(|(code, name)| Language { code: code.into(), name: name.into(), current: code == lang });
    let folder = |id: &str, words: &str, tone: Tone| FolderItem { id: id.into(), label: l(lang, words), tone, url: format!("/fav/{id}"), may_fill: true, ..FolderItem::default() };
    Shell {
        pins: Vec::new(),
        unread: 3,
        favourites: vec![folder("1", "Key accounts Q4|四季度重点客户|四季度重點客戶", Tone::Amber), folder("2", "Trade-fair leads|展会线索|展會線索", Tone::Violet)],
        lang: lang.into(),
        languages: languages.into(),
        theme,
        density: query.get("density").cloned().unwrap_or_default(),
        point: '.',
        csrf: "gallery-token".into(),
        company: "Deepblue Trading".into(),
        user: Some(UserChip { name: "Lin Wei".into(), initials: "LW".into(), tone: Tone::Teal, detail: "lin.wei@deepblue.example".into(), admin: true }),
        nav: vec![
            module("", "", "", false, vec![item("desk", "house", "My desk|我的工作台|我的工作台"), NavItem { count: Some("3".into()), ..item("inbox", "inbox", "Inbox|收件箱|收件匣") }]),
            module("base", "building-2", "Base data|基础资料|基礎資料", false, vec![
                item("customer", "building-2", "Customers|客户|客戶"), item("contact", "contact-round", "Contacts|联系人|聯絡人"), item("product", "package", "Products|产品|產品"), item("unit", "ruler", "Units|计量单位|計量單位"),
            ]),
            module("sales", "handshake", "Sales|销售|銷售", false, vec![
                item("opportunity", "kanban", "Opportunities|销售机会|銷售機會"), item("contract", "file-signature", "Contracts|合同|合約"), item("order", "receipt-text", "Orders|订单|訂單"), item("receipt", "banknote", "Receipts|收款|收款"),
            ]),
            module("service", "headset", "Service|服务|服務", true, vec![item("complaint", "message-square-warning", "Complaints|投诉|投訴"), item("dispatch", "route", "Dispatch|派工|派工")]),
            module("people", "users-round", "People|人事|人事", true, vec![item("employee", "id-card", "Employees|员工|員工"), item("department", "network", "Departments|部门|部門")]),
        ],
        home_url: "/c/customer".into(),
        create_url: Some(format!("/c/{card}/new")),
        create_label: Some(l(lang, "New customer|新建客户|新增客戶")),
        palette_card: Some(card.into()),
        palette_label: l(lang, "Customers|客户|客戶"),
        viewing: false,
        draft_scope: "gallery.lin-wei".into(),
        drafts: true,
        shortcuts_off: false,
        here: format!("/c/{card}"),
        notice: query.get("notice").cloned(),
        flash: query.get("flash").cloned(),
    }
}

pub fn cell(widget: Widget, text: impl Into<String>) -> Cell {
    let text = text.into();
    Cell { widget, raw: text.clone(), text, ..Cell::default() }
}

pub fn money(amount: i64) -> Cell {
    let digits = amount.abs().to_string();
    let mut text = String::from("¥");
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    Cell { widget: Widget::Money, raw: amount.to_string(), text: if amount == 0 { String::new() } else { text }, ..Cell::default() }
}

pub fn tag(text: &str, tone: Tone) -> Tag {
    Tag { value: text.to_lowercase(), text: text.into(), tone }
}

pub fn choice(text: &str, tone: Tone) -> Cell {
    Cell { widget: Widget::Choice, text: text.into(), raw: text.to_lowercase(), tags: vec![tag(text, tone)], ..Cell::default() }
}

pub fn person(name: &str) -> Cell {
    let link = LinkChip { value: name.to_lowercase().replace(' ', "-"), title: Some(name.into()), url: None, kind: None, avatar: Some(Avatar::person(name)) };
    Cell { widget: Widget::User, text: name.into(), links: vec![link], ..Cell::default() }
}

pub fn link(card: &str, title: &str) -> Cell {
    let value = title.to_lowercase().replace(' ', "-");
    let link = LinkChip { url: Some(format!("/c/{card}/{value}")), value, title: Some(title.into()), kind: None, avatar: None };
    Cell { widget: Widget::Link, text: title.into(), links: vec![link], ..Cell::default() }
}
