package db

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var (
	_ service.ProtocolQueries  = queries{}
	_ service.ProtocolCommands = tx{}
)

// protocolsOf selects protocols together with the names of who uploaded them.
func protocolsOf(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("protocol.*, person.name AS uploader").
		Join("JOIN people AS person ON person.id = protocol.uploaded_by")
}

// Protocol implements service.ProtocolQueries.
func (q queries) Protocol(ctx context.Context, examID int64, version int) (*service.Protocol, error) {
	p := new(service.Protocol)
	err := q.NewSelect().Model(p).Apply(protocolsOf).
		Where("protocol.exam_id = ?", examID).Where("protocol.version = ?", version).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// Protocols implements service.ProtocolQueries.
func (q queries) Protocols(ctx context.Context, examID int64) ([]service.Protocol, error) {
	var out []service.Protocol
	err := q.NewSelect().Model(&out).Apply(protocolsOf).
		Where("protocol.exam_id = ?", examID).Order("protocol.version").Scan(ctx)
	return out, explain(err)
}

// ExpiredProtocols implements service.ProtocolQueries.
func (q queries) ExpiredProtocols(ctx context.Context, takenBefore time.Time, limit int) ([]int64, error) {
	var ids []int64
	err := q.NewSelect().Model((*service.Exam)(nil)).Column("exam.id").
		Where("exam.reviewer_id IS NOT NULL").
		Where(`(exam.taken_at <= ? OR NOT EXISTS (
			SELECT 1 FROM memberships AS m
			WHERE m.person_id = exam.reviewer_id AND m.org_id = exam.center_id AND m.role = ? AND m.removed_at IS NULL))`,
			takenBefore, service.RoleCenterStaff).
		Order("exam.taken_at", "exam.id").Limit(int64(limit)).
		Scan(ctx, &ids)
	return ids, explain(err)
}

// InsertProtocol implements service.ProtocolCommands.
func (t tx) InsertProtocol(ctx context.Context, p *service.Protocol) error {
	_, err := t.NewInsert().Model(p).Exec(ctx)
	return explain(err)
}
