//! Operators and periods in words.

use model::Op;

fn pick(lang: &str, words: (&str, &str, &str)) -> String {
    match lang {
        "zh-Hans" => words.1,
        "zh-Hant" => words.2,
        _ => words.0,
    }
    .to_owned()
}

/// An operator in words.
pub fn op(op: Op, lang: &str) -> String {
    pick(lang, match op {
        Op::Is => ("is", "等于", "等於"),
        Op::IsNot => ("is not", "不等于", "不等於"),
        Op::AnyOf => ("is any of", "属于", "屬於"),
        Op::NoneOf => ("is none of", "不属于", "不屬於"),
        Op::Empty => ("is empty", "为空", "為空"),
        Op::NotEmpty => ("is filled in", "不为空", "不為空"),
        Op::Contains => ("contains", "包含", "包含"),
        Op::NotContains => ("does not contain", "不包含", "不包含"),
        Op::StartsWith => ("starts with", "开头是", "開頭是"),
        Op::EndsWith => ("ends with", "结尾是", "結尾是"),
        Op::Gt => ("is above", "大于", "大於"),
        Op::Gte => ("is at least", "大于等于", "大於等於"),
        Op::Lt => ("is below", "小于", "小於"),
        Op::Lte => ("is at most", "小于等于", "小於等於"),
        Op::Between => ("is between", "介于", "介於"),
        Op::Before => ("is before", "早于", "早於"),
        Op::After => ("is after", "晚于", "晚於"),
        Op::In => ("is in", "在期间", "在期間"),
        Op::Under => ("is under", "隶属于", "隸屬於"),
        Op::AnniversaryIn => ("comes up in", "周年在", "週年在"),
    })
}

/// Periods on offer, in order.
pub const PERIODS: [&str; 21] = [
    "today", "yesterday", "tomorrow", "this_week", "last_week", "next_week", "this_month", "last_month", "next_month", "this_quarter", "last_quarter", "next_quarter", "this_year", "last_year",
    "next_year", "last_7_days", "last_30_days", "last_90_days", "next_7_days", "next_30_days", "next_90_days",
];

/// A period in words.
pub fn period(name: &str, lang: &str) -> String {
    let unit = |word: &str| match word.trim_end_matches('s') {
        "day" => ("day", "天", "天"),
        "week" => ("week", "周", "週"),
        "month" => ("month", "月", "月"),
        "quarter" => ("quarter", "季度", "季度"),
        _ => ("year", "年", "年"),
    };
    let parts: Vec<&str> = name.split('_').collect();
    match parts.as_slice() {
        ["today"] => pick(lang, ("today", "今天", "今天")),
        ["yesterday"] => pick(lang, ("yesterday", "昨天", "昨天")),
        ["tomorrow"] => pick(lang, ("tomorrow", "明天", "明天")),
        [which, word] => {
            let (en, hans, hant) = unit(word);
            let before = match *which {
                "this" => ("this", "本", "本"),
                "last" => ("last", "上", "上"),
                _ => ("next", "下", "下"),
            };
            let year = |before: &str, word: &str| match (before, word) {
                ("上", "年") => "去年".to_owned(),
                ("下", "年") => "明年".to_owned(),
                ("上" | "下", "月" | "季度") => format!("{before}个{word}").replace("上个季度", "上季度").replace("下个季度", "下季度"),
                _ => format!("{before}{word}"),
            };
            match lang {
                "zh-Hans" => year(before.1, hans),
                "zh-Hant" => year(before.2, hant).replace('个', "個"),
                _ => format!("{} {en}", before.0),
            }
        }
        [which, count, word] => {
            let (en, hans, hant) = unit(word);
            let forward = *which == "next";
            match lang {
                "zh-Hans" => format!("{} {count} {hans}", if forward { "未来" } else { "最近" }),
                "zh-Hant" => format!("{} {count} {hant}", if forward { "未來" } else { "最近" }),
                _ => format!("the {} {count} {en}s", if forward { "next" } else { "last" }),
            }
        }
        _ => name.to_owned(),
    }
}

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
