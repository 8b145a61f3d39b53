package db_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

func attend(t *testing.T, d *db.DB) *db.Holder {
	t.Helper()
	h, err := d.Attend(t.Context(), slog.New(slog.DiscardHandler))
	must(t, err)
	return h
}

func TestWhatADeadProcessHeldIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	lives, dies := dbtest.Open(t, url), dbtest.Open(t, url)
	_, err := lives.Bun().ExecContext(t.Context(), `INSERT INTO people (name, telegram_id) VALUES ('Анна', 11), ('Борис', 12), ('Вера', 13)`)
	must(t, err)
	first, second := attend(t, lives), attend(t, dies)
	t.Cleanup(first.Leave)

	store(t, lives, service.RawUpdate{ID: 1, ChatID: 10}, service.RawUpdate{ID: 2, ChatID: 20}, service.RawUpdate{ID: 3, ChatID: 30})
	kept, lost := claim(t, lives, noChat, 1, time.Hour), claim(t, dies, noChat, 2, time.Hour)
	must(t, dies.UpdateLater(t.Context(), lost[1], time.Hour, "its pause stays"))
	enqueue(t, lives, 1, noon, letter{kind: "news"})
	enqueue(t, lives, 2, noon, letter{kind: "news"})
	held := claimNotices(t, lives, noon, 1)
	claimNotices(t, dies, noon, 1)
	_, err = lives.Pool().Exec(t.Context(), `
		INSERT INTO river_job (kind, args, max_attempts, attempt, state, attempted_by, attempted_at)
		VALUES ('a', '{}', 5, 1, 'running', ARRAY[$1], now()), ('b', '{}', 5, 1, 'running', ARRAY[$2], now())`, first.Name(), second.Name())
	must(t, err)

	release := func(want db.Freed) {
		t.Helper()
		got, err := lives.ReleaseDead(t.Context())
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	release(db.Freed{}) // both live
	second.Leave()      // as its session ends with a killed process
	release(db.Freed{Updates: 1, Notices: 1, Jobs: 1})
	release(db.Freed{})

	if diff := cmp.Diff(ids(lost[:1]), ids(claim(t, lives, noChat, 10, time.Hour))); diff != "" {
		t.Errorf("updates to be worked (-want +got):\n%s", diff)
	}
	must(t, lives.UpdateWorked(t.Context(), kept[0]))
	// What the dead one was sending is settled before anything else goes out.
	enqueue(t, lives, 2, noon, letter{kind: "news", Text: "later"})
	if bs := claimNotices(t, lives, noon, 10); len(bs) != 0 {
		t.Errorf("%v are sent before what was lost is settled", batches(bs))
	}
	queued, unknown, err := lives.RecoverNotices(t.Context(), noon, nil)
	must(t, err)
	if queued != 1 || unknown != 0 {
		t.Errorf("%d notices wait again, %d are unknown; want 1 and 0", queued, unknown)
	}
	want := []batch{{Person: 2, Kind: "news", IDs: []int64{2, 3}}}
	if diff := cmp.Diff(want, batches(claimNotices(t, lives, noon, 10))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ours, err := lives.NoticesLeave(t.Context(), held[0], noon); err != nil || !ours {
		t.Errorf("what the living one holds is no longer its own: %v", err)
	}
}

func TestAHolderOutlivesTheLossOfItsSession(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	h := attend(t, d)
	t.Cleanup(h.Leave)
	const session = `SELECT coalesce((SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())), 0)`
	var before, now int
	must(t, d.Pool().QueryRow(t.Context(), session).Scan(&before))
	_, err := d.Pool().Exec(t.Context(), `SELECT pg_terminate_backend($1)`, before)
	must(t, err)
	// Meanwhile somebody takes it for dead.
	_, err = d.Pool().Exec(t.Context(), `DELETE FROM holders`)
	must(t, err)
	for now == 0 || now == before {
		must(t, d.Pool().QueryRow(t.Context(), session).Scan(&now))
	}
	for rows := 0; rows == 0; {
		must(t, d.Pool().QueryRow(t.Context(), `SELECT count(*) FROM holders`).Scan(&rows))
	}
	other := attend(t, dbtest.Open(t, d.Pool().Config().ConnString()))
	t.Cleanup(other.Leave)
	if other.Name() == h.Name() {
		t.Errorf("two live under the name %s", h.Name())
	}
}
