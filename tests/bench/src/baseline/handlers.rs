// Included once for each database; see mod.rs.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::IntoResponse,
    routing::get,
};
use chrono::Utc;

use super::record::{Change, Customer, Line, NewCustomer, NewOrder, Order, WholeOrder, scaled};

struct Pools {
    reader: sqlx::Pool<Db>,
    writer: sqlx::Pool<Db>,
}

type Site = State<Arc<Pools>>;
type Failure = (StatusCode, String);

const CUSTOMER: &str = "SELECT c.id, c.version, c.code, c.name, c.phone, c.email, c.street, c.city, c.province, c.postal_code, c.industry, c.credit_level, \
    c.annual_revenue, c.employee_count, c.created_on, c.last_contact_at, c.is_active, c.website, c.remarks, c.status, c.score, c.revenue_per_head, c.owner, \
    s.name AS owner_name, c.changed_at FROM customers c JOIN staff s ON s.id = c.owner";

fn failed(error: sqlx::Error) -> Failure {
    match error {
        sqlx::Error::RowNotFound => (StatusCode::NOT_FOUND, "not found".into()),
        sqlx::Error::Database(error) if error.is_unique_violation() || error.is_foreign_key_violation() => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
        other => (StatusCode::INTERNAL_SERVER_ERROR, other.to_string()),
    }
}

fn refused(detail: String) -> Failure {
    (StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// Serves until killed.
pub async fn serve(url: &str, listen: &str) -> Result<(), crate::client::Fault> {
    let (reader, writer) = open(url).await?;
    for statement in SCHEMA.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        sqlx::query::<Db>(statement).execute(&writer).await?;
    }
    let router = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/customers", get(list).post(create))
        .route("/customers/{id}", get(read).patch(change))
        .route("/orders", axum::routing::post(create_order))
        .route("/orders/{id}", get(read_order))
        .route("/fill", axum::routing::post(fill))
        .with_state(Arc::new(Pools { reader, writer }));
    axum::serve(tokio::net::TcpListener::bind(listen).await?, router).await?;
    Ok(())
}

async fn customer(pool: &sqlx::Pool<Db>, id: i64) -> Result<Customer, Failure> {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!("{CUSTOMER} WHERE c.id = $1"));
    sqlx::query_as::<Db, Customer>(SQL.as_str()).bind(id).fetch_one(pool).await.map_err(failed)
}

async fn read(State(site): Site, Path(id): Path<i64>) -> Result<Json<Customer>, Failure> {
    customer(&site.reader, id).await.map(Json)
}

/// `?industry=&status=&after=2024-01-01,17&limit=50`, newest first.
async fn list(State(site): Site, Query(asked): Query<HashMap<String, String>>) -> Result<impl IntoResponse, Failure> {
    let after = asked.get("after").and_then(|after| after.split_once(',')).and_then(|(day, id)| Some((day.parse::<chrono::NaiveDate>().ok()?, id.parse::<i64>().ok()?)));
    let limit: i64 = asked.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(50).min(500);
    let mut query = sqlx::QueryBuilder::<Db>::new(CUSTOMER);
    query.push(" WHERE 1 = 1");
    for (name, column) in [("industry", " AND c.industry = "), ("status", " AND c.status = ")] {
        if let Some(value) = asked.get(name) {
            query.push(column).push_bind(value.clone());
        }
    }
    if let Some((day, id)) = after {
        query.push(" AND (c.created_on, c.id) < (").push_bind(day).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY c.created_on DESC, c.id DESC LIMIT ").push_bind(limit + 1);
    let mut data: Vec<Customer> = query.build_query_as().fetch_all(&site.reader).await.map_err(failed)?;
    let more = data.len() as i64 > limit;
    data.truncate(limit as usize);
    let next = data.last().filter(|_| more).map(|last| format!("{},{}", last.created_on, last.id));
    Ok(Json(Page { data, next }))
}

#[derive(serde::Serialize)]
struct Page {
    data: Vec<Customer>,
    next: Option<String>,
}

async fn insert(tx: &mut sqlx::Transaction<'_, Db>, new: NewCustomer) -> Result<i64, Failure> {
    new.check().map_err(refused)?;
    let revenue = new.annual_revenue.as_deref().and_then(|text| scaled(text, 2));
    let per_head = revenue.zip(new.employee_count.filter(|count| *count > 0)).map(|(revenue, count)| (revenue + count / 2) / count);
    let sql = "INSERT INTO customers (version, code, name, phone, email, street, city, province, postal_code, industry, credit_level, annual_revenue, employee_count, \
        created_on, last_contact_at, is_active, website, remarks, status, score, revenue_per_head, owner, changed_at) \
        VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) RETURNING id";
    let now = Utc::now();
    let id: i64 = sqlx::query_scalar::<Db, i64>(sql)
        .bind(new.code)
        .bind(new.name)
        .bind(new.phone)
        .bind(new.email)
        .bind(new.street)
        .bind(new.city)
        .bind(new.province)
        .bind(new.postal_code)
        .bind(new.industry)
        .bind(new.credit_level)
        .bind(revenue)
        .bind(new.employee_count)
        .bind(new.created_on)
        .bind(new.last_contact_at)
        .bind(new.is_active)
        .bind(new.website)
        .bind(new.remarks)
        .bind(new.status)
        .bind(new.score.as_deref().and_then(|text| scaled(text, 1)))
        .bind(per_head)
        .bind(new.owner)
        .bind(now)
        .fetch_one(&mut **tx)
        .await
        .map_err(failed)?;
    audit(tx, "customer created", id, "[]").await?;
    Ok(id)
}

async fn audit(tx: &mut sqlx::Transaction<'_, Db>, what: &str, record: i64, fields: &str) -> Result<(), Failure> {
    let sql = "INSERT INTO audit (at, what, record, fields) VALUES ($1, $2, $3, $4)";
    sqlx::query::<Db>(sql).bind(Utc::now()).bind(what.to_owned()).bind(record).bind(fields.to_owned()).execute(&mut **tx).await.map_err(failed)?;
    Ok(())
}

async fn create(State(site): Site, Json(new): Json<NewCustomer>) -> Result<impl IntoResponse, Failure> {
    let mut tx = site.writer.begin_with(BEGIN).await.map_err(failed)?;
    let id = insert(&mut tx, new).await?;
    tx.commit().await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(customer(&site.reader, id).await?)))
}

async fn change(State(site): Site, Path(id): Path<i64>, Json(change): Json<Change>) -> Result<Json<Customer>, Failure> {
    let score = match change.score.as_deref() {
        Some(text) => Some(scaled(text, 1).filter(|score| (0..=1000).contains(score)).ok_or_else(|| refused("bad score".into()))?),
        None => None,
    };
    let mut tx = site.writer.begin_with(BEGIN).await.map_err(failed)?;
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!("SELECT remarks, score FROM customers WHERE id = $1{HOLD}"));
    let old: (Option<String>, Option<i64>) = sqlx::query_as::<Db, _>(SQL.as_str()).bind(id).fetch_one(&mut *tx).await.map_err(failed)?;
    let sql = "UPDATE customers SET remarks = COALESCE($1, remarks), score = COALESCE($2, score), version = version + 1, changed_at = $3 WHERE id = $4";
    sqlx::query::<Db>(sql).bind(&change.remarks).bind(score).bind(Utc::now()).bind(id).execute(&mut *tx).await.map_err(failed)?;
    let fields = serde_json::json!({"remarks": [old.0, change.remarks], "score": [old.1, score]}).to_string();
    audit(&mut tx, "customer changed", id, &fields).await?;
    tx.commit().await.map_err(failed)?;
    customer(&site.reader, id).await.map(Json)
}

async fn order(pool: &sqlx::Pool<Db>, id: i64) -> Result<WholeOrder, Failure> {
    let sql = "SELECT o.id, o.version, o.no, o.customer, c.name AS customer_name, o.date, o.status, o.total, o.remarks, o.changed_at \
        FROM orders o JOIN customers c ON c.id = o.customer WHERE o.id = $1";
    let order: Order = sqlx::query_as::<Db, Order>(sql).bind(id).fetch_one(pool).await.map_err(failed)?;
    let sql = "SELECT id, product, quantity, price, amount FROM order_lines WHERE order_id = $1 ORDER BY position";
    let lines = sqlx::query_as::<Db, Line>(sql).bind(id).fetch_all(pool).await.map_err(failed)?;
    Ok(WholeOrder { order, lines })
}

async fn read_order(State(site): Site, Path(id): Path<i64>) -> Result<Json<WholeOrder>, Failure> {
    order(&site.reader, id).await.map(Json)
}

async fn insert_order(tx: &mut sqlx::Transaction<'_, Db>, new: NewOrder) -> Result<i64, Failure> {
    let numbers = new.check().map_err(refused)?;
    let total: i64 = numbers.iter().map(|(_, amount)| amount).sum();
    let sql = "INSERT INTO orders (version, no, customer, date, status, total, remarks, changed_at) VALUES (1, $1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let id: i64 = sqlx::query_scalar::<Db, i64>(sql)
        .bind(new.no)
        .bind(new.customer)
        .bind(new.date)
        .bind(new.status)
        .bind(total)
        .bind(new.remarks)
        .bind(Utc::now())
        .fetch_one(&mut **tx)
        .await
        .map_err(failed)?;
    let mut query = sqlx::QueryBuilder::<Db>::new("INSERT INTO order_lines (order_id, position, product, quantity, price, amount) ");
    query.push_values(new.lines.into_iter().zip(numbers).enumerate(), |mut row, (position, (line, (price, amount)))| {
        row.push_bind(id).push_bind(position as i64).push_bind(line.product).push_bind(line.quantity).push_bind(price).push_bind(amount);
    });
    query.build().execute(&mut **tx).await.map_err(failed)?;
    audit(tx, "order created", id, "[]").await?;
    Ok(id)
}

async fn create_order(State(site): Site, Json(new): Json<NewOrder>) -> Result<impl IntoResponse, Failure> {
    let mut tx = site.writer.begin_with(BEGIN).await.map_err(failed)?;
    let id = insert_order(&mut tx, new).await?;
    tx.commit().await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(order(&site.reader, id).await?)))
}

#[derive(serde::Deserialize)]
struct Fill {
    customers: Vec<NewCustomer>,
    orders: Vec<NewOrder>,
}

/// Many at once: how the benchmark brings its data in. Answers the ids.
async fn fill(State(site): Site, body: axum::body::Bytes) -> Result<Json<Vec<i64>>, Failure> {
    let fill: Fill = serde_json::from_slice(&body).map_err(|error| refused(error.to_string()))?;
    let mut tx = site.writer.begin_with(BEGIN).await.map_err(failed)?;
    for id in 1..=crate::data::OWNERS as i64 {
        let sql = "INSERT INTO staff (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        sqlx::query::<Db>(sql).bind(id).bind(format!("Owner {id:02}")).execute(&mut *tx).await.map_err(failed)?;
    }
    let mut ids = Vec::new();
    for new in fill.customers {
        ids.push(insert(&mut tx, new).await?);
    }
    for new in fill.orders {
        ids.push(insert_order(&mut tx, new).await?);
    }
    tx.commit().await.map_err(failed)?;
    Ok(Json(ids))
}
