//! What use cases say to people, in their language. Sentences are written in English where they arise; here they are
//! known by their form.
//!
//! **Not here:** what only programs can send wrong (400): told in English, with names and places.

/// English, Simplified and Traditional Chinese. `{}` stands for a part that is carried over; `{0}` and `{1}` say which.
const PHRASES: [[&str; 3]; 86] = [
    ["this password is among the first that others would try; take some words that nobody says together", "此密码过于常见，容易被猜到；请使用几个不常连用的词。", "此密碼過於常見，容易被猜到；請使用幾個不常連用的詞。"],
    ["show again who you are: give your password first", "请先再次输入密码确认身份。", "請先再次輸入密碼確認身分。"],
    ["only administrators may do this", "只有管理员可以这样做。", "只有管理員可以這樣做。"],
    ["only administrators look after accounts", "只有管理员可以管理账户。", "只有管理員可以管理帳號。"],
    ["only administrators read the log", "只有管理员可以查看日志。", "只有管理員可以檢視日誌。"],
    ["nobody else may administer; give that to somebody first", "没有其他管理员，请先将管理员权限授予他人。", "沒有其他管理員，請先將管理員權限授予他人。"],
    ["this account is closed; open it first", "此账户已停用，请先启用。", "此帳號已停用，請先啟用。"],
    ["somebody from outside belongs to groups for people from outside alone", "外部用户只能属于外部用户组。", "外部使用者只能屬於外部群組。"],
    ["a sign-in name has 1 to 100 characters and no spaces", "登录名需要 1 到 100 个字符，不含空格。", "登入名稱需要 1 到 100 個字元，不含空格。"],
    ["a mail address is written like name@example.com", "邮箱格式应为 name@example.com。", "電子郵件格式應為 name@example.com。"],
    ["a name is one line of at most 200 characters", "姓名为一行，最多 200 个字符。", "姓名為一行，最多 200 個字元。"],
    ["this change carries no token of this site's pages; read the page again", "页面已过期，请刷新后重试。", "頁面已過期，請重新整理後再試。"],
    ["this site is not known by that name; whoever runs it says its address with --base-url", "此站点不使用该地址，请管理员通过 --base-url 设置。", "此站點不使用該位址，請管理員透過 --base-url 設定。"],
    ["there is a second factor already; turn it off first", "已开启两步验证，请先关闭。", "已開啟兩步驟驗證，請先關閉。"],
    ["set a password first; there would be no way to sign in", "请先设置密码，否则将无法登录。", "請先設定密碼，否則將無法登入。"],
    ["the other provider does not answer as it should; try again, or sign in otherwise", "第三方登录服务未正常响应，请重试或使用其他方式登录。", "第三方登入服務未正常回應，請重試或使用其他方式登入。"],
    ["there is no such {}", "没有这个{0}，或您无权查看。", "沒有這個{0}，或您無權檢視。"],
    ["you may not change this record", "您无权修改此记录。", "您無權修改此記錄。"],
    ["you may not delete this record", "您无权删除此记录。", "您無權刪除此記錄。"],
    ["you may not read the field `{}` of {}", "您无权查看“{1}”的字段“{0}”。", "您無權檢視「{1}」的欄位「{0}」。"],
    ["you may not {} {}", "您无权{0}“{1}”。", "您無權{0}「{1}」。"],
    ["the record would leave what you may change", "修改后，此记录将超出您可以修改的范围。", "修改後，此記錄將超出您可以修改的範圍。"],
    ["this change was asked for by another site", "此更改来自其他网站，已拒绝。", "此變更來自其他網站，已拒絕。"],
    ["only administrators see the batches of others", "只有管理员可以查看他人的批次。", "只有管理員可以檢視他人的批次。"],
    ["other records, in the trash too, cannot be without this one ({}); delete those for good first", "其他记录（包括回收站中的）离不开它（{0}），请先彻底删除那些记录。", "其他記錄（包括回收筒中的）離不開它（{0}），請先徹底刪除那些記錄。"],
    ["records went into the trash with this one that you do not administer", "一同进入回收站的记录中有不归您管理的。", "一同進入回收筒的記錄中有不歸您管理的。"],
    ["only who administers every record of a card empties its trash", "只有管理该卡片全部记录的人才能清空其回收站。", "只有管理該卡片全部記錄的人才能清空其回收筒。"],
    ["1 to {} records are deleted for good at once", "一次可彻底删除 1 至 {0} 条记录", "一次可徹底刪除 1 至 {0} 筆記錄"],
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
    ["the file is empty", "文件是空的。", "檔案是空的。"],
    ["the workbook is protected by a password; save it without one and send it again", "工作簿受密码保护，请去掉密码后另存并重新发送。", "活頁簿受密碼保護，請移除密碼後另存並重新傳送。"],
    ["this is an old Excel file (.xls); save it as .xlsx or CSV and send it again", "这是旧版 Excel 文件（.xls），请另存为 .xlsx 或 CSV 后重新发送。", "這是舊版 Excel 檔案（.xls），請另存為 .xlsx 或 CSV 後重新傳送。"],
    ["this is neither an Excel workbook (.xlsx) nor a text file (CSV)", "这既不是 Excel 工作簿（.xlsx），也不是文本文件（CSV）。", "這既不是 Excel 活頁簿（.xlsx），也不是文字檔（CSV）。"],
    ["the file is damaged and cannot be read: {}", "文件已损坏，无法读取：{0}", "檔案已損毀，無法讀取：{0}"],
    ["the workbook unpacks to more than is read ({})", "工作簿解压后过大（{0}）。", "活頁簿解壓縮後過大（{0}）。"],
    ["reading the file takes more memory or time than one file may have; send it as CSV, or in parts", "读取此文件所需的内存或时间超出限制，请改为 CSV 或分成几份发送。", "讀取此檔案所需的記憶體或時間超出限制，請改為 CSV 或分成幾份傳送。"],
    ["there is no sheet `{}` in the workbook", "工作簿中没有工作表“{0}”。", "活頁簿中沒有工作表「{0}」。"],
    ["there is something in column {}; at most 500 columns are read", "第 {0} 列有内容；最多读取 500 列。", "第 {0} 欄有內容；最多讀取 500 欄。"],
    ["there are more than {} rows; send the file in parts", "行数超过 {0}，请分成几份发送。", "列數超過 {0}，請分成幾份傳送。"],
    ["{} is too long to be a cell; a quotation mark may be missing before it", "{0}作为一个单元格过长，前面可能缺少引号。", "{0}作為一個儲存格過長，前面可能缺少引號。"],
    ["the text is not {}; choose another encoding, or save the file as UTF-8", "文本不是 {0} 编码，请选择其他编码，或将文件另存为 UTF-8。", "文字不是 {0} 編碼，請選擇其他編碼，或將檔案另存為 UTF-8。"],
    ["there is no encoding `{}`; UTF-8, UTF-16, GB18030 and Big5 are usual ones", "没有名为“{0}”的编码；常用的有 UTF-8、UTF-16、GB18030 和 Big5。", "沒有名為「{0}」的編碼；常用的有 UTF-8、UTF-16、GB18030 和 Big5。"],
    ["the file could not be read: {}", "无法读取文件：{0}", "無法讀取檔案：{0}"],
    ["the file is not whole; send it again", "文件不完整，请重新发送。", "檔案不完整，請重新傳送。"],
    ["a file has at most {} MB; send it in parts", "文件最大 {0} MB，请分成几份发送。", "檔案最大 {0} MB，請分成幾份傳送。"],
    ["send multipart/form-data with a part `file` that is not empty", "请选择一个非空的文件。", "請選擇一個非空的檔案。"],
    ["this import was started already", "此导入已经开始。", "此匯入已經開始。"],
    ["records of this card are not made from files", "此卡片的记录不能从文件导入。", "此卡片的記錄不能從檔案匯入。"],
    ["another worker went on with this import", "此导入已由其他进程继续执行。", "此匯入已由其他行程繼續執行。"],
    ["at most {} records are named one by one; select all matches instead", "逐个选择时最多 {0} 条记录，请改为选择全部匹配项。", "逐一選擇時最多 {0} 筆記錄，請改為選擇全部符合項目。"],
];

/// Words that stand in those places.
const WORDS: [[&str; 3]; 37] = [
    ["group", "用户组", "群組"],
    ["a row", "某一行", "某一列"], ["a line", "某一行", "某一行"],
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
        assert_eq!(told("there is no sheet `Prices` in the workbook", "zh-Hant"), "活頁簿中沒有工作表「Prices」。");
        assert_eq!(told("there is no such record", "en"), "there is no such record");
    }
    #[test]
    fn every_reason_why_a_file_cannot_be_read_is_translated() {
        for code in app::imports::FaultCode::ALL {
            let sentence = app::imports::Fault::with(*code, "X").to_string();
            for lang in ["zh-Hans", "zh-Hant"] {
                assert_ne!(told(&sentence, lang), sentence, "{}", code.name());
            }
        }
    }
}
