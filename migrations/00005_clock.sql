-- +goose Up
-- Ticks: which planned moment of which line of the timetable has been acted upon.
CREATE TABLE ticks (
    name text        NOT NULL,
    at   timestamptz NOT NULL, -- the planned moment

    PRIMARY KEY (name, at)
);

-- Calendar years that an admin has imported; they replace the built-in ones.
CREATE TABLE calendar_years (
    year        integer     PRIMARY KEY,
    days        jsonb       NOT NULL, -- service.CalendarYear
    imported_by bigint      REFERENCES people,
    imported_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE calendar_years;
DROP TABLE ticks;
