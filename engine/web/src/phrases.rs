//! What use cases say to people, in their language. Sentences are written in English where they arise; here they are
//! known by their form.
//!
//! **Not here:** what only programs can send wrong (400): told in English, with names and places.

/// English, Simplified and Traditional Chinese. `{}` stands for a part that is carried over; `{0}` and `{1}` say which.
const PHRASES: [[&str; 3]; 45] = [
    ["there is no such {}", "没有这个{0}，或您无权查看。", "沒有這個{0}，或您無權檢視。"],
    ["you may not change this record", "您无权修改此记录。", "您無權修改此記錄。"],
    ["you may not delete this record", "您无权删除此记录。", "您無權刪除此記錄。"],
    ["you may not read the field `{}` of {}", "您无权查看“{1}”的字段“{0}”。", "您無權檢視「{1}」的欄位「{0}」。"],
    ["you may not {} {}", "您无权{0}“{1}”。", "您無權{0}「{1}」。"],
    ["the record would leave what you may change", "修改后，此记录将超出您可以修改的范围。", "修改後，此記錄將超出您可以修改的範圍。"],
    ["this change was asked for by another site", "此更改来自其他网站，已拒绝。", "此變更來自其他網站，已拒絕。"],
    ["only administrators see the batches of others", "只有管理员可以查看他人的批次。", "只有管理員可以檢視他人的批次。"],
    ["other records point to this one ({})", "其他记录引用了它（{0}）。", "其他記錄引用了它（{0}）。"],
    ["another record has taken one of its unique values meanwhile", "它的一个唯一值已被其他记录占用。", "它的一個唯一值已被其他記錄佔用。"],
    ["what `{}` points to ({}) is in the trash; restore that first", "“{0}”所指的{1}在回收站中，请先恢复它。", "「{0}」所指的{1}在回收筒中，請先還原它。"],
    ["there is a record with this id already", "已有使用此 id 的记录。", "已有使用此 id 的記錄。"],
    ["another record has the same values ({})", "另一条记录有相同的值（{0}）。", "另一筆記錄有相同的值（{0}）。"],
    ["something linked is gone, or still linked", "所引用的记录已不存在，或仍被引用。", "所引用的記錄已不存在，或仍被引用。"],
    ["there is a user `{}` already", "已有用户“{0}”。", "已有使用者「{0}」。"],
    ["a password has {} to {} characters", "密码需要 {0} 到 {1} 个字符。", "密碼需要 {0} 到 {1} 個字元。"],
    ["the present password is not right", "当前密码不正确。", "目前密碼不正確。"],
    ["this link was used already or is too old; ask for another", "此链接已被使用或已过期，请重新索取。", "此連結已被使用或已過期，請重新索取。"],
    ["a file has at most {} bytes", "文件最大 {0} 字节。", "檔案最大 {0} 位元組。"],
    ["a body has at most {} bytes", "请求内容最大 {0} 字节。", "請求內容最大 {0} 位元組。"],
    ["send {} with Content-Type: {}", "请以 Content-Type: {1} 发送{0}。", "請以 Content-Type: {1} 傳送{0}。"],
    ["this action is not open for this record now", "此记录现在不能执行该操作。", "此記錄現在不能執行該操作。"],
    ["you may not use this action", "您无权执行该操作。", "您無權執行該操作。"],
    ["the script {} failed: {}", "脚本 {0} 执行失败：{1}", "指令碼 {0} 執行失敗：{1}"],
    ["only administrators look after scripts", "只有管理员可以查看脚本。", "只有管理員可以檢視指令碼。"],
    ["a batch has at most {} items", "一批最多 {0} 项。", "一批最多 {0} 項。"],
    ["too many requests; try again in {} seconds", "请求过于频繁，请在 {0} 秒后重试。", "請求過於頻繁，請在 {0} 秒後再試。"],
    ["this batch was taken back already", "此批次已经撤销。", "此批次已經撤銷。"],
    ["this batch is still under way; cancel it, or wait until it is through", "此批次仍在进行，请取消或等待完成。", "此批次仍在進行，請取消或等待完成。"],
    ["only {} can take this step", "只有{0}可以执行此操作。", "只有{0}可以執行此操作。"],
    ["records that are “{}” are not deleted", "“{0}”的记录不能删除。", "「{0}」的記錄不能刪除。"],
    ["an approval is under way: it is decided, or withdrawn, first", "正在审批中，请先完成审批或撤回。", "正在簽核中，請先完成簽核或撤回。"],
    ["{} decided on this at {}", "{0}已于 {1} 处理。", "{0}已於 {1} 處理。"],
    ["this was withdrawn, and waits for nobody any more", "此申请已撤回，无需再处理。", "此申請已撤回，無需再處理。"],
    ["this was decided already", "此申请已处理完毕。", "此申請已處理完畢。"],
    ["nobody decides on their own application", "不能审批自己的申请。", "不能簽核自己的申請。"],
    ["they are asked already", "此人已在审批人之中。", "此人已在簽核人之中。"],
    ["you may not see what this is about; give it to somebody who may", "您无权查看相关记录，请转交给有权查看的人。", "您無權檢視相關記錄，請轉交給有權檢視的人。"],
    ["the state `{}` that this leads to is not there any more; reject it, or withdraw it", "目标状态“{0}”已不存在，请驳回或撤回。", "目標狀態「{0}」已不存在，請駁回或撤回。"],
    ["this needs: {}", "需要满足：{0}。", "需要滿足：{0}。"],
    ["you may take no steps with this record", "您无权流转此记录。", "您無權流轉此記錄。"],
    ["this record is “{}” now: {} took another step at {}", "此记录现在是“{0}”：{1}已于 {2} 进行了流转。", "此記錄現在是「{0}」：{1}已於 {2} 進行了流轉。"],
    ["this record is “{}”, and this step does not start there", "此记录是“{0}”，不能从这里执行此操作。", "此記錄是「{0}」，不能從這裡執行此操作。"],
    ["what this step did elsewhere cannot be taken back; take another step", "此操作已产生其他影响，无法撤销；请执行另一步。", "此操作已產生其他影響，無法撤銷；請執行另一步。"],
    ["a batch can be taken back for a week", "批次只能在一周内撤销。", "批次只能在一週內撤銷。"],
];

/// Words that stand in those places.
const WORDS: [[&str; 3]; 34] = [
    ["record", "记录", "記錄"], ["state", "状态", "狀態"], ["task", "待办", "待辦"], ["application", "申请", "申請"], ["card", "卡片", "卡片"], ["address", "地址", "位址"], ["file", "文件", "檔案"], ["page", "页面", "頁面"], ["panel", "面板", "面板"], ["job", "任务", "任務"], ["batch", "批次", "批次"],
    ["action", "操作", "操作"], ["JSON", " JSON", " JSON"], ["a form", "表单", "表單"], ["files", "文件", "檔案"],
    ["session", "会话", "工作階段"], ["token", "令牌", "權杖"], ["language", "语言", "語言"], ["user", "用户", "使用者"],
    ["read", "查看", "檢視"], ["create", "新建", "新增"], ["update", "修改", "修改"], ["delete", "删除", "刪除"], ["restore", "恢复", "還原"], ["export", "导出", "匯出"], ["import", "导入", "匯入"], ["print", "打印", "列印"], ["share", "共享", "共用"],
    ["assign", "分配", "指派"], ["bulk", "批量处理", "批次處理"], ["transition", "流转", "流轉"], ["report", "统计", "統計"], ["design", "设计", "設計"], ["administer", "管理", "管理"],
];

/// A sentence in a language; as it is where nobody translated it.
pub fn told(sentence: &str, lang: &str) -> String {
    let column = match lang {
        "zh-Hans" => 1,
        "zh-Hant" => 2,
        _ => return sentence.to_owned(),
    };
    let word = |part: &str| WORDS.iter().find(|words| words[0] == part).map_or_else(|| part.to_owned(), |words| words[column].to_owned());
    let found = PHRASES.iter().find_map(|phrase| Some((phrase[column], parts(phrase[0], sentence)?)));
    match found {
        Some((phrase, parts)) => parts.iter().enumerate().fold(phrase.to_owned(), |text, (index, part)| text.replace(&format!("{{{index}}}"), &word(part))),
        None => sentence.to_owned(),
    }
}

/// What stands in the places of a form, if the sentence has it.
fn parts<'s>(form: &str, sentence: &'s str) -> Option<Vec<&'s str>> {
    let mut words = form.split("{}");
    let mut rest = sentence.strip_prefix(words.next()?)?;
    let mut found = Vec::new();
    let words: Vec<&str> = words.collect();
    for (index, next) in words.iter().enumerate() {
        let end = if next.is_empty() && index + 1 == words.len() { rest.len() } else { rest.find(next)? };
        found.push(&rest[..end]);
        rest = &rest[end + next.len()..];
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_known_by_their_form() {
        assert_eq!(told("there is no such record", "zh-Hans"), "没有这个记录，或您无权查看。");
        assert_eq!(told("you may not delete Order", "zh-Hant"), "您無權刪除「Order」。");
        assert_eq!(told("you may not read the field `cost` of Device", "zh-Hans"), "您无权查看“Device”的字段“cost”。");
        assert_eq!(told("other records point to this one (Loans: 3)", "zh-Hans"), "其他记录引用了它（Loans: 3）。");
        assert_eq!(told("send a form with Content-Type: application/x-www-form-urlencoded", "zh-Hant"), "請以 Content-Type: application/x-www-form-urlencoded 傳送表單。");
        assert_eq!(told("something new", "zh-Hans"), "something new");
        assert_eq!(told("there is no such record", "en"), "there is no such record");
    }
}
