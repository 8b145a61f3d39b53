package db

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var (
	_ service.Outbox         = (*DB)(nil)
	_ service.NoticeQueries  = queries{}
	_ service.NoticeCommands = tx{}
)

// maxTogether bounds how many notices become one message.
const maxTogether = 100

// atOnce is the run_at of a notice that need not wait: it is past on every
// clock, that of a test too.
var atOnce = time.Unix(0, 0).UTC()

// Enqueue implements service.NoticeCommands.
func (t tx) Enqueue(ctx context.Context, personID int64, n service.Notice, at time.Time) error {
	payload, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode notice %s: %w", n.NoticeKind(), err)
	}
	if at.IsZero() {
		at = atOnce
	}
	_, err = t.NewRaw(`
		INSERT INTO notices (person_id, kind, lane, payload, key, run_at) VALUES (?, ?, ?, ?::jsonb, ?, ?)
		ON CONFLICT (person_id, key) WHERE state = 'queued' AND key <> '' DO UPDATE
		SET payload = excluded.payload, kind = excluded.kind,
		    lane = least(notices.lane, excluded.lane), run_at = least(notices.run_at, excluded.run_at)`,
		personID, n.NoticeKind(), n.NoticeLane(), string(payload), n.NoticeKey(), at).Exec(ctx)
	return explain(err)
}

// ClaimNotices implements service.Outbox. Each lane is walked in its own order
// along notices_due and no further than it takes, so a hundred thousand notices
// that wait, or wait for the morning, cost nothing.
func (d *DB) ClaimNotices(ctx context.Context, now time.Time, limit int, lease time.Duration) ([]service.NoticeBatch, error) {
	claim := rand.Int64() //nolint:gosec // no secret: two that are equal would need to meet
	var rows []struct {
		service.QueuedNotice
		TelegramID int64
		Muted      bool
	}
	err := d.bun.NewRaw(`
		WITH due AS (
			SELECT n.* FROM (VALUES (0), (1), (2), (3)) AS l (lane), LATERAL (
				SELECT c.id, c.person_id, c.kind, c.lane, c.run_at FROM notices AS c
				WHERE c.state = 'queued' AND c.lane = l.lane AND c.run_at <= ?0
				  AND NOT EXISTS (
					SELECT 1 FROM notices AS b
					WHERE b.person_id = c.person_id
					  AND (b.state = 'sending' OR b.state = 'queued' AND b.attempts > 0 AND b.lane <= c.lane AND b.run_at > ?0)
				  )
				ORDER BY c.run_at, c.id LIMIT ?1
			) AS n
		), heads AS (
			SELECT DISTINCT ON (person_id) id, person_id, kind, lane FROM due ORDER BY person_id, lane, run_at, id
		), held AS (
			SELECT id FROM notices
			WHERE id = ANY (ARRAY(
				SELECT b.id FROM (SELECT * FROM heads ORDER BY lane, id LIMIT ?1) AS h, LATERAL (
					SELECT id FROM notices
					WHERE person_id = h.person_id AND kind = h.kind AND lane = h.lane AND state = 'queued' AND run_at <= ?0
					ORDER BY id LIMIT ?2
				) AS b
			)) AND state = 'queued' AND run_at <= ?0
			FOR UPDATE SKIP LOCKED
		)
		UPDATE notices AS n SET state = 'sending', run_at = ?3, attempts = n.attempts + 1, claim = ?4, left_at = NULL,
			holder = nullif(?5, 0)
		FROM held, people AS p
		WHERE n.id = held.id AND p.id = n.person_id
		RETURNING n.id, n.person_id, n.kind, n.lane, n.payload, n.key, n.state, n.attempts, n.run_at, n.error,
		          n.created_at, coalesce(p.telegram_id, 0) AS telegram_id, p.muted`,
		now.UTC(), limit, maxTogether, now.Add(lease).UTC(), claim, d.holder.Load()).Scan(ctx, &rows)
	if err != nil {
		return nil, explain(err)
	}
	var out []service.NoticeBatch
	at := map[int64]int{} // by person
	for _, r := range rows {
		i, known := at[r.PersonID]
		if !known {
			i = len(out)
			at[r.PersonID] = i
			out = append(out, service.NoticeBatch{
				PersonID: r.PersonID, ChatID: r.TelegramID, Muted: r.Muted, Kind: r.Kind, Lane: r.Lane, Claim: claim,
			})
		}
		out[i].Notices = append(out[i].Notices, r.QueuedNotice)
	}
	for _, b := range out {
		slices.SortFunc(b.Notices, func(a, c service.QueuedNotice) int { return cmp.Compare(a.ID, c.ID) })
	}
	slices.SortFunc(out, func(a, b service.NoticeBatch) int {
		return cmp.Or(cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.Notices[0].ID, b.Notices[0].ID))
	})
	return out, nil
}

// held is the condition that a batch still belongs to its holder.
func held(b service.NoticeBatch) (string, []any) {
	ids := make([]int64, len(b.Notices))
	for i, n := range b.Notices {
		ids[i] = n.ID
	}
	return "n.id = ANY (?::bigint[]) AND n.state = 'sending' AND n.claim = ?", []any{pgdialect.Array(ids), b.Claim}
}

// change runs an update of a batch and returns how many rows it changed.
func (d *DB) change(ctx context.Context, b service.NoticeBatch, set string, args ...any) (int64, error) {
	where, which := held(b)
	res, err := d.bun.NewRaw(`UPDATE notices AS n SET `+set+` WHERE `+where, append(args, which...)...).Exec(ctx)
	if err != nil {
		return 0, explain(err)
	}
	n, err := res.RowsAffected()
	return n, explain(err)
}

// HoldNotices implements service.Outbox.
func (d *DB) HoldNotices(ctx context.Context, claims []int64, until time.Time) error {
	_, err := d.bun.NewRaw(`
		UPDATE notices SET run_at = ? WHERE state = 'sending' AND claim = ANY (?::bigint[])`,
		until.UTC(), pgdialect.Array(claims)).Exec(ctx)
	return explain(err)
}

// NoticesLeave implements service.Outbox.
func (d *DB) NoticesLeave(ctx context.Context, b service.NoticeBatch, now time.Time) (bool, error) {
	n, err := d.change(ctx, b, "left_at = ?", now.UTC())
	return n > 0, err
}

// NoticesEnd implements service.Outbox.
func (d *DB) NoticesEnd(ctx context.Context, b service.NoticeBatch, to service.NoticeState, now time.Time, messageID int64, why string) error {
	_, err := d.change(ctx, b, "state = ?, ended_at = ?, message_id = nullif(?, 0), error = ?",
		to, now.UTC(), messageID, errorText(why))
	return err
}

// again is the state of a notice that is to wait again: queued, unless its key
// has been queued anew meanwhile or a newer one is on its way.
const again = `CASE WHEN n.key <> '' AND EXISTS (
		SELECT 1 FROM notices AS o
		WHERE o.person_id = n.person_id AND o.key = n.key AND o.id <> n.id
		  AND (o.state = 'queued' OR o.state = 'sending' AND o.id > n.id)
	) THEN 'skipped' ELSE 'queued' END`

// NoticesLater implements service.Outbox.
func (d *DB) NoticesLater(ctx context.Context, b service.NoticeBatch, at time.Time, why string, counted bool) error {
	tries := 0
	if !counted {
		tries = 1
	}
	_, err := d.change(ctx, b, "state = "+again+", run_at = ?, ended_at = ?, error = ?, attempts = n.attempts - ?",
		at.UTC(), at.UTC(), errorText(why), tries)
	return err
}

// NoticesQuiet implements service.Outbox.
func (d *DB) NoticesQuiet(ctx context.Context, personID int64, until time.Time) error {
	_, err := d.bun.NewRaw(`
		UPDATE notices SET run_at = ?0
		WHERE person_id = ?1 AND state = 'queued' AND lane >= ?2 AND run_at < ?0`,
		until.UTC(), personID, service.LaneNews).Exec(ctx)
	return explain(err)
}

// RecoverNotices implements service.Outbox.
func (d *DB) RecoverNotices(ctx context.Context, now time.Time, repeatable []string) (queued, unknown int, err error) {
	var states []service.NoticeState
	err = d.bun.NewRaw(`
		WITH lost AS (
			SELECT id FROM notices WHERE state = 'sending' AND run_at <= ?0 ORDER BY id LIMIT ?1 FOR UPDATE SKIP LOCKED
		)
		UPDATE notices AS n
		SET state = CASE WHEN n.left_at IS NULL OR n.kind = ANY (?2::text[]) THEN `+again+` ELSE 'unknown' END,
		    run_at = ?0, ended_at = ?0, error = 'the sender was lost'
		FROM lost WHERE n.id = lost.id
		RETURNING n.state`,
		now.UTC(), maxTogether, pgdialect.Array(repeatable)).Scan(ctx, &states)
	for _, s := range states {
		if s == service.NoticeUnknown {
			unknown++
		} else {
			queued++
		}
	}
	return queued, unknown, explain(err)
}

// PruneNotices implements service.Outbox.
func (d *DB) PruneNotices(ctx context.Context, before time.Time, limit int) (int, error) {
	res, err := d.bun.NewRaw(`
		DELETE FROM notices WHERE id = ANY (ARRAY(
			SELECT id FROM notices
			WHERE state IN ('sent', 'skipped', 'dismissed') AND ended_at < ?
			ORDER BY ended_at LIMIT ?
		))`, before.UTC(), limit).Exec(ctx)
	if err != nil {
		return 0, explain(err)
	}
	n, err := res.RowsAffected()
	return int(n), explain(err)
}

func (q queries) troubledNotices() *bun.SelectQuery {
	return q.NewSelect().Model((*service.QueuedNotice)(nil)).Where("state IN ('unknown', 'failed')")
}

// NoticesInTrouble implements service.NoticeQueries.
func (q queries) NoticesInTrouble(ctx context.Context, offset, limit int) ([]service.QueuedNotice, error) {
	var out []service.QueuedNotice
	err := q.troubledNotices().Order("id DESC").Offset(int64(offset)).Limit(int64(limit)).Scan(ctx, &out)
	return out, explain(err)
}

// NoticeInTrouble implements service.NoticeQueries.
func (q queries) NoticeInTrouble(ctx context.Context, id int64) (*service.QueuedNotice, error) {
	var out []service.QueuedNotice
	if err := q.troubledNotices().Where("id = ?", id).Scan(ctx, &out); err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// NoticesInTroubleCount implements service.NoticeQueries.
func (q queries) NoticesInTroubleCount(ctx context.Context) (int, error) {
	n, err := q.troubledNotices().Count(ctx)
	return int(n), explain(err)
}

// EndNoticeTrouble implements service.NoticeCommands.
func (t tx) EndNoticeTrouble(ctx context.Context, id int64, to service.NoticeState, now time.Time) (bool, error) {
	set := "state = ?, ended_at = ?"
	args := []any{to, now.UTC()}
	if to == service.NoticeQueued {
		set = "state = " + again + ", ended_at = ?, run_at = ?, attempts = 0, error = ''"
		args = []any{now.UTC(), atOnce}
	}
	res, err := t.NewRaw(`UPDATE notices AS n SET `+set+` WHERE n.id = ? AND n.state IN ('unknown', 'failed')`, append(args, id)...).Exec(ctx)
	if err != nil {
		return false, explain(err)
	}
	n, err := res.RowsAffected()
	return n == 1, explain(err)
}
