//! Files in and out: how many rows a second become records, how long an export takes beside writing the same cells with
//! rust_xlsxwriter alone, and the most memory either needs.

use std::{path::Path, process::Stdio, time::{Duration, Instant}};

use rust_xlsxwriter::Workbook;
use tokio::process::Command;

use crate::client::Fault;

/// What a row says, in the order of [`HEADINGS`].
fn row(number: usize) -> [String; 10] {
    let industry = ["manufacturing", "retail", "finance", "logistics", "healthcare"][number % 5];
    let status = ["lead", "prospect", "active", "dormant"][number % 4];
    [
        format!("I-{number:07}"),
        format!("Imported customer {number}"),
        format!("+86 755 {:07}", number % 10_000_000),
        format!("office{number}@example.com"),
        ["Shenzhen", "Shanghai", "Berlin", "Taipei"][number % 4].into(),
        industry.into(),
        status.into(),
        format!("{}.{:02}", number % 900_000, number % 100),
        (number % 900 + 1).to_string(),
        format!("2026-{:02}-{:02}", number % 12 + 1, number % 28 + 1),
    ]
}

const HEADINGS: [&str; 10] = ["code", "name", "phone", "email", "city", "industry", "status", "annual_revenue", "employee_count", "created_on"];

/// Imports and exports that many rows; prints a line for each.
pub async fn measure(cardstock: &Path, rows: usize) -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let site = folder.path().join("site");
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack");
    run(cardstock, &site, &["pack", "install", &pack.display().to_string()]).await?;
    run(cardstock, &site, &["user", "add", "clerk", "--role", "trade_clerk"]).await?;
    let (text, book) = (folder.path().join("rows.csv"), folder.path().join("rows.xlsx"));
    let mut csv = HEADINGS.join(",");
    (0..rows).for_each(|number| csv.push_str(&format!("\n{}", row(number).join(","))));
    std::fs::write(&text, csv)?;
    for (what, skip) in [("import, rows with mistakes left out", true), ("the same file again, by key", true)] {
        let mut arguments = vec!["import", "trade_customer", text.to_str().unwrap_or_default(), "--user", "clerk"];
        arguments.extend(skip.then_some("--skip"));
        if what.contains("again") {
            arguments.extend(["--key", "code"]);
        }
        let (took, memory) = run(cardstock, &site, &arguments).await?;
        println!("{what}: {:.0} rows/s, {memory:.0} MiB", rows as f64 / took.as_secs_f64());
    }
    let fields = HEADINGS.join(",");
    let (took, memory) = run(cardstock, &site, &["export", "trade_customer", book.to_str().unwrap_or_default(), "--fields", &fields, "--user", "clerk"]).await?;
    let alone = alone(rows, &folder.path().join("alone.xlsx"))?;
    println!("export of {rows} rows: {:.2} s, rust_xlsxwriter alone {:.2} s, {:.2} times as long, {memory:.0} MiB", took.as_secs_f64(), alone.as_secs_f64(), took.as_secs_f64() / alone.as_secs_f64());
    Ok(())
}

/// The same cells, with nothing before them.
fn alone(rows: usize, path: &Path) -> Result<Duration, Fault> {
    let began = Instant::now();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory()?;
    for number in 0..rows {
        for (column, text) in (0_u16..).zip(row(number)) {
            match text.parse::<f64>() {
                Ok(figure) if column >= 7 => sheet.write_number(number as u32, column, figure)?,
                _ => sheet.write_string(number as u32, column, text)?,
            };
        }
    }
    book.save(path)?;
    Ok(began.elapsed())
}

/// Runs a command; how long it took, and the most memory it had.
async fn run(cardstock: &Path, site: &Path, arguments: &[&str]) -> Result<(Duration, f64), Fault> {
    let began = Instant::now();
    let mut process = Command::new(cardstock).args(arguments).arg("--data").arg(site).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
    let mut most = 0.0_f64;
    loop {
        if let Ok(status) = tokio::time::timeout(Duration::from_millis(50), process.wait()).await {
            let status = status?;
            if status.success() { return Ok((began.elapsed(), most)) }
            return Err(format!("cardstock {} ended with {status}", arguments.join(" ")).into());
        }
        most = most.max(crate::start::resident(process.id()).unwrap_or_default());
    }
}
