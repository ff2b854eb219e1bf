CREATE TABLE IF NOT EXISTS staff (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL, code TEXT NOT NULL UNIQUE, name TEXT NOT NULL, phone TEXT, email TEXT, street TEXT, city TEXT,
    province TEXT, postal_code TEXT, industry TEXT NOT NULL, credit_level TEXT, annual_revenue INTEGER, employee_count INTEGER, created_on TEXT NOT NULL,
    last_contact_at TEXT, is_active BOOLEAN, website TEXT, remarks TEXT, status TEXT NOT NULL, score INTEGER, revenue_per_head INTEGER,
    owner INTEGER NOT NULL REFERENCES staff (id), changed_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS customers_industry ON customers (industry, status, created_on, id);
CREATE INDEX IF NOT EXISTS customers_created ON customers (created_on, id);
CREATE INDEX IF NOT EXISTS customers_owner ON customers (owner);
CREATE INDEX IF NOT EXISTS customers_name ON customers (name, id);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL, no TEXT NOT NULL UNIQUE, customer INTEGER NOT NULL REFERENCES customers (id), date TEXT NOT NULL,
    status TEXT NOT NULL, total INTEGER NOT NULL, remarks TEXT, changed_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_customer ON orders (customer, date, id);
CREATE INDEX IF NOT EXISTS orders_date ON orders (date, id);
CREATE TABLE IF NOT EXISTS order_lines (
    id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), position INTEGER NOT NULL, product TEXT NOT NULL, quantity INTEGER NOT NULL,
    price INTEGER NOT NULL, amount INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS order_lines_order ON order_lines (order_id, position);
CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY, at TEXT NOT NULL, what TEXT NOT NULL, record INTEGER NOT NULL, fields TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS audit_record ON audit (record);
