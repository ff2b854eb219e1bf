//! The list page in its states, its fragments, and the trash.

use std::collections::HashMap;

use axum::extract::Path;
use axum::response::Response;
use web::view::*;

use crate::words::{cell, choice, l, lang_of, money, person, shell};
use crate::{Asked, draw};

type Line = (&'static str, &'static str, Tone, &'static str, &'static str, &'static str, i64, i64, i64, &'static str, &'static str);

const LINES: [Line; 12] = [
    ("Red Lantern Toys", "Repeat|二次销售|二次銷售", Tone::Green, "Lin Wei", "South|华南|華南", "A", 42, 4_268_900, 318_400, "24 Nov 2026", "Send Q1 price list|发送一季度报价|發送一季度報價"),
    ("Harbour Light Gifts", "Contracted|已签约|已簽約", Tone::Teal, "Lin Wei", "Overseas|海外|海外", "A", 31, 3_120_450, 96_200, "24 Nov 2026", "Visit, plan spring order and agree on the new packaging|拜访并商定春季订单|拜訪並商定春季訂單"),
    ("小熊猫玩具有限公司", "Collecting|收款中|收款中", Tone::Amber, "Chen Yu", "East|华东|華東", "B", 27, 1_984_300, 642_800, "23 Nov 2026", "Chase deposit|催收定金|催收訂金"),
    ("Kite & Drum Imports", "Confirmed|商机确认|商機確認", Tone::Violet, "Amy Ho", "Overseas|海外|海外", "B", 9, 865_200, 0, "21 Nov 2026", "Confirm sample sizes|确认样品尺寸|確認樣品尺寸"),
    ("Jade River Novelties", "Tracking|跟进|跟進", Tone::Blue, "Chen Yu", "South|华南|華南", "C", 3, 127_650, 12_900, "18 Nov 2026", "Call back on quote|回访报价|回訪報價"),
    ("Red Banyan Textiles", "Repeat|二次销售|二次銷售", Tone::Green, "Zhou Min", "South|华南|華南", "A", 58, 6_541_200, 410_700, "24 Nov 2026", "Renew frame contract|续签框架合同|續簽框架合約"),
    ("Moonweave Apparel", "Contracted|已签约|已簽約", Tone::Teal, "Zhou Min", "East|华东|華東", "A", 22, 2_210_800, 158_000, "23 Nov 2026", "Quarterly review|季度回顾|季度回顧"),
    ("云朵服饰集团", "Tracking|跟进|跟進", Tone::Blue, "Amy Ho", "East|华东|華東", "B", 6, 403_100, 0, "20 Nov 2026", "Introduce new line|推介新品|推介新品"),
    ("Silkroad Yarn & Dye", "Lead|线索|線索", Tone::Gray, "Zhou Min", "East|华东|華東", "C", 1, 38_400, 38_400, "15 Nov 2026", "Introduce new line|推介新品|推介新品"),
    ("Kaiming Small Appliances", "Collecting|收款中|收款中", Tone::Amber, "Chen Yu", "South|华南|華南", "B", 19, 2_875_000, 887_300, "24 Nov 2026", "Resolve late delivery|处理延期交货|處理延期交貨"),
    ("Bright Gull Lighting", "Confirmed|商机确认|商機確認", Tone::Violet, "Lin Wei", "East|华东|華東", "A", 12, 1_468_900, 73_400, "22 Nov 2026", "Invite to Canton Fair|邀请参加广交会|邀請參加廣交會"),
    ("Northstar Circuits", "Lead|线索|線索", Tone::Gray, "Amy Ho", "South|华南|華南", "B", 0, 0, 0, "16 Nov 2026", ""),
];

pub fn head(lang: &str, card: &str) -> CardHead {
    let (label, plural, icon) = match card {
        "order" => ("order|订单|訂單", "Orders|订单|訂單", "receipt-text"),
        _ => ("customer|客户|客戶", "Customers|客户|客戶", "building-2"),
    };
    CardHead { key: card.into(), label: l(lang, label), plural: l(lang, plural), icon: icon.into(), url: format!("/c/{card}") }
}

fn columns_of(lang: &str) -> Vec<Column> {
    let column = |path: &str, words: &str, icon: &str, width: u16| Column {
        path: path.into(), label: l(lang, words), icon: icon.into(), width,
        sort_url: Some(format!("/c/customer?sort={path}")), asc_url: Some(format!("/c/customer?sort={path}")), desc_url: Some(format!("/c/customer?sort=-{path}")),
        left_url: Some("/c/customer?cols=a".into()), right_url: Some("/c/customer?cols=b".into()), hide_url: Some("/c/customer?cols=c".into()),
        filter_url: Some(format!("/c/customer/filter?field={path}")), ..Column::default()
    };
    let end = |column: Column| Column { align: Align::End, ..column };
    vec![
        Column { hide_url: None, left_url: None, ..column("name", "Customer|客户名称|客戶名稱", "building-2", 214) },
        Column { phone: PhoneSlot::Status, ..column("stage", "Stage|阶段|階段", "milestone", 120) },
        column("owner", "Owner|负责人|負責人", "user-round", 112),
        column("region", "Region|区域|區域", "map-pin", 90),
        column("credit", "Credit|信用|信用", "shield-check", 80),
        end(column("orders", "Orders|订单|訂單", "receipt-text", 84)),
        Column { phone: PhoneSlot::Amount, sorted: Some("descending".into()), ..end(column("revenue", "Revenue|本年销售|本年銷售", "banknote", 120)) },
        end(column("receivable", "Receivable|应收款|應收款", "hourglass", 112)),
        column("contacted", "Contacted|最近联系|最近聯絡", "history", 108),
        column("next", "Next step|下一步|下一步", "footprints", 0),
    ]
}

fn window_of(lang: &str, page: u64) -> RowsWindow {
    let rows = (0..if page > 3 { 12 } else { 100 }).map(|index: u64| {
        let line = &LINES[usize::try_from(index % 12).unwrap_or_default()];
        let number = page * 100 + index + 1;
        let grade = match line.5 { "A" => Tone::Green, "B" => Tone::Blue, _ => Tone::Amber };
        Row {
            id: format!("{number}"), index: number, url: format!("/c/customer/{number}?from=list"), title: line.0.into(), name: line.0.into(), avatar: Some(Avatar::of(line.0)),
            cells: vec![
                cell(Widget::Text, line.0), choice(&l(lang, line.1), line.2), person(line.3), cell(Widget::Text, l(lang, line.4)),
                Cell { widget: Widget::Choices, ..choice(line.5, grade) }, cell(Widget::Integer, if line.6 == 0 { String::new() } else { line.6.to_string() }),
                money(line.7), Cell { attention: line.8 > 600_000, ..money(line.8) }, Cell { raw: "2026-11-24".into(), ..cell(Widget::Date, line.9) }, cell(Widget::Text, l(lang, line.10)),
            ],
            meta: format!("{} · {}", l(lang, line.4), line.3), deletable: true,
            ..Row::default()
        }
    });
    RowsWindow { rows: rows.collect(), columns: columns_of(lang), url: format!("/c/customer/rows?after={page}"), next_url: (page < 8).then(|| format!("/c/customer/rows?after={}", page + 1)), ..RowsWindow::default() }
}

fn list_of(query: &HashMap<String, String>, card: &str) -> ListPage {
    let lang = lang_of(query);
    let view = |id: &str, words: &str| ViewTab { id: id.into(), label: l(lang, words), url: format!("/c/{card}?view={id}"), current: id == "new", ..ViewTab::default() };
    let chip = |icon: &str, label: &str, op: &str, value: &str| FilterChip { icon: icon.into(), label: l(lang, label), op: l(lang, op), value: l(lang, value), edit_url: Some(format!("/c/{card}/filter?field=region&index=0")), dialog_url: None, remove_url: format!("/c/{card}") };
    let state = match query.get("state").map(String::as_str) {
        Some("empty") => ListState::Empty,
        Some("no_match") => ListState::NoMatch,
        Some("failed") => ListState::Failed { message: l(lang, "“regoin” is no field. Did you mean “region”?|没有字段“regoin”，您是指“region”吗？|沒有欄位「regoin」，您是指「region」嗎？") },
        Some("forbidden") => ListState::Forbidden,
        _ => ListState::Rows,
    };
    let bare = matches!(state, ListState::Empty | ListState::Forbidden);
    ListPage {
        card: head(lang, card),
        bar: ViewBar { tabs: vec![view("all", "All customers|全部客户|全部客戶"), view("mine", "Mine|我的客户|我的客戶"), view("new", "New this month|本月新增|本月新增"), view("won", "Won this month|本月成交|本月成交"), view("risk", "At risk|流失风险|流失風險")], ..ViewBar::default() },
        q: query.get("q").cloned().unwrap_or_default(),
        keep: vec![("sort".into(), "-revenue".into())],
        chips: if bare { Vec::new() } else { vec![chip("map-pin", "Region|区域|區域", "is any of|属于|屬於", "East, South|华东、华南|華東、華南"), chip("milestone", "Stage|阶段|階段", "is not|不等于|不等於", "Dormant|休眠|休眠"), chip("calendar-plus", "Created|创建时间|建立時間", "", "this year|本年|本年")] },
        clear_url: Some(format!("/c/{card}")),
        filter_url: format!("/c/{card}/filter"),
        columns_url: format!("/c/{card}/columns"),
        columns: columns_of(lang),
        window: window_of(lang, 0),
        count_url: format!("/c/{card}/count"),
        totals_url: Some(format!("/c/{card}/totals")),
        create_url: Some(format!("/c/{card}/new")),
        can_delete: true,
        delete_url: format!("/c/{card}/delete"),
        trash_url: Some(format!("/c/{card}/trash")),
        import_url: Some(format!("/c/{card}/import")),
        export_url: Some(format!("/c/{card}/export?format=xlsx")),
        export_csv_url: Some(format!("/c/{card}/export?format=csv")),
        state,
        ..ListPage::default()
    }
}

pub async fn index(Path(card): Path<String>, asked: Asked) -> Response {
    draw("list/index.html", &shell(&asked, &card), &list_of(&asked, &card))
}

pub async fn rows(Path(card): Path<String>, asked: Asked) -> Response {
    let page = asked.get("after").and_then(|text| text.parse().ok()).unwrap_or(1);
    draw("list/rows.html", &shell(&asked, &card), &window_of(lang_of(&asked), page))
}

pub async fn count(Path(card): Path<String>, asked: Asked) -> Response {
    let exact = asked.contains_key("exact");
    let count = Count { text: if exact { "2,906" } else { "≈ 2,900" }.into(), exact, exact_url: format!("/c/{card}/count?exact=1"), rows: 2906 };
    draw("list/count.html", &shell(&asked, &card), &count)
}

pub async fn totals(Path(card): Path<String>, asked: Asked) -> Response {
    let totals = [None, None, None, None, None, Some("11,729"), Some("¥1,224,600,000"), Some("¥120,100,000"), None, None].map(|total| total.map(str::to_owned));
    draw("list/totals.html", &shell(&asked, &card), &TotalsRow { cells: totals.into_iter().map(|text| TotalCell { function: text.as_ref().map(|_| "sum".to_owned()), text, ..TotalCell::default() }).collect(), columns: columns_of(lang_of(&asked)) })
}

pub async fn filter(Path(card): Path<String>, asked: Asked) -> Response {
    let (lang, shell) = (lang_of(&asked), shell(&asked, &card));
    let Some(field) = asked.get("field") else {
        let fields = columns_of(lang).into_iter().map(|column| FilterField { label: column.label, via: None, icon: column.icon, url: format!("/c/{card}/filter?field={}", column.path) });
        let linked = FilterField { label: l(lang, "Industry|行业|行業"), via: Some(l(lang, "Parent company|上级公司|上級公司")), icon: "factory".into(), url: format!("/c/{card}/filter?field=parent.industry") };
        return draw("list/filter_fields.html", &shell, &FilterFields { fields: fields.chain([linked]).collect(), dialog_url: format!("/c/{card}/query") });
    };
    let op = asked.get("op").cloned();
    let word = |value: &str, words: &str, chosen: &str| FilterWord { value: value.into(), text: l(lang, words), selected: value == chosen };
    let (ops, editor): (Vec<(&str, &str)>, ValueEditor) = match field.as_str() {
        "orders" | "revenue" | "receivable" => (vec![("gte", "at least|大于等于|大於等於"), ("lte", "at most|小于等于|小於等於"), ("between", "between|介于|介於"), ("empty", "is empty|为空|為空")], ValueEditor::Number),
        "contacted" => (vec![("in", "is|属于|屬於"), ("before", "before|早于|早於"), ("between", "between|介于|介於"), ("empty", "is empty|为空|為空")], ValueEditor::Period),
        "owner" => (vec![("any_of", "is any of|属于|屬於"), ("is", "is|等于|等於"), ("empty", "is empty|为空|為空")], ValueEditor::Links),
        "name" | "next" => (vec![("contains", "contains|包含|包含"), ("starts_with", "starts with|开头是|開頭是"), ("empty", "is empty|为空|為空")], ValueEditor::Text),
        _ => (vec![("any_of", "is any of|属于|屬於"), ("none_of", "is none of|不属于|不屬於"), ("empty", "is empty|为空|為空")], ValueEditor::Options),
    };
    let chosen = op.unwrap_or_else(|| ops[0].0.to_owned());
    let editor = match chosen.as_str() {
        "empty" => ValueEditor::None,
        "between" if editor == ValueEditor::Number => ValueEditor::NumberRange,
        "between" => ValueEditor::DateRange,
        "before" => ValueEditor::Date,
        "is" if editor == ValueEditor::Links => ValueEditor::Link,
        _ => editor,
    };
    let option = |value: &str, words: &str, tone: Tone| OptionView { value: value.into(), text: l(lang, words), tone, selected: value == "east" };
    let page = FilterEditor {
        action: format!("/c/{card}?sort=-revenue"), filter: r#"{"all":[]}"#.into(), index: asked.get("index").and_then(|text| text.parse().ok()), field: field.clone(),
        label: columns_of(lang).into_iter().find(|column| column.path == *field).map_or_else(|| field.clone(), |column| column.label), icon: "list-filter".into(),
        ops: ops.iter().map(|(value, words)| word(value, words, &chosen)).collect(), op: chosen, url: format!("/c/{card}/filter?field={field}"), editor, widget: Widget::Text,
        values: if editor == ValueEditor::Links { vec![FilterValue { raw: "lin-wei".into(), text: "Lin Wei".into() }] } else { Vec::new() },
        options: vec![option("east", "East|华东|華東", Tone::Blue), option("south", "South|华南|華南", Tone::Green), option("north", "North|华北|華北", Tone::Violet), option("overseas", "Overseas|海外|海外", Tone::Amber)],
        lookup: Some(LookupView { url: "/lookup/user?ctx=customer.owner".into(), needs: Vec::new(), multiple: true }),
        periods: [("today", "today|今天|今天"), ("this_week", "this week|本周|本週"), ("this_month", "this month|本月|本月"), ("last_month", "last month|上月|上月"), ("last_30_days", "last 30 days|最近 30 天|最近 30 天")].iter().map(|(value, words)| word(value, words, "this_month")).collect(),
        error: asked.get("error").cloned(),
    };
    draw("list/filter_editor.html", &shell, &page)
}

pub async fn columns(Path(card): Path<String>, asked: Asked) -> Response {
    let lang = lang_of(&asked);
    let mut columns: Vec<ColumnChoice> = columns_of(lang).into_iter().enumerate().map(|(index, column)| ColumnChoice { path: column.path, label: column.label, via: None, icon: column.icon, shown: index < 9, fixed: index == 0, ..ColumnChoice::default() }).collect();
    columns.push(ColumnChoice { path: "parent.industry".into(), label: l(lang, "Industry|行业|行業"), via: Some(l(lang, "Parent company|上级公司|上級公司")), icon: "factory".into(), ..ColumnChoice::default() });
    draw("list/columns.html", &shell(&asked, &card), &ColumnsMenu { action: format!("/c/{card}"), columns, reset_url: format!("/c/{card}"), ..ColumnsMenu::default() })
}

pub async fn trash(Path(card): Path<String>, asked: Asked) -> Response {
    let lang = lang_of(&asked);
    let row = |id: &str, title: &str, by: &str, when: &str, with: Option<&str>| TrashRow { id: id.into(), title: title.into(), avatar: Some(Avatar::of(title)), by: by.into(), when: l(lang, when), at: "2026-11-24T10:00:00Z".into(), with: with.map(|words| l(lang, words)) };
    let rows = vec![
        row("1", "Paper Crane Crafts", "Lin Wei", "10 minutes ago|10 分钟前|10 分鐘前", None),
        row("2", "锦绣丝绸", "Chen Yu", "yesterday 17:20|昨天 17:20|昨天 17:20", Some("with 3 contacts|连同 3 个联系人|連同 3 個聯絡人")),
        row("3", "Old Mill Ceramics", "Zhou Min", "12 November|11月12日|11月12日", None),
    ];
    let page = TrashPage { card: head(lang, &card), q: String::new(), rows: if asked.get("state").is_some() { Vec::new() } else { rows }, next_url: None, restore_url: format!("/c/{card}/restore"), can_restore: true, purge_url: Some(format!("/c/{card}/purge")), may_empty: true, days: Some(30), ..TrashPage::default() };
    draw("trash/index.html", &shell(&asked, &card), &page)
}
