package db

import (
	"context"
	"slices"

	"flowbot/service"
)

var (
	_ service.ScanQueries  = queries{}
	_ service.ScanCommands = tx{}
)

// Scan implements service.ScanQueries.
func (q queries) Scan(ctx context.Context, id int64) (*service.Scan, error) {
	s := new(service.Scan)
	if err := q.NewSelect().Model(s).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return s, nil
}

// ScanVersion implements service.ScanQueries.
func (q queries) ScanVersion(ctx context.Context, applicationID int64) (int, error) {
	var last int
	err := q.NewSelect().Model((*service.Scan)(nil)).ColumnExpr("coalesce(max(version), 0)").
		Where("application_id = ?", applicationID).Scan(ctx, &last)
	return last, explain(err)
}

// InsertScans implements service.ScanCommands.
func (t tx) InsertScans(ctx context.Context, list []service.Scan) error {
	for some := range slices.Chunk(list, batch) {
		if _, err := t.NewInsert().Model(&some).Returning("id").Exec(ctx); err != nil {
			return explain(err)
		}
	}
	return nil
}

// SaveScan implements service.ScanCommands.
func (t tx) SaveScan(ctx context.Context, s *service.Scan) error {
	res, err := t.NewUpdate().Model(s).Column("blank_series", "blank_number", "replaced_at").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "scan", s.ID)
}
