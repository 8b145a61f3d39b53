package db

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var (
	_ service.BlankQueries  = queries{}
	_ service.BlankCommands = tx{}
)

// Blank implements service.BlankQueries.
func (q queries) Blank(ctx context.Context, key service.BlankKey) (*service.Blank, error) {
	return blankOf(ctx, q.NewSelect(), key)
}

// BlankForUpdate implements service.BlankCommands.
func (t tx) BlankForUpdate(ctx context.Context, key service.BlankKey) (*service.Blank, error) {
	return blankOf(ctx, t.NewSelect().For("UPDATE OF blank"), key)
}

func blankOf(ctx context.Context, q *bun.SelectQuery, key service.BlankKey) (*service.Blank, error) {
	var out []service.Blank
	err := q.Model(&out).ColumnExpr("blank.*, coalesce(a.number, '') AS application").
		Join("LEFT JOIN applications AS a ON a.id = blank.application_id").
		Where("blank.series = ?", key.Series).Where("blank.number = ?", key.Number).Scan(ctx)
	if err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// inRange joins the blanks of a range r of the same center: digits of one length
// stand in the order of their numbers.
const inRange = `b.center_id = r.center_id AND b.series = r.series AND length(b.number) = length(r.first)
	AND b.number BETWEEN r.first AND r.last`

// BlankCounts implements service.BlankQueries.
func (q queries) BlankCounts(ctx context.Context, centerID int64) (service.BlankCounts, error) {
	var out struct {
		service.BlankCounts
		Taken int // of the received
	}
	err := q.NewRaw(`
		SELECT (SELECT coalesce(sum(count), 0) FROM blank_ranges WHERE center_id = ?0 AND removed_at IS NULL) AS received,
			count(*) FILTER (WHERE b.state = 'used') AS used,
			count(*) FILTER (WHERE b.state = 'spoiled') AS spoiled,
			(SELECT count(*) FROM scans AS s `+unnamed+` AND e.center_id = ?0) AS unnamed,
			count(*) FILTER (WHERE EXISTS (SELECT 1 FROM blank_ranges AS r WHERE r.removed_at IS NULL AND `+inRange+`)) AS taken
		FROM blanks AS b WHERE b.center_id = ?0`, centerID).Scan(ctx, &out)
	out.Free = out.Received - out.Taken
	return out.BlankCounts, explain(err)
}

// rangesCounted selects ranges that stand, each with what became of its blanks.
func rangesCounted(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("blank_range.*, counted.used, counted.spoiled").
		Join(`CROSS JOIN LATERAL (
			SELECT count(*) FILTER (WHERE b.state = 'used') AS used, count(*) FILTER (WHERE b.state = 'spoiled') AS spoiled
			FROM blanks AS b, (SELECT blank_range.*) AS r WHERE ` + inRange + `) AS counted`).
		Where("blank_range.removed_at IS NULL")
}

// BlankRanges implements service.BlankQueries.
func (q queries) BlankRanges(ctx context.Context, centerID int64, offset, limit int) ([]service.BlankRange, error) {
	var out []service.BlankRange
	err := q.NewSelect().Model(&out).Apply(rangesCounted).Where("blank_range.center_id = ?", centerID).
		OrderExpr("blank_range.id DESC").Offset(int64(offset)).Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// BlankRange implements service.BlankQueries.
func (q queries) BlankRange(ctx context.Context, id int64) (*service.BlankRange, error) {
	r := new(service.BlankRange)
	if err := q.NewSelect().Model(r).Apply(rangesCounted).Where("blank_range.id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return r, nil
}

// BlankRangeOver implements service.BlankQueries.
func (q queries) BlankRangeOver(ctx context.Context, r service.BlankRange) (*service.BlankRange, error) {
	var out []service.BlankRange
	err := q.NewSelect().Model(&out).
		Where("center_id = ?", r.CenterID).Where("series = ?", r.Series).Where("removed_at IS NULL").
		Where("length(first) = length(?)", r.First).Where("first <= ?", r.Last).Where("last >= ?", r.First).
		Order("id").Limit(1).Scan(ctx)
	if err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// BlankInRange implements service.BlankQueries.
func (q queries) BlankInRange(ctx context.Context, centerID int64, key service.BlankKey) (recorded, inside bool, err error) {
	var out struct{ Recorded, Inside bool }
	err = q.NewRaw(`
		SELECT count(*) > 0 AS recorded,
			coalesce(bool_or(series = ?1 AND length(first) = length(?2) AND ?2 BETWEEN first AND last), false) AS inside
		FROM blank_ranges WHERE center_id = ?0 AND removed_at IS NULL`, centerID, key.Series, key.Number).Scan(ctx, &out)
	return out.Recorded, out.Inside, explain(err)
}

// BlankList implements service.BlankQueries.
func (q queries) BlankList(ctx context.Context, centerID int64, offset, limit int) ([]service.Blank, error) {
	var out []service.Blank
	err := q.NewSelect().Model(&out).
		ColumnExpr("blank.*, coalesce(a.number, '') AS application, coalesce(p.name, '') AS by").
		Join("LEFT JOIN applications AS a ON a.id = blank.application_id").
		Join("LEFT JOIN people AS p ON p.id = blank.changed_by").
		Where("blank.center_id = ?", centerID).
		OrderExpr("blank.changed_at DESC, blank.id DESC").Offset(int64(offset)).Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// HoldBlanks implements service.BlankCommands. The center's row stands for
// ranges that are not there yet; rows that refer to it are not held up.
func (t tx) HoldBlanks(ctx context.Context, centerID int64) error {
	var id int64
	err := t.NewSelect().Model((*service.Org)(nil)).Column("id").
		Where("id = ?", centerID).For("NO KEY UPDATE").Scan(ctx, &id)
	return explain(err)
}

// InsertBlankRange implements service.BlankCommands.
func (t tx) InsertBlankRange(ctx context.Context, r *service.BlankRange) error {
	_, err := t.NewInsert().Model(r).Returning("id").Exec(ctx)
	return explain(err)
}

// RemoveBlankRange implements service.BlankCommands.
func (t tx) RemoveBlankRange(ctx context.Context, id int64, at time.Time) error {
	res, err := t.NewUpdate().Model((*service.BlankRange)(nil)).Set("removed_at = ?", at).
		Where("id = ?", id).Where("removed_at IS NULL").Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "blank range", id)
}

// InsertBlank implements service.BlankCommands.
func (t tx) InsertBlank(ctx context.Context, b *service.Blank) error {
	_, err := t.NewInsert().Model(b).Returning("id").Exec(ctx)
	return explain(err)
}

// SaveBlank implements service.BlankCommands.
func (t tx) SaveBlank(ctx context.Context, b *service.Blank) error {
	res, err := t.NewUpdate().Model(b).Column("state", "application_id", "reason", "changed_by", "changed_at", "revision").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "blank", b.ID)
}

// BlanksUsedBy implements service.BlankQueries.
func (q queries) BlanksUsedBy(ctx context.Context, applicationID int64) ([]service.Blank, error) {
	var out []service.Blank
	err := q.NewSelect().Model(&out).Where("application_id = ?", applicationID).Where("state = 'used'").Order("id").Scan(ctx)
	return out, explain(err)
}
