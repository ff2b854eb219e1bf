//! What is found by what, without a database: the index's words and a question's ways put side by side.

use proptest::prelude::*;

use crate::{Entries, Fit, Question, Style, Term, Way, ask};

const TITLE: Style = Style { title: true, spoken: true };

fn entries(text: &str) -> Entries {
    let mut entries = Entries::default();
    entries.add(text, TITLE);
    entries
}

/// As the databases find: a phrase in the words' order, a single term anywhere.
fn finds(text: &str, typed: &str) -> bool {
    let (kept, question) = (entries(text), ask(typed));
    !question.is_empty() && question.parts.iter().all(|part| part.ways.iter().any(|way| found_by(&kept, way)))
}

fn found_by(kept: &Entries, way: &Way) -> bool {
    let fits = |(term, goes_on): (&str, bool), word: &str| if goes_on { word.starts_with(term) } else { word == term };
    let (ordered, terms) = way.terms(true);
    let terms: Vec<(&str, bool)> = terms.collect();
    if ordered {
        return kept.words.windows(terms.len()).any(|words| words.iter().zip(&terms).all(|(word, term)| fits(*term, word)));
    }
    terms.iter().all(|term| kept.words.iter().chain(&kept.extra).any(|word| fits(*term, word)))
}

#[test]
fn what_finds_what() {
    let cases = [
        ("张三丰", "张三 三丰 张 丰 zsf zhangsan sanfeng zs sf zh zhang zhangsanf 張三", "张丰 三张 zf"),
        ("北京华联科技有限公司", "北京 华联 联科 bjhl hlkj beijing beij beijinghua hualian gongsi bj 北京華聯", "京北 北华 bjkj huabei"),
        ("重庆长城银行", "chongqing cq zhongqing changcheng yinhang yinxing yh 長城 重慶", "qingchong"),
        ("吕布", "lvbu lubu lb lv lu", "ly"),
        ("張3號倉庫", "张3号 3号 张3号仓 仓库 張3 ck", "3张 4号 张号"),
        ("SO-202611-0042", "so-202611-0042 SO 0042 202611 so-2026 so2026110042 so202611 042 so-202611-00 110042", "so-0042 2611-00"),
        ("+86 138-1234-5678", "138 13812345678 5678 12345678 +8613812345678 138-1234 1234 86", "9999 0138 2345"),
        ("13812345678", "138 5678 678 138123", "3812 234"),
        ("john.doe@example.com", "john doe john.doe@ex example @example.com joh JOHN.DOE@EXAMPLE.COM", "ohn xample"),
        ("Łódź Straße Øresund Ångström façade", "lodz strasse STRASSE oresund angstrom facade façade łódź", "lidz"),
        ("Cafe\u{301} Ｆｕｌｌ　Ｗｉｄｔｈ ﬁne", "café cafe full width fine", "ull"),
        ("Красный Ёлка Ωμέγα ΟΔΟΣ", "красный елка ёлка ωμεγα οδος", "елки"),
        ("שָׁלוֹם עולם مَرْحَبًا", "שלום עולם مرحبا", "לום"),
        ("がんばって カタカナ", "がん ばって カタ タカナ カ", "かん"),
        ("か\u{3099}っこう", "がっこう", "かっ"),
        ("서울특별시 \u{1109}\u{1165}울", "서울 특별", "울서"),
        ("ภาษาไทย", "ภาษา ไทย", "ยไท"),
        ("🚀 Launch 👩\u{200d}💻 team", "🚀 launch 👩\u{200d}💻 🚀 team", "🎉"),
        ("RTX4090 Ti", "rtx4090 4090 rtx rtx40 ti", "tx4"),
        ("O'Brien & Sons (NEAR) OR", "o'brien obrien brien near or sons", "and"),
        ("阿里·木 李 明", "阿里木 里木 李明 李 alimu alm lm", "明李"),
        ("A\0B", "a b", "ab1"),
    ];
    for (text, found, lost) in cases {
        for typed in found.split(' ') {
            assert!(finds(text, typed), "`{typed}` should find `{text}`: {:?}\n{:?}", ask(typed), entries(text));
        }
        for typed in lost.split(' ') {
            assert!(!finds(text, typed), "`{typed}` should not find `{text}`: {:?}\n{:?}", ask(typed), entries(text));
        }
    }
    assert!(finds("北京华联科技", "科技 北京"));
    assert!(finds("Deep Blue Sea", "sea deep"));
    assert!(!finds("Deep Blue Sea", "sea deeper"));
}

#[test]
fn signs_alone_ask_for_nothing() {
    for typed in ["", " ", "*", "\"", "()", "\0", "-- ++ ::", "%_", "\u{200d}", "……"] {
        assert!(ask(typed).is_empty(), "{typed:?}");
    }
}

#[test]
fn very_long_words_are_cut_alike() {
    let long = "x".repeat(10_000);
    assert!(finds(&long, &long));
    assert!(finds(&format!("begin {long}"), "begin"));
    let han: String = std::iter::repeat_n("张三李四", 5_000).collect();
    assert!(finds(&han, "李四张"));
    assert!(entries(&han).words.len() <= 1_500);
}

#[test]
fn marks_show_what_was_found() {
    let shown = |text: &str, typed: &str| ask(typed).marks(text).into_iter().map(|range| text[range].to_owned()).collect::<Vec<_>>().join("|");
    for (text, typed, marked) in [
        ("Red Lantern Toys", "red", "Red"),
        ("Red Lantern Toys", "toy LAN", "Lan|Toy"),
        ("北京华联科技", "hlk", "华联科"),
        ("北京华联科技", "beijinghua", "北京华"),
        ("北京華聯科技", "华联", "華聯"),
        ("SO-202611-0042", "0042", "0042"),
        ("SO-202611-0042", "so2026110042", "SO-202611-0042"),
        ("+86 138-1234-5678", "5678", "5678"),
        ("13812345678", "5678", "5678"),
        ("Cafe\u{301} Müller", "cafe mul", "Cafe\u{301}|Mül"),
        ("Straße", "strass", "Straß"),
        ("bottle", "ottl", ""),
    ] {
        assert_eq!(shown(text, typed), marked, "{typed} in {text}");
    }
}

#[test]
fn titles_that_fit_better_come_first() {
    let fit = |typed: &str, title: &str| ask(typed).fit(&[title]);
    assert_eq!(fit("张三", "張三"), Fit::Exact);
    assert_eq!(fit("张三", "张三丰"), Fit::Begins);
    assert_eq!(fit("三丰", "张三丰"), Fit::Words);
    assert_eq!(fit("zsf", "张三丰"), Fit::Spoken);
    assert_eq!(fit("李四", "张三丰"), Fit::Elsewhere);
    assert_eq!(fit("red toys", "Red Lantern Toys"), Fit::Words);
}

fn question() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,40}", "[a-z张三李四 0-9\"*():^+\\-]{0,30}", ".{0,20}"]
}

proptest! {
    #[test]
    fn nothing_of_a_query_language_comes_out(text in question()) {
        let kept = entries(&text);
        let asked: Vec<Term> = ask(&text).parts.into_iter().flat_map(|part| part.ways).flat_map(|way| match way { Way::Phrase(terms) | Way::All(terms) => terms }).collect();
        let all = kept.words.iter().chain(&kept.extra).chain(&kept.whole).chain(asked.iter().map(|term| &term.text));
        for word in all {
            prop_assert!(word.chars().all(|ch| !ch.is_ascii() || ch.is_ascii_lowercase() || ch.is_ascii_digit()), "{word:?}");
            prop_assert!(!word.contains(char::is_whitespace) && word.chars().count() <= 65, "{word:?}");
        }
    }

    #[test]
    fn a_text_is_found_by_itself_and_marked(text in "[A-Za-z张三李四京 0-9\\-.é]{1,30}") {
        let question: Question = ask(&text);
        prop_assume!(!question.is_empty() && text.split_whitespace().filter(|part| !ask(part).is_empty()).count() <= 8);
        prop_assert!(finds(&text, &text));
        prop_assert!(question.is_in([text.as_str()]));
        prop_assert_eq!(question.fit(&[&text]), Fit::Exact);
        for range in question.marks(&text) {
            prop_assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end) && range.start < range.end);
        }
    }

    #[test]
    fn how_a_letter_is_composed_does_not_matter(text in "[a-zéüñçåがプ서울 ]{0,20}") {
        use unicode_normalization::UnicodeNormalization;
        let (one, other): (String, String) = (text.nfc().collect(), text.nfd().collect());
        prop_assert_eq!(entries(&one), entries(&other));
    }
}
