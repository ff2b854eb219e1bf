use std::{fs::File, io::{Cursor, Write}, path::PathBuf};

use crate::{Cell, Fault, FaultCode, Head, Job, Line, book::{Book, Column, Shape, Total}, comma, workbook};

/// Everything in a file, read without a process of its own.
fn read_with(bytes: &[u8], job: Job) -> Result<(Head, Vec<Line>), Fault> {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("file");
    std::fs::write(&path, bytes).expect("a file");
    let (mut head, mut lines) = (Head::default(), Vec::new());
    let mut keep = |found: Head| {
        head = found;
        Ok(())
    };
    let mut emit = |line: Line| {
        lines.push(line);
        Ok(true)
    };
    let file = File::open(&path).expect("a file");
    match bytes.starts_with(b"PK") {
        true => workbook::read(file, &job, &mut keep, &mut emit)?,
        false => comma::read(file, &job, &mut keep, &mut emit)?,
    }
    Ok((head, lines))
}

fn read(bytes: &[u8]) -> Result<Vec<Line>, Fault> {
    read_with(bytes, Job::default()).map(|(_, lines)| lines)
}

#[track_caller]
fn refused(bytes: &[u8], code: FaultCode) {
    assert_eq!(read(bytes).expect_err("a refusal").code, code);
}

fn texts(lines: &[Line]) -> Vec<Vec<String>> {
    lines.iter().map(|line| line.cells.iter().map(Cell::text).collect()).collect()
}

fn column(label: &str, shape: Shape, total: Option<Total>) -> Column {
    Column { label: label.into(), shape, width: 12.0, total }
}

/// A workbook made by hand: the parts that Excel needs, and this sheet.
fn workbook(sheet: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let parts = [
        ("[Content_Types].xml", r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#),
        ("_rels/.rels", r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#),
        ("xl/workbook.xml", r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#),
        ("xl/_rels/workbook.xml.rels", r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    for (name, text) in parts.iter().chain(more) {
        zip.start_file(*name, options).expect("a part");
        zip.write_all(text.as_bytes()).expect("a part");
    }
    zip.finish().expect("a zip").into_inner()
}

fn sheet(rows: &str) -> String {
    format!(r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#)
}

fn text_cell(place: &str, text: &str) -> String {
    format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

#[test]
fn a_workbook_comes_back_as_it_was_written() {
    let columns = vec![
        column("Name", Shape::Text, None),
        column("Money", Shape::Money { scale: 2, sign: "¥".into() }, Some(Total::Sum)),
        column("Share", Shape::Percent { scale: 2 }, None),
        column("Day", Shape::Day, None),
        column("At", Shape::Moment, None),
        column("Lasts", Shape::Span, None),
        column("Yes", Shape::Flag, None),
    ];
    let at = chrono::NaiveDate::from_ymd_opt(2026, 11, 24).and_then(|day| day.and_hms_opt(9, 30, 15)).expect("a moment");
    let day = at.date().and_time(chrono::NaiveTime::MIN);
    let row = |name: &str, money: f64| vec![Cell::Text(name.into()), Cell::Number(money), Cell::Percent(0.155), Cell::Moment(day), Cell::Moment(at), Cell::Span(5400), Cell::Bool(true)];
    let mut book = Book::new("A: list/*", columns).expect("a book");
    book.open();
    book.row(&row("=1+1", 19.9)).expect("a row");
    book.row(&row("比色皿", -0.1)).expect("a row");
    book.close("Group (2)").expect("a group");
    let mut out = Cursor::new(Vec::new());
    book.finish(&mut out).expect("a workbook");
    let lines = read(&out.into_inner()).expect("a workbook");
    assert_eq!(lines[0].cells[..2], [Cell::Text("Name".into()), Cell::Text("Money".into())]);
    assert_eq!(lines[1], Line { row: 2, cells: row("=1+1", 19.9) });
    assert_eq!(lines[2], Line { row: 3, cells: row("比色皿", -0.1) });
    // Formulas are read as the values they had.
    assert_eq!(lines[3].cells, [Cell::Text("Group (2)".into()), Cell::Number(19.8)]);
    assert_eq!(lines[4].cells, [Cell::Text("Σ".into()), Cell::Number(19.8)]);
}

#[test]
fn a_cell_far_away_costs_nothing_and_is_named() {
    let far = workbook(&sheet(&format!("<row r=\"1\">{}</row><row r=\"1048576\">{}</row>", text_cell("A1", "x"), text_cell("XFD1048576", "y"))), &[]);
    let fault = read(&far).expect_err("a refusal");
    assert_eq!((fault.code, fault.detail.as_str()), (FaultCode::Columns, "XFD"));
    let claims = sheet("<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>").replace("<sheetData>", "<dimension ref=\"A1:XFD1048576\"/><sheetData>");
    assert_eq!(texts(&read(&workbook(&claims, &[])).expect("a sheet")), [["1"]]);
}

#[test]
fn bombs_are_refused_before_they_are_read() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).expect("a part");
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..36 {
        zip.write_all(&spaces).expect("a part");
    }
    refused(&zip.finish().expect("a zip").into_inner(), FaultCode::Bomb);
}

#[test]
fn what_an_entity_stands_for_is_never_fetched() {
    let doctype = "<!DOCTYPE x [<!ENTITY e SYSTEM \"/etc/passwd\"><!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    let rows = format!("<row r=\"1\">{}{}</row>", text_cell("A1", "&e;"), text_cell("B1", "&b;"));
    match read(&workbook(&format!("<?xml version=\"1.0\"?>{doctype}{}", sheet(&rows)), &[])) {
        Ok(lines) => assert!(texts(&lines).iter().flatten().all(|text| !text.contains("root:") && text.len() < 10), "{lines:?}"),
        Err(fault) => assert_eq!(fault.code, FaultCode::Broken),
    }
}

#[test]
fn damaged_files_are_named_as_such() {
    let whole = workbook(&sheet("<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>"), &[]);
    refused(&whole[..whole.len() / 2], FaultCode::Broken);
    refused(&workbook("<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1", &[]), FaultCode::Broken);
    refused(&workbook(&sheet("<row r=\"1\"><c r=\"A1\" t=\"s\"><v>99</v></c></row>"), &[]), FaultCode::Broken);
    let fault = read_with(&whole, Job { sheet: Some("Other".into()), ..Job::default() }).expect_err("a refusal");
    assert_eq!(fault.code, FaultCode::NoSheet);
}

#[test]
fn a_size_that_is_claimed_reserves_nothing() {
    // The zip says that the sheet unpacks to 1 GB; what is there decides.
    let mut whole = workbook(&sheet("<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>"), &[]);
    let claimed = 1_u32 << 30;
    let at = |bytes: &[u8], sign: &[u8]| bytes.windows(4).enumerate().filter(|(_, window)| *window == sign).map(|(index, _)| index).collect::<Vec<_>>();
    for place in at(&whole, b"PK\x01\x02") {
        whole[place + 24..place + 28].copy_from_slice(&claimed.to_le_bytes());
    }
    match read(&whole) {
        Ok(lines) => assert_eq!(texts(&lines), [["1"]]),
        Err(fault) => assert_eq!(fault.code, FaultCode::Broken),
    }
}

#[test]
fn merged_cells_say_the_same_in_each() {
    let rows = format!("<row r=\"1\">{}{}</row><row r=\"2\"><c r=\"B2\"><v>2</v></c></row><row r=\"3\"><c r=\"B3\"><v>3</v></c></row><row r=\"4\"><c r=\"B4\"><v>4</v></c></row>", text_cell("A1", "Group"), text_cell("B1", "n"));
    let merged = sheet(&rows).replace("</sheetData>", "</sheetData><mergeCells count=\"1\"><mergeCell ref=\"A1:A3\"/></mergeCells>");
    assert_eq!(texts(&read(&workbook(&merged, &[])).expect("a sheet")), [["Group", "n"], ["Group", "2"], ["Group", "3"], ["", "4"]]);
}

#[test]
fn formulas_errors_and_percentages_are_values() {
    let styles = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="10" applyNumberFormat="1"/></cellXfs></styleSheet>"#;
    let rows = "<row r=\"1\"><c r=\"A1\"><f>1+1</f><v>2</v></c><c r=\"B1\" t=\"e\"><f>NA()</f><v>#N/A</v></c><c r=\"C1\" s=\"1\"><v>0.15</v></c><c r=\"D1\" t=\"b\"><v>1</v></c></row>";
    let lines = read(&workbook(&sheet(rows), &[("xl/styles.xml", styles)])).expect("a sheet");
    assert_eq!(lines[0].cells, [Cell::Number(2.0), Cell::Fault("#N/A".into()), Cell::Percent(0.15), Cell::Bool(true)]);
}

#[test]
fn texts_without_end_are_refused() {
    refused(&workbook(&sheet(&format!("<row r=\"1\">{}</row>", text_cell("B1", &"x1".repeat(600_000)))), &[]), FaultCode::Long);
    let mut open = b"a,b\n\"never closed,1\n".to_vec();
    open.extend(b"x,y\n".repeat(2_500_000));
    refused(&open, FaultCode::Long);
}

#[test]
fn encodings_are_found() {
    let text = "编号,名称,城市\r\nC-1,红灯笼玩具有限公司,深圳\r\nC-2,港湾礼品贸易公司,上海\r\n";
    let wide = |bom: &[u8], bytes: fn(u16) -> [u8; 2]| [bom, &text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()].concat();
    let encoded = |encoding: &'static encoding_rs::Encoding, text: &str| encoding.encode(text).0.into_owned();
    for (name, bytes) in [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("UTF-16LE", wide(b"\xff\xfe", u16::to_le_bytes)),
        ("UTF-16BE", wide(b"\xfe\xff", u16::to_be_bytes)),
        ("gb18030", encoded(encoding_rs::GB18030, text)),
    ] {
        let (head, lines) = read_with(&bytes, Job::default()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(head.encoding.as_deref(), Some(name));
        assert_eq!(lines.iter().map(|line| line.row).collect::<Vec<_>>(), [1, 2, 3], "{name}");
        assert_eq!(lines[1].cells[1], Cell::Text("红灯笼玩具有限公司".into()), "{name}");
    }
    let taiwan = encoded(encoding_rs::BIG5, "編號,名稱\r\nC-1,紅燈籠玩具有限公司臺灣分公司\r\nC-2,港灣禮品貿易公司\r\n");
    assert_eq!(read(&taiwan).expect("a file")[1].cells[1], Cell::Text("紅燈籠玩具有限公司臺灣分公司".into()));
    let plain = "name;stadt\r\nMüller;Köln\r\n";
    assert_eq!(read(&encoded(encoding_rs::WINDOWS_1252, plain)).expect("a file")[1].cells, [Cell::Text("Müller".into()), Cell::Text("Köln".into())]);
    // The wrong one is an error, never a question mark.
    let wrong = Job { encoding: Some("utf-8".into()), ..Job::default() };
    assert_eq!(read_with(&encoded(encoding_rs::GB18030, text), wrong).expect_err("a refusal").code, FaultCode::Encoding);
    let unknown = Job { encoding: Some("klingon".into()), ..Job::default() };
    assert_eq!(read_with(text.as_bytes(), unknown).expect_err("a refusal").code, FaultCode::UnknownEncoding);
}

#[test]
fn rows_keep_their_numbers() {
    let lines = read(b"a,b\n\n1,2\n,\n3,4\n").expect("a file");
    // Empty lines are not rows to a text file; rows of nothing are.
    assert_eq!(lines.iter().map(|line| line.row).collect::<Vec<_>>(), [1, 2, 4]);
    let guarded = read(b"a\n'=1+1\n'tis\n").expect("a file");
    assert_eq!(texts(&guarded), [["a"], ["=1+1"], ["'tis"]]);
}
