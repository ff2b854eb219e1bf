//! Operators and periods in words.

use model::Op;

pub(crate) fn pick(lang: &str, words: (&str, &str, &str)) -> String {
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
        Op::InFolder => ("is in folder", "在收藏夹", "在收藏夾"),
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
