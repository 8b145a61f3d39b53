package db

import (
	"context"
	"slices"

	"github.com/uptrace/bun/dialect/pgdialect"

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

// StandsElsewhere implements service.ScanQueries.
func (q queries) StandsElsewhere(ctx context.Context, files []string, applicationID int64) (int64, error) {
	var out []int64
	err := q.NewRaw(`SELECT application_id FROM scans WHERE (file_sha = ANY (?0) OR page_sha = ANY (?0)) AND replaced_at IS NULL AND application_id <> ?1
		ORDER BY id LIMIT 1`, pgdialect.Array(files), applicationID).Scan(ctx, &out)
	if err != nil || len(out) == 0 {
		return 0, explain(err)
	}
	return out[0], nil
}

// unnamed joins the scans that stand without their blank to their center.
const unnamed = `JOIN applications AS a ON a.id = s.application_id JOIN exams AS e ON e.id = a.exam_id
	WHERE s.blank_number = '' AND s.replaced_at IS NULL`

// UnnamedScans implements service.ScanQueries.
func (q queries) UnnamedScans(ctx context.Context, centerID int64, offset, limit int) ([]service.Application, error) {
	var out []service.Application
	err := q.NewRaw(`SELECT a.* FROM scans AS s `+unnamed+` AND e.center_id = ?
		ORDER BY e.held_on, e.id, a.last_name, a.first_name, a.id OFFSET ? LIMIT ?`, centerID, offset, limit).Scan(ctx, &out)
	return out, explain(err)
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

// HoldScanFiles implements service.ScanCommands.
func (t tx) HoldScanFiles(ctx context.Context, files []string) error {
	for _, sha := range slices.Sorted(slices.Values(files)) { // of two with the same files none waits for the other for good
		if sha == "" {
			continue
		}
		if _, err := t.NewRaw("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", sha).Exec(ctx); err != nil {
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
