CREATE TABLE IF NOT EXISTS orders (
    id serial PRIMARY KEY,
    item text NOT NULL CHECK (length(item) BETWEEN 1 AND 200),
    quantity integer NOT NULL CHECK (quantity > 0),
    job text NOT NULL UNIQUE,
    created timestamptz NOT NULL DEFAULT now()
);
