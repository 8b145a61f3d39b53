package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"flowbot/service"
)

var (
	_ service.DeliveryQueries  = queries{}
	_ service.DeliveryCommands = tx{}
)

// Delivery implements service.DeliveryQueries.
func (q queries) Delivery(ctx context.Context, id int64) (*service.Delivery, error) {
	d := new(service.Delivery)
	if err := q.NewSelect().Model(d).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return d, nil
}

// DeliveriesOf implements service.DeliveryQueries.
func (q queries) DeliveriesOf(ctx context.Context, applicationID int64, limit int) ([]service.Delivery, error) {
	var out []service.Delivery
	err := q.NewSelect().Model(&out).Where("application_id = ?", applicationID).Order("id DESC").Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// LostDeliveries implements service.DeliveryQueries. It walks what is in trouble,
// which is little.
func (q queries) LostDeliveries(ctx context.Context, applicationID int64) ([]service.LostDelivery, error) {
	var out []service.LostDelivery
	err := q.NewRaw(`SELECT person_id, (payload->>'ScanID')::bigint AS scan_id, coalesce(left_at, created_at) AS left_at FROM notices
		WHERE state IN ('unknown', 'failed') AND state = ? AND kind = ? AND (payload->>'ApplicationID')::bigint = ? ORDER BY id`,
		service.NoticeUnknown, service.DeliveryNotice{}.NoticeKind(), applicationID).Scan(ctx, &out)
	return out, explain(err)
}

// noticeTrouble selects the state of a notice to a person, by key, that is unknown
// or failed and waits for a decision; what may have arrived comes first.
const noticeTrouble = `SELECT n.state FROM notices AS n WHERE n.person_id = ?0 AND n.key = ?1 AND n.state = 'unknown'
	UNION ALL
	SELECT n.state FROM notices AS n WHERE n.person_id = ?0 AND n.key = ?1 AND n.state = 'failed' AND NOT EXISTS (
		SELECT 1 FROM notices AS o WHERE o.person_id = n.person_id AND o.key = n.key AND o.state IN ('queued', 'sending'))
	ORDER BY state DESC LIMIT 1`

// NoticeTrouble implements service.DeliveryQueries.
func (q queries) NoticeTrouble(ctx context.Context, personID int64, key string) (service.NoticeState, error) {
	var state service.NoticeState
	err := q.NewRaw(noticeTrouble, personID, key).Scan(ctx, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return state, explain(err)
}

// SaveRecall implements service.DeliveryCommands.
func (t tx) SaveRecall(ctx context.Context, d *service.Delivery) error {
	res, err := t.NewUpdate().Model(d).Column("recall", "recalled_by", "recalled_at").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "delivery", d.ID)
}

// EndNoticeTroubles implements service.DeliveryCommands.
func (t tx) EndNoticeTroubles(ctx context.Context, personID int64, key string, now time.Time) error {
	_, err := t.NewRaw(`UPDATE notices SET state = ?, ended_at = ? WHERE person_id = ? AND key = ? AND state IN ('unknown', 'failed')`,
		service.NoticeDismissed, now.UTC(), personID, key).Exec(ctx)
	return explain(err)
}
