package db

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var (
	_ service.Inbox          = (*DB)(nil)
	_ service.UpdateQueries  = queries{}
	_ service.UpdateCommands = tx{}
)

// maxErrorText bounds what is kept of an error, in bytes.
const maxErrorText = 2000

// StoreUpdates implements service.Inbox.
func (d *DB) StoreUpdates(ctx context.Context, us []service.RawUpdate) (int, error) {
	if len(us) == 0 {
		return 0, nil
	}
	type row struct {
		UpdateID int64
		ChatID   int64
		Raw      string // as text: bun rewrites JSON on its way
	}
	rows := make([]row, len(us))
	for i, u := range us {
		rows[i] = row{u.ID, u.ChatID, strings.ToValidUTF8(string(u.Raw), "\uFFFD")}
	}
	res, err := d.bun.NewInsert().Model(&rows).ModelTableExpr("updates").
		On("CONFLICT (update_id) DO NOTHING").Exec(ctx)
	if err != nil {
		return 0, explain(err)
	}
	n, err := res.RowsAffected()
	return int(n), explain(err)
}

// ClaimUpdates implements service.Inbox. It steps from chat to chat along
// updates_waiting, so its cost is that of the chats it looks at, however many
// updates each has waiting; run_at is in no index, so the lease moves no index
// entry (a HOT update). Two who claim at once see the same heads: the first
// holds the row, the second skips it or finds that run_at has moved.
//
// A chat whose lease runs on an update other than the first (an older update was
// stored late) is passed over too.
func (d *DB) ClaimUpdates(ctx context.Context, afterChat int64, limit int, lease time.Duration) ([]service.Update, error) {
	var out []service.Update
	err := d.bun.NewRaw(`
		WITH RECURSIVE later AS (
			(SELECT chat_id, update_id, run_at FROM updates
			 WHERE state = 'waiting' AND chat_id > ?0 ORDER BY chat_id, update_id LIMIT 1)
			UNION ALL
			SELECT n.chat_id, n.update_id, n.run_at FROM later AS l, LATERAL (
				SELECT chat_id, update_id, run_at FROM updates
				WHERE state = 'waiting' AND chat_id > l.chat_id ORDER BY chat_id, update_id LIMIT 1
			) AS n
		), earlier AS (
			(SELECT chat_id, update_id, run_at FROM updates
			 WHERE state = 'waiting' AND chat_id > ?1 AND chat_id <= ?0 ORDER BY chat_id, update_id LIMIT 1)
			UNION ALL
			SELECT n.chat_id, n.update_id, n.run_at FROM earlier AS l, LATERAL (
				SELECT chat_id, update_id, run_at FROM updates
				WHERE state = 'waiting' AND chat_id > l.chat_id AND chat_id <= ?0 ORDER BY chat_id, update_id LIMIT 1
			) AS n
		), free AS (
			SELECT h.update_id FROM (SELECT * FROM later UNION ALL SELECT * FROM earlier) AS h
			WHERE h.run_at <= now() AND NOT EXISTS (
				SELECT 1 FROM updates AS o WHERE o.state = 'waiting' AND o.chat_id = h.chat_id AND o.run_at > now()
			)
			LIMIT ?2
		), held AS (
			SELECT update_id FROM updates
			WHERE update_id = ANY (ARRAY(SELECT update_id FROM free)) AND state = 'waiting' AND run_at <= now()
			FOR UPDATE SKIP LOCKED
		)
		UPDATE updates AS u SET run_at = now() + make_interval(secs => ?3), attempts = u.attempts + 1, holder = nullif(?4, 0)
		FROM held WHERE u.update_id = held.update_id
		RETURNING u.update_id, u.chat_id, u.raw, u.state, u.attempts, u.run_at, u.error, u.received_at, u.done_at`,
		afterChat, int64(math.MinInt64), limit, lease.Seconds(), d.holder.Load()).Scan(ctx, &out)
	return out, explain(err)
}

// HoldUpdates implements service.Inbox.
func (d *DB) HoldUpdates(ctx context.Context, us []service.Update, lease time.Duration) error {
	ids, attempts := make([]int64, len(us)), make([]int, len(us))
	for i, u := range us {
		ids[i], attempts[i] = u.ID, u.Attempts
	}
	_, err := d.bun.NewRaw(`
		UPDATE updates AS u SET run_at = now() + make_interval(secs => ?)
		FROM unnest(?::bigint[], ?::integer[]) AS h (id, attempts)
		WHERE u.update_id = h.id AND u.attempts = h.attempts AND u.state = 'waiting'`,
		lease.Seconds(), pgdialect.Array(ids), pgdialect.Array(attempts)).Exec(ctx)
	return explain(err)
}

// UpdateWorked implements service.Inbox. Attempts tells this holder from one
// that came after its lease.
func (d *DB) UpdateWorked(ctx context.Context, u service.Update) error {
	_, err := d.bun.NewRaw(`
		UPDATE updates SET state = 'done', done_at = now(), error = ''
		WHERE update_id = ? AND state = 'waiting' AND attempts = ?`, u.ID, u.Attempts).Exec(ctx)
	return explain(err)
}

// UpdateLater implements service.Inbox.
func (d *DB) UpdateLater(ctx context.Context, u service.Update, wait time.Duration, why string) error {
	_, err := d.bun.NewRaw(`
		UPDATE updates SET run_at = now() + make_interval(secs => ?), error = ?, holder = NULL
		WHERE update_id = ? AND state = 'waiting' AND attempts = ?`,
		wait.Seconds(), errorText(why), u.ID, u.Attempts).Exec(ctx)
	return explain(err)
}

// UpdateAside implements service.Inbox.
func (d *DB) UpdateAside(ctx context.Context, u service.Update, why string) error {
	_, err := d.bun.NewRaw(`
		UPDATE updates SET state = 'set_aside', error = ?
		WHERE update_id = ? AND state = 'waiting' AND attempts = ?`,
		errorText(why), u.ID, u.Attempts).Exec(ctx)
	return explain(err)
}

// PruneUpdates implements service.Inbox.
func (d *DB) PruneUpdates(ctx context.Context, before time.Time, limit int) (int, error) {
	res, err := d.bun.NewRaw(`
		DELETE FROM updates WHERE update_id = ANY (ARRAY(
			SELECT update_id FROM updates
			WHERE state IN ('done', 'dismissed') AND done_at < ?
			ORDER BY done_at LIMIT ?
		))`, before, limit).Exec(ctx)
	if err != nil {
		return 0, explain(err)
	}
	n, err := res.RowsAffected()
	return int(n), explain(err)
}

// UpdatesAside implements service.UpdateQueries.
func (q queries) UpdatesAside(ctx context.Context, offset, limit int) ([]service.Update, error) {
	var out []service.Update
	err := q.NewSelect().Model(&out).Where("state = ?", service.UpdateSetAside).
		Order("update_id DESC").Offset(int64(offset)).Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// UpdatesAsideCount implements service.UpdateQueries.
func (q queries) UpdatesAsideCount(ctx context.Context) (int, error) {
	n, err := q.NewSelect().Model((*service.Update)(nil)).Where("state = ?", service.UpdateSetAside).Count(ctx)
	return int(n), explain(err)
}

// EndUpdateAside implements service.UpdateCommands.
func (t tx) EndUpdateAside(ctx context.Context, id int64, to service.UpdateState, at time.Time) (bool, error) {
	up := t.NewUpdate().Model((*service.Update)(nil)).Where("update_id = ?", id).Where("state = ?", service.UpdateSetAside).
		Set("state = ?", to)
	if to == service.UpdateWaiting {
		up = up.Set("attempts = 0").Set("error = ''").Set("run_at = ?", atOnce)
	} else {
		up = up.Set("done_at = ?", at)
	}
	res, err := up.Exec(ctx)
	if err != nil {
		return false, explain(err)
	}
	n, err := res.RowsAffected()
	return n == 1, explain(err)
}

// errorText is what is kept of an error.
func errorText(s string) string {
	if len(s) > maxErrorText {
		s = s[:maxErrorText]
	}
	return strings.ToValidUTF8(s, "")
}
