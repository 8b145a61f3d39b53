package db

import (
	"context"
	"time"

	"flowbot/service"
)

var (
	_ service.CalendarQueries  = queries{}
	_ service.CalendarCommands = tx{}
)

// calendarYear is a row of calendar_years.
type calendarYear struct {
	Year       int                  `bun:",pk"`
	Days       service.CalendarYear `bun:"type:jsonb"`
	ImportedBy int64                `bun:",nullzero"`
	ImportedAt time.Time
}

// CalendarYears implements service.CalendarQueries.
func (q queries) CalendarYears(ctx context.Context) ([]service.CalendarYear, error) {
	var rows []calendarYear
	if err := q.NewSelect().Model(&rows).Order("year").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	out := make([]service.CalendarYear, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.Days)
	}
	return out, nil
}

// SaveCalendarYear implements service.CalendarCommands.
func (t tx) SaveCalendarYear(ctx context.Context, y service.CalendarYear, personID int64, at time.Time) error {
	row := calendarYear{Year: y.Year, Days: y, ImportedBy: personID, ImportedAt: at}
	_, err := t.NewInsert().Model(&row).
		On("CONFLICT (year) DO UPDATE").
		Set("days = EXCLUDED.days, imported_by = EXCLUDED.imported_by, imported_at = EXCLUDED.imported_at").
		Exec(ctx)
	return explain(err)
}
