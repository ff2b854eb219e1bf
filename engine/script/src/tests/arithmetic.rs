use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

#[test]
fn numbers_are_exact() {
    check("quantity * price", "0.3");
    check("0.1 + 0.2", "0.3");
    check("7 / 2", "3.5");
    check("count / 2", "3.5");
    check("1 / 3 * 3", "0.9999999999999999999999999999");
    check("-quantity", "-3");
    check("-(2 + 1)", "-3");
    check("+quantity", "3");
    check("7 % 4", "3");
    check("1_000.5 + 2", "1002.5");
    check("2 ** 10", "1024");
    check("2 ** -1", "0.5");
    check("1.05 ** 12", "1.795856326022129150390625");
    check("9 ** 0.5", "3");
    check("2 + 3 * 4 - 6 / 4", "12.5");
}

#[test]
fn rounding_is_half_away_from_zero() {
    check("round(2.345, 2)", "2.35");
    check("round(-2.345, 2)", "-2.35");
    check("round(2.5)", "3");
    check("round(0.5) + round(1.5)", "3");
    check("round(1250, -2)", "1300");
    check("price.round(1)", "0.1");
    check("floor(-1.5)", "-2");
    check("ceiling(-1.5)", "-1");
    check("abs(-1.5)", "1.5");
    check("sqrt(2) > 1.41 && sqrt(2) < 1.42", "true");
}

#[test]
fn what_overflows_or_divides_by_zero_is_an_error() {
    check("1 / 0", "error: a division by zero (line 1, column 3)");
    check("1 % (quantity - 3)", "error: a division by zero (line 1, column 3)");
    check("79228162514264337593543950335 + 1", "error: the result has too many digits (line 1, column 31)");
    check("79228162514264337593543950335 * 10", "error: the result has too many digits (line 1, column 31)");
    check("10 ** 30", "error: the result has too many digits (line 1, column 4)");
    check("2 ** 1001", "error: an exponent lies between -1000 and 1000 (line 1, column 3)");
    check("(0 - 2) ** 0.5", "error: a negative number has no root here (line 1, column 9)");
    check("0 ** -1", "error: zero to a negative power is a division by zero (line 1, column 3)");
    check("sqrt(-1)", "error: a negative number has no square root (line 1, column 1)");
    assert_eq!(eval("1 / 0").expect_err("no such number").fault, Fault::DivisionByZero);
    assert_eq!(eval("10 ** 30").expect_err("too large").fault, Fault::TooManyDigits);
}

#[test]
fn texts_are_joined_and_cut() {
    check("name + \" \" + quantity", "Zoë 3");
    check("\"no \" + price", "no 0.10");
    check("name + start", "Zoë2026-02-28");
    check("len(name)", "3");
    check("upper(name) + lower(\"ABC\") + trim(code)", "ZOËabcab-1");
    check("left(name, 2) + right(name, 1) + middle(\"abcdef\", 2, 3)", "Zoëbcd");
    check("replace(trim(code), \"-\", \"/\")", "ab/1");
    check("contains(name, \"oë\")", "true");
    check("starts_with(name, \"Z\") && ends_with(name, \"ë\")", "true");
    check("number(\" 12.50 \") * 2", "25");
    check("number(\"twelve\")", "empty");
    check("text(12.50)", "12.50");
    check("\"\"", "empty");
}

#[test]
fn days_are_counted() {
    check("start + 1", "2026-03-01");
    check("1 + start", "2026-03-01");
    check("start - 28", "2026-01-31");
    check("end - start", "269");
    check("days_between(start, end)", "269");
    check("months_between(start, end)", "8");
    check("months_between(date(2026, 1, 31), date(2026, 2, 28))", "1");
    check("add_months(date(2026, 1, 31), 1)", "2026-02-28");
    check("add_years(date(2024, 2, 29), 1)", "2025-02-28");
    check("end_of_month(start)", "2026-02-28");
    check("end_of_month(date(2024, 2, 3))", "2024-02-29");
    check("year(start) + quarter(end) + month(start) + day(start) + weekday(end)", "2062");
    check("year(at)", "2026");
    check("hours_between(at, finish)", "26.5");
    check("start < \"2026-03-01\"", "true");
    check("start == date(\"2026-02-28\")", "true");
    check("date(2026, 2, 30)", "error: the day lies outside the years 1 to 9999 (line 1, column 1)");
    check("start + 9999999", "error: the day lies outside the years 1 to 9999 (line 1, column 7)");
    check("start > \"soon\"", "error: \"soon\" is no day; write it as \"2026-11-24\" (line 1, column 7)");
}

#[test]
fn rows_are_aggregated() {
    check("lines.sum(\"amount\")", "3.75");
    check("sum(lines, \"amount\")", "3.75");
    check("lines.count()", "3");
    check("lines.count(\"amount\")", "2");
    check("lines.avg(\"amount\")", "1.875");
    check("lines.min(\"amount\") + lines.max(\"amount\")", "3.75");
    check("lines.min(\"due\")", "2026-01-01");
    check("lines.first(\"kind\") + lines.last(\"kind\")", "goodsgoods");
    check("lines.where(\"kind\", \"is\", \"goods\").sum(\"amount\")", "1.5");
    check("lines.where(\"kind\", \"is_not\", \"goods\").count()", "1");
    check("lines.where(\"amount\", \"empty\").count()", "1");
    check("lines.where(\"amount\", \"gt\", 1).where(\"due\", \"before\", start).max(\"amount\")", "2.25");
    check("lines.where(\"kind\", \"any_of\", [\"work\", \"other\"]).count()", "1");
}

#[test]
fn links_and_lists_are_read() {
    check("partner.limit - 100", "400");
    check("\"c/o \" + partner.owner.name", "c/o Ann");
    check("if is_empty(partner) { 0 } else { partner.limit }", "500");
    check("if is_empty(nobody) { 0 } else { nobody.limit }", "0");
    check("or(nobody.limit, partner.limit)", "500");
    check("len(tags)", "2");
    check("contains(tags, \"red\")", "true");
    check("contains(tags, \"re\")", "false");
    check("\"red\" in tags", "true");
    check("name in [\"Ann\", \"Zoë\"]", "true");
    check("\"in \" + tags", "in red, blue");
    check("tags", "red|blue");
}

#[test]
fn choices_are_made() {
    check("if quantity > 2 { \"many\" } else if quantity > 1 { \"two\" } else { \"few\" }", "many");
    check("switch name { \"Ann\" => 1, \"Zoë\" => 2, _ => 3 }", "2");
    check("switch quantity { 1 | 2 => \"few\", 3 => \"three\", _ => \"many\" }", "three");
    check("switch quantity { 3 if done && open => 1, 3 if done => 2, _ => 3 }", "2");
    check("switch quantity { 3 => if open && done { 1 } else { 2 }, _ => 3 }", "2");
    check("min(2, quantity, 5) + max(2, quantity)", "5");
    check("nothing ?? 5", "5");
}

/// A number of two places, in cents.
fn cents() -> impl Strategy<Value = i64> {
    -999_999_999_i64..999_999_999
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Sums, differences and products of money are those of whole cents.
    #[test]
    fn money_is_counted_in_cents(left in cents(), right in cents()) {
        let fields = Fields { values: [("a", left), ("b", right)].into_iter().map(|(name, cents)| (name.to_owned(), Value::Decimal(Decimal::new(cents, 2)))).collect(), ..Fields::default() };
        let ab: NameList = [("a", Kind::Number), ("b", Kind::Number)].into_iter().collect();
        let result = |expr: &str| Formula::check(expr, &ab).expect("a formula").eval(&fields).expect("a result");
        prop_assert_eq!(result("a + b"), Value::Decimal(Decimal::new(left + right, 2)));
        prop_assert_eq!(result("a - b"), Value::Decimal(Decimal::new(left - right, 2)));
        prop_assert_eq!(result("a * b"), Value::Decimal(Decimal::from_i128_with_scale(i128::from(left) * i128::from(right), 4)));
        prop_assert_eq!(result("a < b"), Value::Bool(left < right));
        prop_assert_eq!(result("a == b"), Value::Bool(left == right));
        if right != 0 {
            let Value::Decimal(share) = result("a / b * b - a") else { return Err(TestCaseError::fail("no number")) };
            prop_assert!(share.abs() < Decimal::new(1, 9), "{} / {} comes back with {}", left, right, share);
        }
    }

    /// Half goes away from zero, at every number of places.
    #[test]
    fn rounding_is_that_of_whole_numbers(number in -9_999_999_999_i64..9_999_999_999, places in 0_u32..4) {
        let fields = Fields { values: [("n".to_owned(), Value::Decimal(Decimal::new(number, 4)))].into_iter().collect(), ..Fields::default() };
        let n: NameList = [("n", Kind::Number)].into_iter().collect();
        let result = Formula::check(&format!("round(n, {places})"), &n).expect("a formula").eval(&fields).expect("a result");
        let unit = 10_i64.pow(4 - places);
        let rounded = (number.abs() + unit / 2) / unit * number.signum();
        prop_assert_eq!(result, Value::Decimal(Decimal::new(rounded, places)));
    }
}
