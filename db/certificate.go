package db

import (
	"context"

	"flowbot/service"
)

var (
	_ service.CertificateQueries  = queries{}
	_ service.CertificateCommands = tx{}
)

// Printing implements service.CertificateQueries.
func (q queries) Printing(ctx context.Context, id int64) (*service.Printing, error) {
	p := new(service.Printing)
	err := q.NewSelect().Model(p).ColumnExpr("printing.*, p.name AS by").
		Join("JOIN people AS p ON p.id = printing.ordered_by").Where("printing.id = ?", id).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// PrintingOf implements service.CertificateQueries.
func (q queries) PrintingOf(ctx context.Context, examID, updateID int64) (*service.Printing, error) {
	p := new(service.Printing)
	err := q.NewSelect().Model(p).Where("exam_id = ?", examID).Where("update_id = ?", updateID).
		Where("update_id <> 0").Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// Printings implements service.CertificateQueries.
func (q queries) Printings(ctx context.Context, examID int64, offset, limit int) ([]service.Printing, error) {
	var out []service.Printing
	err := q.NewSelect().Model(&out).ExcludeColumn("form").ColumnExpr("p.name AS by").
		Join("JOIN people AS p ON p.id = printing.ordered_by").
		Where("printing.exam_id = ?", examID).
		OrderExpr("printing.id DESC").Offset(int64(offset)).Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// PrintedTimes implements service.CertificateQueries.
func (q queries) PrintedTimes(ctx context.Context, examID int64) (map[int64]int, error) {
	var rows []struct {
		ID    int64
		Times int
	}
	err := q.NewSelect().Model((*service.Printing)(nil)).
		ColumnExpr("a.id, sum(1 + printing.downloads) AS times").
		Join("CROSS JOIN unnest(printing.applications) AS a (id)").
		Where("printing.exam_id = ?", examID).Where("printing.fault IS NULL").
		GroupExpr("a.id").Scan(ctx, &rows)
	out := make(map[int64]int, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Times
	}
	return out, explain(err)
}

// InsertPrinting implements service.CertificateCommands.
func (t tx) InsertPrinting(ctx context.Context, p *service.Printing) error {
	_, err := t.NewInsert().Model(p).ExcludeColumn("parts").
		Value("number", "(SELECT coalesce(max(number), 0) + 1 FROM printings WHERE exam_id = ?)", p.ExamID).
		Returning("id, number").Exec(ctx)
	return explain(err)
}

// SavePrinting implements service.CertificateCommands.
func (t tx) SavePrinting(ctx context.Context, p *service.Printing) error {
	res, err := t.NewUpdate().Model(p).Column("parts", "fault", "downloads").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "printing", p.ID)
}

// PrintingForUpdate implements service.CertificateCommands.
func (t tx) PrintingForUpdate(ctx context.Context, id int64) (*service.Printing, error) {
	p := new(service.Printing)
	if err := t.NewSelect().Model(p).Where("id = ?", id).For("UPDATE").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return p, nil
}
