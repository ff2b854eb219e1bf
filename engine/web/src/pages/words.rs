//! Words of pages that are made here.

fn pick(lang: &str, words: (&str, &str, &str)) -> String {
    match lang {
        "zh-Hans" => words.1,
        "zh-Hant" => words.2,
        _ => words.0,
    }
    .to_owned()
}

pub use form::words::{PERIODS, op, period};

/// A day of the week, Monday first, in short.
pub fn weekday(day: usize, lang: &str) -> String {
    const EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const ZH: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
    match lang {
        "zh-Hans" => format!("周{}", ZH[day % 7]),
        "zh-Hant" => format!("週{}", ZH[day % 7]),
        _ => EN[day % 7].to_owned(),
    }
}

/// A day with its name.
pub fn day(date: chrono::NaiveDate, locale: &form::Locale) -> String {
    let name = weekday(chrono::Datelike::weekday(&date).num_days_from_monday() as usize, &locale.lang);
    format!("{name} {}", form::format::date_text(date, locale))
}

/// How long ago, in words.
pub fn ago(at: chrono::DateTime<chrono::Utc>, now: chrono::DateTime<chrono::Utc>, lang: &str) -> String {
    let seconds = (now - at).num_seconds().max(0);
    let (count, unit) = match seconds {
        0..60 => (seconds, ("second", "秒", "秒")),
        60..3_600 => (seconds / 60, ("minute", "分钟", "分鐘")),
        3_600..86_400 => (seconds / 3_600, ("hour", "小时", "小時")),
        _ => (seconds / 86_400, ("day", "天", "天")),
    };
    match lang {
        "zh-Hans" => format!("{count} {}前", unit.1),
        "zh-Hant" => format!("{count} {}前", unit.2),
        _ => format!("{count} {}{} ago", unit.0, if count == 1 { "" } else { "s" }),
    }
}

/// How long something lasted, in words.
pub fn lasted(seconds: i64, lang: &str) -> String {
    let (count, unit) = match seconds.max(0) {
        seconds @ 0..3_600 => ((seconds / 60).max(1), ("minute", "分钟", "分鐘")),
        seconds @ 3_600..86_400 => (seconds / 3_600, ("hour", "小时", "小時")),
        seconds => (seconds / 86_400, ("day", "天", "天")),
    };
    match lang {
        "zh-Hans" => format!("{count} {}", unit.1),
        "zh-Hant" => format!("{count} {}", unit.2),
        _ => format!("{count} {}{}", unit.0, if count == 1 { "" } else { "s" }),
    }
}

/// A record's title out of the columns that were read; what its reader may not see is left out.
pub fn title(reader: &super::Reader, card: &model::Card, columns: &[query::Selected], values: &[model::Value]) -> String {
    let value = |path: &model::Path| columns.iter().position(|column| column.name == path.to_string()).and_then(|at| values.get(at)).cloned().unwrap_or_default();
    let parts: Vec<model::Value> = card.title.paths().map(value).collect();
    app::titles::text(&reader.asker.snapshot.catalog, card, &parts, &reader.asker.locale)
}

/// What was done to a record, in words.
pub fn action(action: &str, fields: usize, lang: &str) -> String {
    match action {
        "created" => pick(lang, ("created this card", "创建了此卡片", "建立了此卡片")),
        "deleted" => pick(lang, ("moved it to the trash", "移入了回收站", "移入了回收筒")),
        "merged" => pick(lang, ("merged other cards into it", "合并了其他卡片", "合併了其他卡片")),
        "shared" => pick(lang, ("shared it", "共享了此卡片", "共享了此卡片")),
        "unshared" => pick(lang, ("shared it with fewer", "收回了此卡片的共享", "收回了此卡片的共享")),
        "purged" => pick(lang, ("deleted it for good", "彻底删除了此卡片", "徹底刪除了此卡片")),
        "restored" => pick(lang, ("restored it", "恢复了此卡片", "還原了此卡片")),
        _ => match lang {
            "zh-Hans" => format!("修改了 {fields} 项"),
            "zh-Hant" => format!("修改了 {fields} 項"),
            _ => format!("changed {fields} field{}", if fields == 1 { "" } else { "s" }),
        },
    }
}

/// A few words that stand in texts made here.
pub fn word(key: &str, lang: &str) -> String {
    pick(lang, match key {
        "all" => ("All", "全部", "全部"),
        "today" => ("Today", "今天", "今天"),
        "yesterday" => ("Yesterday", "昨天", "昨天"),
        "system" => ("The system", "系统", "系統"),
        "conditions" => ("Several conditions", "组合条件", "組合條件"),
        "not" => ("not", "非", "非"),
        "cards" => ("Lists", "列表", "列表"),
        "actions" => ("Actions", "操作", "操作"),
        "records" => ("Records", "记录", "記錄"),
        "wrong_sign_in" => ("The name or the password is not right.", "用户名或密码不正确。", "使用者名稱或密碼不正確。"),
        "numbered" => ("numbered automatically", "自动编号", "自動編號"),
        "you" => ("you", "您", "您"),
        "country" => ("Country", "国家", "國家"),
        "region" => ("Region", "省/州", "省/州"),
        "city" => ("City", "城市", "城市"),
        "street" => ("Street", "街道", "街道"),
        "postcode" => ("Postcode", "邮编", "郵遞區號"),
        "lat" => ("Latitude", "纬度", "緯度"),
        "lon" => ("Longitude", "经度", "經度"),
        "merged" => ("Somebody else's changes of other fields were kept.", "他人对其他字段的修改已保留。", "他人對其他欄位的修改已保留。"),
        _ => ("", "", ""),
    })
}
