package db

import (
	"context"

	"flowbot/service"
)

var (
	_ service.ProtocolQueries  = queries{}
	_ service.ProtocolCommands = tx{}
)

// Protocol implements service.ProtocolQueries.
func (q queries) Protocol(ctx context.Context, examID int64, version int) (*service.Protocol, error) {
	p := new(service.Protocol)
	err := q.NewSelect().Model(p).Where("exam_id = ?", examID).Where("version = ?", version).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// Protocols implements service.ProtocolQueries.
func (q queries) Protocols(ctx context.Context, examID int64) ([]service.Protocol, error) {
	var out []service.Protocol
	err := q.NewSelect().Model(&out).Where("exam_id = ?", examID).Order("version").Scan(ctx)
	return out, explain(err)
}

// InsertProtocol implements service.ProtocolCommands.
func (t tx) InsertProtocol(ctx context.Context, p *service.Protocol) error {
	_, err := t.NewInsert().Model(p).Exec(ctx)
	return explain(err)
}
