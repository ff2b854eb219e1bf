//! Everything else: palette, lookups, uploads, preferences, signing in, errors, API documentation.

use axum::extract::{Multipart, Path};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use web::view::*;

use crate::words::{l, lang_of, shell};
use crate::{Asked, draw};

const NAMES: [(&str, &str); 6] = [("Red Lantern Toys", "Chenghai"), ("Red Banyan Textiles", "Foshan"), ("Harbour Light Gifts", "Hamburg"), ("小熊猫玩具有限公司", "上海"), ("云朵服饰集团", "杭州"), ("Lin Wei", "Sales")];

pub async fn palette(asked: Asked) -> Response {
    let lang = lang_of(&asked);
    let q = asked.get("q").cloned().unwrap_or_default();
    let lower = q.to_lowercase();
    let item = |(name, place): &(&str, &str)| {
        let at = name.to_lowercase().find(&lower)?;
        let piece = |text: &str, hit| Piece { text: text.into(), hit };
        Some(PaletteItem { icon: "building-2".into(), label: vec![piece(&name[..at], false), piece(&name[at..at + q.len()], true), piece(&name[at + q.len()..], false)], detail: vec![Piece { text: (*place).into(), hit: false }], url: "/c/customer/1".into(), keys: vec![] })
    };
    let records: Vec<PaletteItem> = NAMES.iter().filter_map(item).take(4).collect();
    let action = |icon: &str, words: &str, url: &str, key: &str| PaletteItem { icon: icon.into(), label: vec![Piece { text: l(lang, words), hit: false }], detail: Vec::new(), url: url.into(), keys: vec![key.into()] };
    let groups = vec![
        PaletteGroup { label: l(lang, "Records|记录|記錄"), count: String::new(), items: records },
        PaletteGroup { label: l(lang, "Actions|操作|操作"), count: String::new(), items: vec![action("plus", "New customer|新建客户|新增客戶", "/c/customer/new", "N"), action("sliders-horizontal", "My preferences|我的设置|我的設定", "/me", "")] },
    ];
    let groups = groups.into_iter().filter(|group| !group.items.is_empty()).collect();
    draw("palette/results.html", &shell(&asked, "customer"), &Palette { groups, all_url: (!q.is_empty()).then(|| "/search".into()), note: l(lang, "7 of 214 in 11 ms|7 / 214，11 毫秒|7 / 214，11 毫秒"), q, rebuilding: String::new() })
}

pub async fn lookup(asked: Asked) -> Response {
    let lang = lang_of(&asked);
    let q = asked.get("q").cloned().unwrap_or_default();
    let options = NAMES.iter().filter(|(name, _)| name.to_lowercase().contains(&q.to_lowercase()));
    let options = options.map(|(name, place)| LookupOption { value: name.to_lowercase().replace(' ', "-"), title: (*name).into(), pieces: vec![Piece { text: (*name).into(), hit: false }], detail: vec![Piece { text: (*place).into(), hit: false }], avatar: Some(Avatar::of(name)), url: Some("/c/customer/1".into()) }).collect();
    let target = asked.get("for").cloned().unwrap_or_default();
    draw("lookup/options.html", &shell(&asked, "customer"), &LookupResults { target, q, options, more: true, create_url: Some("/c/customer/new".into()), create_label: Some(l(lang, "New customer|新建客户|新增客戶")) })
}

pub async fn upload(mut parts: Multipart) -> Response {
    while let Ok(Some(part)) = parts.next_field().await {
        if let Some(name) = part.file_name().map(str::to_owned) {
            let size = part.bytes().await.map_or(0, |bytes| bytes.len());
            return crate::json(json!({"id": "0195-new", "name": name, "size": size, "type": "application/octet-stream", "url": "/files/0195-new"}));
        }
    }
    axum::http::StatusCode::BAD_REQUEST.into_response()
}

pub async fn me(asked: Asked) -> Response {
    let shell = shell(&asked, "");
    let choice = |value: &str, words: &str, chosen: &str| Choice { value: value.into(), text: l(&shell.lang, words), selected: value == chosen };
    let page = MePage {
        name: "Lin Wei".into(), login: "lin.wei".into(),
        languages: shell.languages.iter().map(|one| Choice { value: one.code.clone(), text: one.name.clone(), selected: one.current }).collect(),
        themes: vec![choice("system", "System|跟随系统|跟隨系統", "system"), choice("light", "Light|浅色|淺色", "system"), choice("dark", "Dark|深色|深色", "system")],
        densities: vec![choice("compact", "Compact|紧凑|緊湊", "normal"), choice("normal", "Normal|标准|標準", "normal"), choice("roomy", "Roomy|宽松|寬鬆", "normal")],
        zones: vec![choice("Asia/Shanghai", "Asia/Shanghai", "Asia/Shanghai"), choice("Europe/Berlin", "Europe/Berlin", "")],
        dates: vec![choice("iso", "2026-11-24", "iso"), choice("long", "24 Nov 2026", "iso")], numbers: vec![choice("a", "1,234.50", "a"), choice("b", "1.234,50", "a")], shortcuts: true,
        notices: vec![Choice { value: "assigned".into(), text: l(&shell.lang, "A record becomes mine|记录归我负责|記錄歸我負責"), selected: true }],
        sessions: vec![SessionRow { id: "1".into(), device: "Chromium · Linux".into(), seen: l(&shell.lang, "now|现在|現在"), current: true, ..SessionRow::default() }, SessionRow { id: "2".into(), device: "Safari · iPhone".into(), seen: l(&shell.lang, "yesterday|昨天|昨天"), current: false, ..SessionRow::default() }],
        tokens: vec![TokenRow { id: "1".into(), label: "Warehouse sync".into(), made: "1 Nov 2026".into(), ends: None, ..TokenRow::default() }],
        new_token: asked.get("state").map(|_| "cs_9f3b27c1e84a4b0d".to_owned()), token_error: None, password_error: None, saved: asked.contains_key("saved"), ..MePage::default()
    };
    draw("account/me.html", &shell, &page)
}

fn outside(asked: &Asked) -> Shell {
    Shell { user: None, ..shell(asked, "") }
}

pub async fn login(asked: Asked) -> Response {
    let shell = outside(&asked);
    let sign_in = |words: &str, name: &str| DemoSignIn { label: l(&shell.lang, words), name: name.into(), password: "demo".into() };
    let page = LoginPage {
        next: "/".into(), error: asked.get("state").filter(|state| *state == "error").map(|_| l(&shell.lang, "Name or password is wrong.|用户名或密码错误。|使用者名稱或密碼錯誤。")),
        demo: if asked.get("state").is_some_and(|state| state == "demo") { vec![sign_in("Administrator|管理员|管理員", "admin"), sign_in("Manager|经理|經理", "chen.yu"), sign_in("Salesperson|销售|銷售", "lin.wei")] } else { Vec::new() }, ..LoginPage::default()
    };
    draw("account/login.html", &shell, &page)
}

pub async fn password(asked: Asked) -> Response {
    draw("account/password.html", &outside(&asked), &PasswordPage { name: "lin.wei".into(), action: "/login/password".into(), error: None, min_length: 10, expired: asked.contains_key("state"), ..PasswordPage::default() })
}

pub async fn error(Path(kind): Path<String>, asked: Asked) -> Response {
    let kinds = [("bad", ErrorKind::Bad, 400), ("sign_in", ErrorKind::SignIn, 401), ("forbidden", ErrorKind::Forbidden, 403), ("missing", ErrorKind::Missing, 404), ("conflict", ErrorKind::Conflict, 409), ("too_large", ErrorKind::TooLarge, 413), ("too_many", ErrorKind::TooMany, 429), ("broken", ErrorKind::Broken, 500), ("busy", ErrorKind::Busy, 503), ("offline", ErrorKind::Offline, 0)];
    let (_, kind, status) = kinds.into_iter().find(|(name, ..)| *name == kind).unwrap_or(kinds[3]);
    draw("errors/page.html", &shell(&asked, "customer"), &ErrorPage { kind, status, detail: None, request_id: Some("01J9-4X".into()), back_url: "/c/customer".into(), retry_url: (status >= 500).then(|| "/c/customer".to_owned()) })
}

pub async fn docs(asked: Asked) -> Response {
    let parameter = |name: &str, place: &str, required| ApiParameter { name: name.into(), place: place.into(), kind: "string".into(), required, detail: "Which records, as JSON, such as {\"field\": \"name\", \"op\": \"contains\", \"value\": \"a\"}.".into() };
    let operation = |id: &str, method: &str, path: &str, summary: &str| ApiOperation {
        id: id.into(), method: method.into(), path: path.into(), summary: summary.into(), detail: vec!["Rights of the caller apply to rows and fields.".into()], parameters: vec![parameter("card", "path", true), parameter("filter", "query", false)],
        request: (method == "POST").then(|| "{\n  \"name\": \"Red Lantern Toys\"\n}".into()), responses: vec![ApiResponse { status: "200".into(), detail: "The records.".into(), example: Some("{\n  \"data\": [],\n  \"next\": null\n}".into()) }, ApiResponse { status: "403".into(), detail: "Not allowed.".into(), example: None }],
    };
    let group = |id: &str, label: &str| ApiGroup { id: id.into(), label: label.into(), detail: "Companies that buy from us.".into(), operations: vec![operation(&format!("{id}-list"), "GET", "/api/v1/records/customer", "List"), operation(&format!("{id}-new"), "POST", "/api/v1/records/customer", "Create"), operation(&format!("{id}-change"), "PATCH", "/api/v1/records/customer/{id}", "Change"), operation(&format!("{id}-delete"), "DELETE", "/api/v1/records/customer/{id}", "Move to the trash")] };
    draw("docs/api.html", &shell(&asked, ""), &ApiDocsPage { title: "Deepblue Trading API".into(), version: "1.0".into(), intro: vec!["Everything the pages do can be done here, with the same rights.".into()], document_url: "/api/v1/openapi.json".into(), groups: vec![group("customer", "Customers"), group("order", "Orders")] })
}
