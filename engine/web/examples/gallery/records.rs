//! The record page: a customer as in the design, an order with lines, and one card with every type of field.

use std::collections::HashMap;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use web::view::*;

use crate::lists::head;
use crate::words::{cell, choice, l, lang_of, link, money, person, shell, tag};
use crate::{Asked, draw};

fn field(key: &str, label: &str, widget: Widget, raw: &str) -> FieldView {
    FieldView { key: key.into(), name: format!("f.{key}"), id: format!("f-{key}"), label: label.into(), widget, right: Right::Edit, cell: cell(widget, raw), raw: raw.into(), span: 1, ..FieldView::default() }
}

fn options(lang: &str, chosen: &str) -> Vec<OptionView> {
    [("toys", "Toys & gifts|玩具礼品|玩具禮品", Tone::Red), ("textiles", "Textiles|纺织服装|紡織服裝", Tone::Violet), ("electronics", "Electronics|电子电器|電子電器", Tone::Teal), ("home", "Home & kitchen|家居厨具|家居廚具", Tone::Amber)]
        .iter().map(|(value, words, tone)| OptionView { value: (*value).into(), text: l(lang, words), tone: *tone, selected: chosen.split(' ').any(|one| one == *value) }).collect()
}

fn lookup(card: &str, multiple: bool) -> Option<LookupView> {
    Some(LookupView { url: format!("/lookup/{card}?ctx=gallery"), needs: Vec::new(), multiple })
}

fn basics(lang: &str, wrong: bool) -> Vec<Section> {
    let text = |key: &str, words: &str, widget, raw: &str| field(key, &l(lang, words), widget, raw);
    let kpis = vec![
        Kpi { label: l(lang, "Revenue this year|本年销售|本年銷售"), value: "¥4.27M".into(), note: "+18%".into(), trend: "up".into() }, Kpi { label: l(lang, "Orders|订单|訂單"), value: "42".into(), note: "+6".into(), trend: "up".into() },
        Kpi { label: l(lang, "Receivable|应收款|應收款"), value: "¥318,400".into(), ..Kpi::default() }, Kpi { label: l(lang, "Overdue|逾期|逾期"), value: "¥42,000".into(), note: l(lang, "12 d|12 天|12 天"), trend: "down".into() },
    ];
    vec![
        Section { id: "kpi".into(), panel: Some(Panel::Kpis { kpis }), ..Section::default() },
        Section {
            id: "basics".into(),
            label: l(lang, "Basics|基本信息|基本資訊"),
            columns: 2,
            fields: vec![
                FieldView { required: true, ..text("name", "Customer name|客户名称|客戶名稱", Widget::Text, "Red Lantern Toys") },
                FieldView {
                    right: Right::Read,
                    icon: Some("hash".into()),
                    note: Some(l(lang, "numbered automatically|自动编号|自動編號")),
                    ..text("code", "Short code|编号|編號", Widget::Text, "C-004217")
                },
                FieldView { options: options(lang, "toys"), ..text("industry", "Industry|行业|行業", Widget::Choice, "toys") },
                FieldView { cell: person("Lin Wei"), lookup: lookup("user", false), ..text("owner", "Owner|负责人|負責人", Widget::User, "lin-wei") },
                FieldView { icon: Some("phone".into()), ..text("phone", "Phone|电话|電話", Widget::Phone, "+86 754 8877 2100") },
                FieldView { icon: Some("globe".into()), ..text("web", "Website|网站|網站", Widget::Url, "https://www.redlantern.example") },
                FieldView { span: 0, ..text("address", "Address|地址|地址", Widget::LongText, "18 Lianhe Road, Chenghai District, Shantou 515800") },
            ],
            ..Section::default()
        },
        Section {
            id: "credit".into(),
            label: l(lang, "Credit|信用|信用"),
            help: Some(l(lang, "visible to Sales managers and Finance|销售经理和财务可见|銷售經理和財務可見")),
            columns: 2,
            fields: vec![
                FieldView { before: Some("¥".into()), recompute: true, ..text("limit", "Credit limit|信用额度|信用額度", Widget::Money, "500000") },
                FieldView {
                    before: Some("¥".into()), series_url: Some("/c/customer/1/series/revenue".into()), ..text("revenue", "Annual revenue|年营业额|年營業額", Widget::Money, "42600000")
                },
                FieldView {
                    right: Right::Read,
                    derived: true,
                    icon: Some("square-function".into()),
                    note: Some(l(lang, "limit − receivable|额度 − 应收|額度 − 應收")),
                    cell: money(181_600),
                    ..text("avail", "Credit available|可用额度|可用額度", Widget::Money, "181600")
                },
                FieldView {
                    error: wrong.then(|| l(lang, "Enter 0 to 180 days.|请输入 0 到 180 天。|請輸入 0 到 180 天。")),
                    help: Some(l(lang, "Counted from the day of the invoice.|自开票日起算。|自開票日起算。")),
                    ..text("terms", "Payment terms (days)|账期（天）|帳期（天）", Widget::Integer, if wrong { "900" } else { "30" })
                },
            ],
            ..Section::default()
        },
        Section { id: "latest".into(), panel: Some(Panel::Related(orders(lang))), ..Section::default() },
    ]
}

fn orders(lang: &str) -> RelatedPanel {
    let column = |words: &str, align| Column { label: l(lang, words), align, ..Column::default() };
    let row = |no: &str, date: &str, state: (&str, Tone), lines: &str, amount, received| RelatedRow { url: Some(format!("/c/order/{no}")), cells: vec![cell(Widget::Text, no), cell(Widget::Date, date), choice(&l(lang, state.0), state.1), cell(Widget::Integer, lines), money(amount), money(received)] };
    RelatedPanel {
        id: "orders".into(), label: l(lang, "Latest orders|最近订单|最近訂單"), count: Some("42".into()),
        columns: vec![column("Order|订单|訂單", Align::Start), column("Date|日期|日期", Align::Start), column("Status|状态|狀態", Align::Start), column("Lines|行数|列數", Align::End), column("Amount|金额|金額", Align::End), column("Received|已收|已收", Align::End)],
        rows: vec![
            row("SO-26-11-0387", "18 Nov 2026", ("In production|生产中|生產中", Tone::Amber), "14", 286_400, 80_000), row("SO-26-10-0311", "29 Oct 2026", ("Shipped|已发货|已出貨", Tone::Green), "9", 174_900, 174_900), row("SO-26-10-0274", "12 Oct 2026", ("Late 3 d|逾期 3 天|逾期 3 天", Tone::Red), "22", 412_750, 200_000),
        ],
        totals: [None, None, None, Some("512"), Some("¥4,268,900"), Some("¥3,950,500")].map(|total| total.map(str::to_owned)).into(),
        create_url: Some("/c/order/new?f.customer=1".into()), create_label: l(lang, "New order|新建订单|新增訂單"), list_url: Some("/c/order".into()), next_url: None,
    }
}

fn changes(lang: &str) -> HistoryPanel {
    let entry = |who: &str, what: &str, time: &str, changes: &[(&str, &str, &str)]| HistoryEntry {
        who: who.into(), avatar: Some(Avatar::person(who)), icon: String::new(), what: l(lang, what), time: time.into(), at: "2026-11-24T11:40:00+08:00".into(),
        changes: changes.iter().map(|(label, old, new)| Change { label: l(lang, label), old: (*old).into(), new: (*new).into() }).collect(), note: None,
    };
    HistoryPanel {
        days: vec![
            HistoryDay { label: l(lang, "Today|今天|今天"), entries: vec![
                HistoryEntry { note: Some(l(lang, "Happy with the October batch. Wants spring samples before 5 December.|对十月批次满意，希望十二月五日前收到春季样品。|對十月批次滿意，希望十二月五日前收到春季樣品。")), ..entry("Lin Wei", "wrote a note|写了备注|寫了備註", "11:40", &[]) },
                entry("Chen Yu", "changed 2 fields|修改了 2 个字段|修改了 2 個欄位", "10:05", &[("Annual revenue|年营业额|年營業額", "¥38,200,000", "¥42,600,000"), ("Credit|信用|信用", "B", "A")]),
            ] },
            HistoryDay { label: l(lang, "Yesterday|昨天|昨天"), entries: vec![
                entry("Zhou Min", "emptied a field|清空了字段|清空了欄位", "17:03", &[("Next step|下一步|下一步", "Call back on quote", "")]),
                HistoryEntry { avatar: None, icon: "workflow".into(), ..entry("Recalculation", "renewed 1 field|更新了 1 个字段|更新了 1 個欄位", "16:22", &[("Receivable|应收款|應收款", "¥238,400", "¥318,400")]) },
            ] },
            HistoryDay { label: l(lang, "12 November|11月12日|11月12日"), entries: vec![entry("Amy Ho", "created this card|创建了此卡片|建立了此卡片", "09:12", &[])] },
        ],
        count: Some("27".into()), next_url: Some("/c/customer/1/history?before=1".into()), url: None,
    }
}

fn tab(lang: &str, card: &str, id: &str, words: &str, count: Option<&str>, current: bool) -> Tab {
    Tab { id: id.into(), label: l(lang, words), count: count.map(str::to_owned), url: format!("/c/{card}/1?tab={id}"), current, ..Tab::default() }
}

fn base(query: &HashMap<String, String>, card: &str) -> RecordPage {
    let lang = lang_of(query);
    let head = head(lang, card);
    let state = query.get("state").map_or("", String::as_str);
    let url = format!("/c/{card}/1");
    RecordPage {
        id: "1".into(), version: 7, title: "Red Lantern Toys".into(), avatar: Some(Avatar { tone: Tone::Red, ..Avatar::of("Red Lantern Toys") }),
        badges: vec![tag(&l(lang, "Repeat|二次销售|二次銷售"), Tone::Green), tag(&l(lang, "Credit A|信用 A|信用 A"), Tone::Green)],
        facts: vec![
            Fact { text: "C-004217".into(), ..Fact::default() }, Fact { icon: "map-pin".into(), text: l(lang, "Chenghai, Shantou|汕头澄海|汕頭澄海"), ..Fact::default() },
            Fact { text: "Lin Wei".into(), avatar: Some(Avatar::person("Lin Wei")), ..Fact::default() }, Fact { icon: "history".into(), text: l(lang, "Changed 2 h ago|2 小时前修改|2 小時前修改"), ..Fact::default() },
        ],
        crumbs: vec![Crumb { label: head.plural.clone(), url: head.url.clone() }, Crumb { label: l(lang, "New this month|本月新增|本月新增"), url: format!("{}?view=new", head.url) }],
        position: Some(Position { text: l(lang, "3 of 2,906|第 3 / 2,906|第 3 / 2,906"), prev_url: Some(url.clone()), next_url: Some(url.clone()), list_url: head.url.clone() }),
        actions: vec![Action { label: l(lang, "Log call|记录通话|記錄通話"), icon: "phone".into(), url: url.clone(), ..Action::default() }, Action { label: l(lang, "New order|新建订单|新增訂單"), icon: "receipt-text".into(), url: "/c/order/new".into(), ..Action::default() }],
        save_url: url.clone(), recompute_url: format!("{url}/recompute"), delete_url: Some(format!("/c/{card}/delete")), copy_url: Some(format!("/c/{card}/new?copy=1")),
        history: Some(changes(lang)), trashed: state == "trashed",
        locked: (state == "locked").then(|| l(lang, "Approved cards are locked. Only the remarks can be changed.|已批准的卡片已锁定，只能修改备注。|已核准的卡片已鎖定，只能修改備註。")),
        errors: if state == "errors" { vec![ErrorItem { field_id: "f-terms".into(), label: l(lang, "Payment terms (days)|账期（天）|帳期（天）"), message: l(lang, "Enter 0 to 180 days.|请输入 0 到 180 天。|請輸入 0 到 180 天。") }] } else { Vec::new() },
        conflict: (state == "conflict").then(|| conflict(lang)),
        card: head, ..RecordPage::default()
    }
}

fn customer(query: &HashMap<String, String>) -> RecordPage {
    let lang = lang_of(query);
    let open = query.get("tab").map_or("main", String::as_str);
    let step = |words: &str, current: bool| Step { label: l(lang, words), done: !current, current, ..Step::default() };
    let later = |tab: Tab| Tab { later_url: Some(format!("/c/customer/1/tab/{}", tab.id)), ..tab };
    let tree = Panel::Tree(TreePanel { id: "units".into(), label: String::new(), create_url: Some("/c/unit/new".into()), create_label: l(lang, "New department|新建部门|新增部門"), nodes: vec![
        TreeNode { title: l(lang, "Purchasing|采购部|採購部"), url: "/c/unit/1".into(), detail: l(lang, "4 contacts|4 个联系人|4 個聯絡人"), open: true, create_url: Some("/c/unit/new".into()), children: vec![
            TreeNode { title: l(lang, "Raw material|原材料组|原料組"), url: "/c/unit/2".into(), ..TreeNode::default() }, TreeNode { title: l(lang, "Packaging|包装组|包裝組"), url: "/c/unit/3".into(), detail: "1".into(), ..TreeNode::default() }] },
        TreeNode { title: l(lang, "Finance|财务部|財務部"), url: "/c/unit/4".into(), ..TreeNode::default() },
    ] });
    let section = |id: &str, label: &str, panel: Panel| Section { id: id.into(), label: l(lang, label), columns: 1, panel: Some(panel), ..Section::default() };
    RecordPage {
        flows: vec![FlowBar { key: "stage".into(), steps: vec![step("Lead|线索|線索", false), step("Tracking|跟进|跟進", false), step("Confirmed|商机确认|商機確認", false), step("Contracted|已签约|已簽約", false), step("Collecting|收款中|收款中", false), step("Repeat|二次销售|二次銷售", true)], actions: vec![FlowAction { id: "close".into(), label: l(lang, "Close|关闭|關閉"), url: "/c/customer/1/step/close".into(), ..FlowAction::default() }], ..FlowBar::default() }],
        tabs: vec![
            Tab { errors: usize::from(query.get("state").is_some_and(|state| state == "errors")), sections: basics(lang, query.get("state").is_some_and(|state| state == "errors")), ..tab(lang, "customer", "main", "Overview|概览|概覽", None, open == "main") },
            Tab { sections: every_type(lang), ..tab(lang, "customer", "types", "Every type|全部类型|全部類型", None, open == "types") },
            Tab { sections: vec![section("tree", "Departments|部门|部門", tree)], ..tab(lang, "customer", "tree", "Departments|部门|部門", Some("4"), open == "tree") },
            later(tab(lang, "customer", "orders", "Orders|订单|訂單", Some("42"), open == "orders")), later(tab(lang, "customer", "receipts", "Receipts|收款|收款", Some("38"), open == "receipts")),
            later(tab(lang, "customer", "bought", "Products bought|已购产品|已購產品", Some("117"), open == "bought")), later(tab(lang, "customer", "complaints", "Complaints|投诉|投訴", Some("1"), open == "complaints")),
        ],
        ..base(query, "customer")
    }
}

fn every_type(lang: &str) -> Vec<Section> {
    let file = |name: &str, icon: &str, size: &str| FileChip { id: name.into(), name: name.into(), size: size.into(), icon: icon.into(), url: "/files/1".into(), thumb: None, note: Some("Lin Wei, 24 Nov".into()) };
    let part = |key: &str, words: &str, raw: &str, wide: bool| PartView { name: format!("f.addr.{key}"), id: format!("f-addr-{key}"), label: l(lang, words), raw: raw.into(), wide, autocomplete: None };
    let inputs: Vec<FieldView> = Widget::ALL.into_iter().map(|widget| {
        let name = widget.name();
        let raw = match widget {
            Widget::Integer | Widget::Decimal | Widget::Money | Widget::Percent => "12345.50", Widget::Rating => "4", Widget::Boolean => "true", Widget::Date => "2026-11-24", Widget::Time => "09:30", Widget::Datetime => "2026-11-24T09:30", Widget::Duration => "1:30",
            Widget::Email => "lin@deepblue.example", Widget::Url => "https://deepblue.example", Widget::Colour => "#2f6fde", Widget::Json => "{\n  \"size\": 3\n}", Widget::Formula => "base * 1.2 + bonus", Widget::Choice => "toys", Widget::Secret => "set",
            _ => "Spring catalogue",
        };
        let mut field = field(&format!("t_{name}"), &name.replace('_', " "), widget, raw);
        match widget {
            Widget::Choice => field.options = options(lang, "toys"),
            Widget::Choices => field.options = options(lang, "toys home"),
            Widget::Link | Widget::Category => { field.cell = link("customer", "Harbour Light Gifts"); field.lookup = lookup("customer", false); }
            Widget::User => { field.cell = person("Lin Wei"); field.lookup = lookup("user", false); }
            Widget::LinkAny => { field.cell = link("order", "SO-26-11-0387"); field.lookup = lookup("any", false); }
            Widget::Links => { field.cell = link("customer", "Harbour Light Gifts"); field.cell.links.push(link("customer", "云朵服饰集团").links.remove(0)); field.lookup = lookup("customer", true); }
            Widget::Address => field.parts = vec![part("street", "Street|街道|街道", "18 Lianhe Road", true), part("city", "City|城市|城市", "Shantou", false), part("postcode", "Postcode|邮编|郵遞區號", "515800", false), part("region", "Region|省份|省份", "Guangdong", false), part("country", "Country|国家|國家", "CN", false)],
            Widget::Geo => field.parts = vec![PartView { name: "f.geo.lat".into(), id: "f-geo-lat".into(), label: l(lang, "Latitude|纬度|緯度"), raw: "23.47".into(), ..PartView::default() }, PartView { name: "f.geo.lon".into(), id: "f-geo-lon".into(), label: l(lang, "Longitude|经度|經度"), raw: "116.75".into(), ..PartView::default() }],
            Widget::File => field.cell.files = vec![file("Contract 2026.pdf", "file-text", "240 KB")],
            Widget::Files => field.cell.files = vec![file("Contract 2026.pdf", "file-text", "240 KB"), file("价格表.xlsx", "file-text", "31 KB")],
            Widget::Money => field.before = Some("¥".into()),
            Widget::Percent => field.after = Some("%".into()),
            _ => {}
        }
        field
    }).collect();
    let reads = inputs.iter().cloned().map(|field| {
        let mut read = FieldView { right: Right::Read, id: format!("{}-r", field.id), name: format!("{}_r", field.name), ..field };
        read.cell.widget = read.widget;
        read.cell.steps = 5;
        if read.cell.tags.is_empty() { read.cell.tags = read.options.iter().filter(|option| option.selected).map(|option| Tag { value: option.value.clone(), text: option.text.clone(), tone: option.tone }).collect(); }
        read
    }).collect();
    vec![
        Section { id: "inputs".into(), label: l(lang, "Inputs|输入|輸入"), columns: 3, fields: inputs, ..Section::default() },
        Section { id: "reads".into(), label: l(lang, "Reading only|只读|唯讀"), columns: 4, collapsed: true, fields: reads, ..Section::default() },
    ]
}

fn order(query: &HashMap<String, String>, new: bool) -> RecordPage {
    let lang = lang_of(query);
    let text = |key: &str, words: &str, widget, raw: &str| field(key, &l(lang, words), widget, raw);
    let base = base(query, "order");
    let read = |field: FieldView| FieldView { right: Right::Read, derived: true, ..field };
    let main = vec![
        Section { id: "head".into(), columns: 3, fields: vec![
            FieldView { right: Right::Read, note: Some(l(lang, "numbered automatically|自动编号|自動編號")), ..text("no", "Number|编号|編號", Widget::Text, if new { "" } else { "SO-202611-0387" }) },
            FieldView { required: true, ..text("date", "Date|日期|日期", Widget::Date, "2026-11-24") },
            FieldView { required: true, recompute: true, cell: if new { Cell::default() } else { link("customer", "Red Lantern Toys") }, lookup: lookup("customer", false), ..text("customer", "Customer|客户|客戶", Widget::Link, "") },
            read(FieldView { cell: money(1_234_500), ..text("total", "Total|合计|合計", Widget::Money, "") }),
            read(FieldView { cell: money(434_500), ..text("open", "Open|未收|未收", Widget::Money, "") }),
            FieldView { options: options(lang, ""), placeholder: None, ..text("way", "Way|方式|方式", Widget::Choice, "") },
        ], ..Section::default() },
        Section { id: "lines".into(), label: l(lang, "Lines|明细|明細"), panel: Some(Panel::Child(lines(lang, if new { 0 } else { 6 }, query.get("state").is_some_and(|state| state == "errors")))), ..Section::default() },
        Section { id: "more".into(), label: l(lang, "Remarks|备注|備註"), columns: 1, collapsed: true, fields: vec![text("remarks", "Remarks|备注|備註", Widget::LongText, "")], ..Section::default() },
    ];
    RecordPage {
        title: if new { l(lang, "New order|新建订单|新增訂單") } else { "SO-202611-0387 Red Lantern Toys".into() }, avatar: None, new, id: if new { String::new() } else { "1".into() },
        badges: if new { Vec::new() } else { vec![tag(&l(lang, "In production|生产中|生產中"), Tone::Amber)] }, facts: if new { Vec::new() } else { base.facts.clone() },
        save_url: if new { "/c/order".into() } else { "/c/order/1".into() }, recompute_url: if new { "/c/order/recompute".into() } else { "/c/order/1/recompute".into() },
        history: if new { None } else { base.history.clone() }, position: if new { None } else { base.position.clone() }, delete_url: if new { None } else { base.delete_url.clone() }, copy_url: None, actions: Vec::new(),
        tabs: if new { vec![Tab { sections: main, ..tab(lang, "order", "main", "Order|订单|訂單", None, true) }] } else { vec![Tab { sections: main, ..tab(lang, "order", "main", "Order|订单|訂單", None, true) }, Tab { later_url: Some("/c/order/1/tab/receipts".into()), ..tab(lang, "order", "receipts", "Receipts|收款|收款", Some("2"), false) }] },
        ..base
    }
}

fn line_field(lang: &str, key: &str, n: &str) -> FieldView {
    let (words, widget) = match key { "product" => ("Product|产品|產品", Widget::Link), "unit" => ("Unit|单位|單位", Widget::Text), "quantity" => ("Quantity|数量|數量", Widget::Decimal), "price" => ("Price|单价|單價", Widget::Money), "due" => ("Due|交期|交期", Widget::Date), _ => ("Amount|金额|金額", Widget::Money) };
    FieldView { key: key.into(), name: format!("c.lines.{n}.{key}"), id: format!("c-lines-{n}-{key}"), label: l(lang, words), widget, right: if matches!(key, "unit" | "amount") { Right::Read } else { Right::Edit }, cell: cell(widget, ""), lookup: (key == "product").then(|| lookup("product", false)).flatten(), recompute: matches!(key, "product" | "quantity" | "price"), ..FieldView::default() }
}

const KEYS: [&str; 6] = ["product", "unit", "quantity", "price", "amount", "due"];

fn lines(lang: &str, count: usize, wrong: bool) -> ChildTableView {
    let names = ["Wooden train set|木制火车|木製火車", "Plush panda 30 cm|毛绒熊猫 30 厘米|絨毛熊貓 30 公分", "Shadow lantern|走马灯|走馬燈"];
    let columns = KEYS.iter().map(|key| {
        let field = line_field(lang, key, "N");
        ChildColumn { recomputing: false, key: (*key).into(), label: field.label, align: if matches!(field.widget, Widget::Decimal | Widget::Money) { Align::End } else { Align::Start }, width: match *key { "product" => 0, "unit" => 70, "quantity" => 100, "due" => 140, _ => 130 }, required: matches!(*key, "product" | "quantity"), total: match *key { "quantity" => Some("1,450".into()), "amount" => Some("¥1,234,500".into()), _ => None } }
    }).collect();
    let rows = (0..count).map(|n| {
        let (quantity, price) = (i64::try_from(n).unwrap_or(0) * 50 + 100, 820);
        let child = |key: &str| {
            let (cell, values) = match key {
                "product" => (link("product", &l(lang, names[n % 3])), vec![format!("p{n}")]), "unit" => (cell(Widget::Text, l(lang, "pcs|件|件")), vec![]), "quantity" => (cell(Widget::Decimal, quantity.to_string()), vec![quantity.to_string()]),
                "price" => (money(price), vec![price.to_string()]), "due" => (Cell { raw: "2026-12-05".into(), ..cell(Widget::Date, "5 Dec 2026") }, vec!["2026-12-05".into()]), _ => (money(quantity * price), vec![]),
            };
            ChildCell { key: key.into(), cell, sent: !values.is_empty(), values, error: None, explain_url: None }
        };
        ChildRow { n, id: format!("row-{n}"), cells: KEYS.iter().map(|key| child(key)).collect(), errors: if wrong && n == 1 { vec![l(lang, "Quantity: at least 0.|数量：至少 0。|數量：至少 0。")] } else { Vec::new() } }
    });
    ChildTableView { key: "lines".into(), label: l(lang, "Lines|明细|明細"), columns, rows: rows.collect(), blank: KEYS.iter().map(|key| line_field(lang, key, "N")).collect(), editable: true, totals: true, error: None }
}

fn conflict(lang: &str) -> Conflict {
    Conflict {
        who: "Chen Yu".into(), when: l(lang, "40 seconds ago|40 秒前|40 秒前"), version: 8, others: 1, reload_url: "/c/customer/1".into(), deleted: false,
        fields: vec![ConflictField { name: "f.limit".into(), label: l(lang, "Credit limit|信用额度|信用額度"), base: money(400_000), theirs: money(600_000), mine: money(500_000), theirs_raw: r#"[["600000",""]]"#.into() }],
    }
}

pub async fn show(Path((card, id)): Path<(String, String)>, asked: Asked) -> Response {
    let page = match card.as_str() { "order" => order(&asked, false), _ => customer(&asked) };
    draw("records/show.html", &shell(&asked, &card), &RecordPage { id, ..page })
}

pub async fn new(Path(card): Path<String>, asked: Asked) -> Response {
    draw("records/show.html", &shell(&asked, &card), &order(&asked, true))
}

pub async fn create(Path(card): Path<String>, asked: Asked) -> Response {
    let mut response = draw("records/_record.html", &shell(&asked, &card), &order(&asked, false));
    response.headers_mut().insert("HX-Push-Url", axum::http::HeaderValue::from_static("/c/order/1"));
    response
}

/// Saves nothing. The name "conflict" clashes, "wrong" is refused, "broken" fails; anything else is well.
pub async fn save(Path((card, _)): Path<(String, String)>, asked: Asked, body: String) -> Response {
    let (lang, shell) = (lang_of(&asked), shell(&asked, &card));
    let with = |state: &str| HashMap::from([("state".to_owned(), state.to_owned()), ("lang".to_owned(), lang.to_owned())]);
    if body.contains("=conflict") && body.contains("version=7") {
        return (StatusCode::PRECONDITION_FAILED, draw("records/conflict.html", &shell, &conflict(lang))).into_response();
    }
    if body.contains("=wrong") {
        return (StatusCode::UNPROCESSABLE_ENTITY, draw("records/_record.html", &shell, &customer(&with("errors")))).into_response();
    }
    if body.contains("=broken") {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let page = if card == "order" { order(&asked, false) } else { customer(&asked) };
    draw("records/_record.html", &shell, &RecordPage { version: 9, ..page })
}

pub async fn recompute(asked: Asked, body: String) -> Response {
    let lang = lang_of(&asked);
    let sent: HashMap<&str, &str> = body.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let number = |name: &str| sent.get(name).and_then(|text| text.replace("%2C", "").parse::<i64>().ok());
    let mut cells = Vec::new();
    let mut total = 0;
    for n in 0..50 {
        if let (Some(quantity), Some(price)) = (number(&format!("c.lines.{n}.quantity")), number(&format!("c.lines.{n}.price"))) {
            total += quantity * price;
            cells.push(RecomputedCell { id: format!("c-lines-{n}-amount"), cell: money(quantity * price), raw: None });
        }
    }
    let available = number("f.limit").map(|limit| FieldView { right: Right::Read, derived: true, cell: money(limit - 318_400), ..field("avail", &l(lang, "Credit available|可用额度|可用額度"), Widget::Money, "") });
    let sum = (total > 0).then(|| FieldView { right: Right::Read, derived: true, cell: money(total), ..field("total", &l(lang, "Total|合计|合計"), Widget::Money, "") });
    let totals = if total > 0 { vec![RecomputedTotal { table: "lines".into(), key: "amount".into(), text: money(total).text }] } else { Vec::new() };
    draw("records/recompute.html", &shell(&asked, "order"), &Recomputed { fields: available.into_iter().chain(sum).collect(), cells, totals })
}

pub async fn tab_sections(lang: &str) -> Tab {
    Tab { sections: vec![Section { id: "related".into(), panel: Some(Panel::Related(orders(lang))), ..Section::default() }], ..Tab::default() }
}

pub async fn tab_page(asked: Asked) -> Response {
    draw("records/tab.html", &shell(&asked, "customer"), &tab_sections(lang_of(&asked)).await)
}

pub async fn history(asked: Asked) -> Response {
    draw("records/history.html", &shell(&asked, "customer"), &HistoryPanel { next_url: None, ..changes(lang_of(&asked)) })
}
