//! Broken rules: what is wrong with a record, at which place, in words a person understands.

use std::fmt;

use crate::Labels;

/// Declares the codes of violations with their words in the three languages of the interface.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal: $en:literal, $hans:literal, $hant:literal;)*) => {
        /// What kind of rule is broken. The word is stable: clients and translations rely on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The stable word.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
            /// The sentence in `lang`, with `{name}` for each argument.
            fn sentence(self, lang: &str) -> &'static str {
                match (self, lang) {
                    $((Self::$name, "zh-Hans") => $hans, (Self::$name, "zh-Hant") => $hant, (Self::$name, _) => $en,)*
                }
            }
        }
    };
}

codes! {
    /// Nothing was filled in.
    Required "required": "This must be filled in.", "此项必填。", "此項必填。";
    /// The value is of another kind.
    Type "type": "{wanted} is wanted here.", "此处应填写{wanted}。", "此處應填寫{wanted}。";
    /// Below the smallest value.
    Min "min": "The smallest value is {min}.", "不能小于 {min}。", "不能小於 {min}。";
    /// Above the largest value.
    Max "max": "The largest value is {max}.", "不能大于 {max}。", "不能大於 {max}。";
    /// Too few characters.
    MinLength "min_length": "At least {min} characters are needed.", "至少需要 {min} 个字符。", "至少需要 {min} 個字元。";
    /// Too many characters.
    MaxLength "max_length": "At most {max} characters fit; these are {found}.", "最多 {max} 个字符，现有 {found} 个。", "最多 {max} 個字元，現有 {found} 個。";
    /// Does not match the field's pattern.
    Pattern "pattern": "This does not have the expected form ({pattern}).", "格式不符合要求（{pattern}）。", "格式不符合要求（{pattern}）。";
    /// Not a well-formed e-mail address, URL, …
    Format "format": "This is not a valid {wanted}.", "不是有效的{wanted}。", "不是有效的{wanted}。";
    /// Control characters.
    Characters "characters": "Control characters such as NUL are not allowed.", "不允许使用控制字符。", "不允許使用控制字元。";
    /// Not one of the options.
    Option "option": "“{found}” is not one of the options: {options}.", "“{found}”不在可选项中：{options}。", "「{found}」不在可選項中：{options}。";
    /// The same choice or link twice.
    Repeated "repeated": "“{found}” stands here twice.", "“{found}”重复出现。", "「{found}」重複出現。";
    /// More digits than are kept.
    Digits "digits": "At most {digits} digits are kept.", "最多保留 {digits} 位数字。", "最多保留 {digits} 位數字。";
    /// More digits after the point than the field's scale.
    Scale "scale": "At most {scale} digits after the point.", "小数点后最多 {scale} 位。", "小數點後最多 {scale} 位。";
    /// The linked record does not exist, or is not the actor's to see.
    NotFound "not_found": "There is no such record.", "找不到该记录。", "找不到該記錄。";
    /// No record is called so, or has such a key.
    NoMatch "no_match": "No record “{found}” was found.", "找不到“{found}”。", "找不到「{found}」。";
    /// Several records are called so.
    Ambiguous "ambiguous": "{count} records are called “{found}”; name one by a unique field.", "有 {count} 条记录名为“{found}”，请用唯一字段指定。", "有 {count} 筆記錄名為「{found}」，請用唯一欄位指定。";
    /// Another row of a file has the same key.
    SameKey "same_key": "Row {row} has the same key.", "第 {row} 行的关键值相同。", "第 {row} 列的關鍵值相同。";
    /// Lines of one record say different things of it.
    Differs "differs": "Row {row}, of the same record, says something else.", "同一记录的第 {row} 行内容不同。", "同一記錄的第 {row} 列內容不同。";
    /// The linked record does not satisfy the link's condition.
    NotAllowed "not_allowed": "This record cannot be chosen here.", "此处不能选择该记录。", "此處不能選擇該記錄。";
    /// A link to a card the field does not point to.
    Target "target": "This points to {targets}.", "此处只能关联{targets}。", "此處只能關聯{targets}。";
    /// Another record has the same value.
    Unique "unique": "Another record already has this value.", "该值已被其他记录使用。", "該值已被其他記錄使用。";
    /// A tree would contain itself.
    Cycle "cycle": "A record cannot lie beneath itself.", "记录不能位于自身之下。", "記錄不能位於自身之下。";
    /// The field is never set by hand.
    ReadOnly "read_only": "This is not set by hand.", "此项不能手工填写。", "此項不能手動填寫。";
    /// The record it was entered from, which it stays with.
    Fixed "fixed": "It was entered from there, and stays with it.", "由此录入，不能改到别处。", "由此登錄，不能改到別處。";
    /// A state, set by other means than a transition.
    State "state": "Only a transition changes this: {transitions}.", "只能通过流转更改此项：{transitions}。", "只能透過流轉變更此項：{transitions}。";
    /// The record's state locks it.
    Locked "locked": "Records that are “{state}” cannot be changed here.", "“{state}”的记录在此不能修改。", "「{state}」的記錄在此不能修改。";
    /// Others decide on the record as it is.
    Applied "applied": "An approval is under way: withdraw it to change this.", "正在审批中，撤回后才能修改。", "正在簽核中，撤回後才能修改。";
    /// The actor may not change the field.
    Forbidden "forbidden": "You may not change this.", "您无权修改此项。", "您無權修改此項。";
    /// No such field.
    UnknownField "unknown_field": "There is no field “{field}”{near}.", "没有字段“{field}”{near}。", "沒有欄位「{field}」{near}。";
    /// Fewer child rows than needed.
    MinRows "min_rows": "At least {min} rows are needed.", "至少需要 {min} 行。", "至少需要 {min} 行。";
    /// More child rows than allowed.
    MaxRows "max_rows": "At most {max} rows are allowed.", "最多允许 {max} 行。", "最多允許 {max} 行。";
    /// A file that is too large.
    FileSize "file_size": "The file is larger than {max} bytes.", "文件大于 {max} 字节。", "檔案大於 {max} 位元組。";
    /// A file of another type.
    FileType "file_type": "Files of type {found} are not taken here.", "此处不接受 {found} 类型的文件。", "此處不接受 {found} 類型的檔案。";
    /// A JSON document that does not satisfy its schema.
    Schema "schema": "The document does not fit: {detail}", "文档不符合要求：{detail}", "文件不符合要求：{detail}";
    /// A rule of the card.
    Rule "rule": "{message}", "{message}", "{message}";
    /// A formula that cannot be calculated.
    Formula "formula": "This cannot be calculated: {detail}", "无法计算：{detail}", "無法計算：{detail}";
    /// A child row that is not there.
    Row "row": "This row does not exist any more.", "该行已不存在。", "該行已不存在。";
    /// A likely duplicate.
    Duplicate "duplicate": "A record with the same values exists already.", "已存在相同内容的记录。", "已存在相同內容的記錄。";
    /// Two bookings at once.
    Overlap "overlap": "At that time there is {other} already.", "该时段已有{other}。", "該時段已有{other}。";
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: `total`, `lines/2/quantity`; empty for the whole record.
    pub path: String,
    /// Which kind of rule.
    pub code: Code,
    /// The sentence's arguments.
    pub args: Vec<(&'static str, String)>,
    /// The words of a pack, where the rule is one of a pack.
    pub words: Option<Labels>,
    /// Only worth saying; does not refuse the save.
    pub warning: bool,
}

impl Violation {
    /// A violation without arguments.
    pub fn new(path: impl Into<String>, code: Code) -> Self {
        Self { path: path.into(), code, args: Vec::new(), words: None, warning: false }
    }

    /// With one more argument.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.args.push((name, value.to_string()));
        self
    }

    /// With other words for an argument in the sentence that people read than in the argument itself.
    #[must_use]
    pub(crate) fn read_as(mut self, name: &str, words: impl Fn(&str) -> String) -> Self {
        let sentence = |lang: &str| self.filled(lang, |known, value| if known == name { words(lang) } else { translate(value, lang).to_owned() });
        self.words = Some(Labels(["en", "zh-Hans", "zh-Hant"].map(|lang| (lang.to_owned(), sentence(lang))).into_iter().collect()));
        self
    }

    /// Moved beneath `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.path = if self.path.is_empty() { prefix.to_owned() } else { format!("{prefix}/{}", self.path) };
        self
    }

    /// The sentence a person reads, in `lang`.
    pub fn message(&self, lang: &str) -> String {
        if let Some(words) = self.words.as_ref().and_then(|words| words.get(lang)) {
            return words.to_owned();
        }
        self.filled(lang, |_, value| translate(value, lang).to_owned())
    }

    /// The sentence of its code with words for each argument.
    fn filled(&self, lang: &str, words: impl Fn(&str, &str) -> String) -> String {
        self.args.iter().fold(self.code.sentence(lang).to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &words(name, value)))
    }
}

/// Words that stand as arguments: names of kinds of values.
fn translate<'a>(word: &'a str, lang: &str) -> &'a str {
    let (hans, hant) = match word {
        "A text" => ("文本", "文字"),
        "A whole number" => ("整数", "整數"),
        "A number" => ("数字", "數字"),
        "Yes or no" => ("是或否", "是或否"),
        "A date such as 2026-11-24" => ("日期，如 2026-11-24", "日期，如 2026-11-24"),
        "A time such as 09:30" => ("时间，如 09:30", "時間，如 09:30"),
        "A moment such as 2026-11-24T09:30:00Z" => ("时刻，如 2026-11-24T09:30:00Z", "時刻，如 2026-11-24T09:30:00Z"),
        "A record" => ("一条记录", "一筆記錄"),
        "another booking" => ("其他预订", "其他預訂"),
        "A list" => ("列表", "清單"),
        "A document" => ("文档", "文件"),
        "An address" => ("地址", "地址"),
        "A place with lat and lon" => ("经纬度", "經緯度"),
        "e-mail address" => ("电子邮件地址", "電子郵件地址"),
        "web address" => ("网址", "網址"),
        "phone number" => ("电话号码", "電話號碼"),
        "colour" => ("颜色", "顏色"),
        _ => return word,
    };
    match lang {
        "zh-Hans" => hans,
        "zh-Hant" => hant,
        _ => word,
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.path.is_empty() { "record" } else { &self.path }, self.message("en"))
    }
}

/// Every rule a change broke, at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejected(pub Vec<Violation>);

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(Violation::to_string).collect();
        f.write_str(&all.join("; "))
    }
}
impl std::error::Error for Rejected {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_speaks_three_languages_with_the_same_arguments() {
        let names = |text: &str| {
            let mut found: Vec<String> = text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned).collect();
            found.sort();
            found
        };
        for code in Code::ALL {
            let english = names(code.sentence("en"));
            assert_eq!(english, names(code.sentence("zh-Hans")), "{code:?}");
            assert_eq!(english, names(code.sentence("zh-Hant")), "{code:?}");
        }
    }

    #[test]
    fn arguments_are_filled_in_and_translated() {
        let violation = Violation::new("a", Code::Type).with("wanted", "A number");
        assert_eq!(violation.message("en"), "A number is wanted here.");
        assert_eq!(violation.message("zh-Hans"), "此处应填写数字。");
    }
}
