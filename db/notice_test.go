package db_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"

	"github.com/google/go-cmp/cmp"
)

// letter is a notice of the tests.
type letter struct {
	Text string
	kind string
	lane service.Lane
	key  string
}

func (l letter) NoticeKind() string       { return l.kind }
func (l letter) NoticeLane() service.Lane { return l.lane }
func (l letter) NoticeKey() string        { return l.key }

// noon is a moment of the tests' clock.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// outbox returns a database with three people.
func outbox(tb testing.TB) *db.DB {
	tb.Helper()
	d := dbtest.New(tb)
	if _, err := d.Bun().ExecContext(tb.Context(), `INSERT INTO people (name, telegram_id, muted) VALUES ('Анна', 11, false), ('Борис', 12, true), ('Вера', NULL, false)`); err != nil {
		tb.Fatal(err)
	}
	return d
}

func enqueue(tb testing.TB, d *db.DB, person int64, at time.Time, letters ...letter) {
	tb.Helper()
	must(tb, d.InTx(tb.Context(), func(ctx context.Context, tx service.Tx) error {
		for _, l := range letters {
			if err := tx.Enqueue(ctx, person, l, at); err != nil {
				return err
			}
		}
		return nil
	}))
}

func claimNotices(tb testing.TB, d *db.DB, now time.Time, limit int) []service.NoticeBatch {
	tb.Helper()
	bs, err := d.ClaimNotices(tb.Context(), now, limit, time.Minute)
	must(tb, err)
	return bs
}

// batch is what a test looks at in a NoticeBatch.
type batch struct {
	Person int64
	Kind   string
	IDs    []int64
}

func batches(bs []service.NoticeBatch) []batch {
	var out []batch
	for _, b := range bs {
		x := batch{Person: b.PersonID, Kind: b.Kind}
		for _, n := range b.Notices {
			x.IDs = append(x.IDs, n.ID)
		}
		out = append(out, x)
	}
	return out
}

// noticeStates are the states by id.
func noticeStates(tb testing.TB, d *db.DB) []string {
	tb.Helper()
	var out []string
	must(tb, d.Bun().NewRaw(`SELECT state FROM notices ORDER BY id`).Scan(tb.Context(), &out))
	return out
}

func TestANoticeExistsIfItsTransactionCommits(t *testing.T) {
	t.Parallel()
	d := outbox(t)

	refusal := errors.New("no")
	err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		if err := tx.Enqueue(ctx, 1, letter{kind: "a"}, time.Time{}); err != nil {
			return err
		}
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Fatal(err)
	}
	if bs := claimNotices(t, d, noon, 10); len(bs) != 0 {
		t.Errorf("claimed %v of a transaction that was rolled back", batches(bs))
	}
}

func TestOfAKeyTheNewestFactsWaitOnce(t *testing.T) {
	t.Parallel()
	d := outbox(t)

	enqueue(t, d, 1, time.Time{}, letter{"старое", "card", service.LaneNews, "k"}, letter{"новое", "card", service.LaneNews, "k"}, letter{"другое", "card", service.LaneNews, ""})
	enqueue(t, d, 2, time.Time{}, letter{"чужое", "card", service.LaneNews, "k"})
	bs := claimNotices(t, d, noon, 1)
	if len(bs) != 1 || len(bs[0].Notices) != 2 || bs[0].ChatID != 11 {
		t.Fatalf("claimed %+v", bs)
	}
	if got, want := string(bs[0].Notices[0].Payload), `{"Text": "новое"}`; got != want {
		t.Errorf("facts %s, want %s", got, want)
	}
	// While it is being sent, new facts wait for their own message.
	enqueue(t, d, 1, time.Time{}, letter{"новейшее", "card", service.LaneNews, "k"})
	must(t, d.NoticesLater(t.Context(), bs[0], noon, "no answer", true))
	if diff := cmp.Diff([]string{"skipped", "queued", "queued", "queued"}, noticeStates(t, d)); diff != "" {
		t.Errorf("the older of a key gives way (-want +got):\n%s", diff)
	}
}

func TestNoticesAreClaimedByLaneAndGatheredByKind(t *testing.T) {
	t.Parallel()
	d := outbox(t)

	enqueue(t, d, 1, time.Time{}, letter{kind: "reminder", lane: service.LaneReminder})                             // 1
	enqueue(t, d, 1, time.Time{}, letter{kind: "news", lane: service.LaneNews})                                     // 2
	enqueue(t, d, 2, time.Time{}, letter{kind: "news", lane: service.LaneNews})                                     // 3
	enqueue(t, d, 1, time.Time{}, letter{kind: "approved", lane: service.LaneDecision})                             // 4
	enqueue(t, d, 1, time.Time{}, letter{kind: "news", lane: service.LaneNews})                                     // 5
	enqueue(t, d, 1, time.Time{}, letter{kind: "approved", lane: service.LaneDecision})                             // 6
	enqueue(t, d, 3, noon.Add(time.Hour), letter{kind: "answer", lane: service.LaneAnswer}, letter{kind: "answer"}) // 7, 8
	steps := [][]batch{
		{{1, "approved", []int64{4, 6}}, {2, "news", []int64{3}}},
		{{1, "news", []int64{2, 5}}},
		{{1, "reminder", []int64{1}}},
		nil,
	}
	for i, want := range steps {
		bs := claimNotices(t, d, noon, 10)
		if diff := cmp.Diff(want, batches(bs)); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
		if again := claimNotices(t, d, noon, 10); len(again) != 0 {
			t.Errorf("step %d: claimed %v for people who are being written to", i, batches(again))
		}
		for _, b := range bs {
			must(t, d.NoticesEnd(t.Context(), b, service.NoticeSent, noon, 5, ""))
		}
	}
	if diff := cmp.Diff([]batch{{3, "answer", []int64{7, 8}}}, batches(claimNotices(t, d, noon.Add(time.Hour), 10))); diff != "" {
		t.Errorf("an hour later (-want +got):\n%s", diff)
	}
}

func TestATryThatFailedHoldsWhatComesAfter(t *testing.T) {
	t.Parallel()
	d := outbox(t)

	enqueue(t, d, 1, time.Time{}, letter{kind: "first", lane: service.LaneDecision}, letter{kind: "second", lane: service.LaneDecision})
	b := claimNotices(t, d, noon, 10)[0]
	must(t, d.NoticesLater(t.Context(), b, noon.Add(time.Minute), "no network", true))
	enqueue(t, d, 1, time.Time{}, letter{kind: "answer", lane: service.LaneAnswer})
	if diff := cmp.Diff([]batch{{1, "answer", []int64{3}}}, batches(claimNotices(t, d, noon, 10))); diff != "" {
		t.Errorf("only a more urgent lane goes before (-want +got):\n%s", diff)
	}
}

func TestNewsWaitForTheMorningTogether(t *testing.T) {
	t.Parallel()
	d := outbox(t)

	enqueue(t, d, 1, time.Time{}, letter{kind: "news", lane: service.LaneNews}, letter{kind: "reminder", lane: service.LaneReminder}, letter{kind: "decision", lane: service.LaneDecision})
	must(t, d.NoticesQuiet(t.Context(), 1, noon.Add(time.Hour)))
	if diff := cmp.Diff([]batch{{1, "decision", []int64{3}}}, batches(claimNotices(t, d, noon, 10))); diff != "" {
		t.Errorf("at night (-want +got):\n%s", diff)
	}
}

func TestALostSenderLeavesUnknownOnlyWhatHadLeftAndMustNotRepeat(t *testing.T) {
	t.Parallel()
	d := outbox(t)

	enqueue(t, d, 1, time.Time{}, letter{kind: "scan", key: "k"})
	enqueue(t, d, 2, time.Time{}, letter{kind: "card"})
	enqueue(t, d, 3, time.Time{}, letter{kind: "scan"})
	bs := claimNotices(t, d, noon, 10)
	for _, b := range bs[:2] {
		ours, err := d.NoticesLeave(t.Context(), b, noon)
		must(t, err)
		if !ours {
			t.Errorf("the batch of person %d is not ours", b.PersonID)
		}
	}
	later := noon.Add(time.Hour)
	must(t, d.HoldNotices(t.Context(), []int64{bs[0].Claim}, later.Add(time.Minute)))
	if queued, unknown, err := d.RecoverNotices(t.Context(), later, nil); err != nil || queued+unknown != 0 {
		t.Errorf("recovered %d and %d of a sender that lives: %v", queued, unknown, err)
	}
	later = later.Add(time.Hour)
	queued, unknown, err := d.RecoverNotices(t.Context(), later, []string{"card"})
	must(t, err)
	if queued != 2 || unknown != 1 {
		t.Errorf("%d queued, %d unknown; want 2 and 1", queued, unknown)
	}
	if diff := cmp.Diff([]string{"unknown", "queued", "queued"}, noticeStates(t, d)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	// The lost one comes back: it must not change what others hold now.
	if ours, err := d.NoticesLeave(t.Context(), bs[2], later); err != nil || ours {
		t.Errorf("a batch whose lease is over may still leave: %v, %v", ours, err)
	}
	again := claimNotices(t, d, later, 10)
	must(t, d.NoticesEnd(t.Context(), bs[1], service.NoticeFailed, later, 0, "late"))
	if diff := cmp.Diff([]string{"unknown", "sending", "sending"}, noticeStates(t, d)); diff != "" || len(again) != 2 {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestTroubledNoticesCanBeQueuedAgainOrDismissed(t *testing.T) {
	t.Parallel()
	d := outbox(t)

	enqueue(t, d, 1, time.Time{}, letter{kind: "a"})
	enqueue(t, d, 2, time.Time{}, letter{kind: "b"})
	enqueue(t, d, 3, time.Time{}, letter{kind: "c", key: "k"})
	for i, b := range claimNotices(t, d, noon, 10) {
		must(t, d.NoticesEnd(t.Context(), b, []service.NoticeState{service.NoticeUnknown, service.NoticeFailed, service.NoticeFailed}[i], noon, 0, "x"))
	}
	enqueue(t, d, 3, time.Time{}, letter{kind: "c", key: "k"}) // takes the place of the third
	list, err := d.NoticesInTrouble(t.Context(), 1, 1)
	must(t, err)
	n, err := d.NoticesInTroubleCount(t.Context())
	must(t, err)
	if n != 3 || len(list) != 1 || list[0].ID != 2 || list[0].Error != "x" {
		t.Errorf("%d in trouble, the second of them %+v", n, list)
	}
	must(t, d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		for id, to := range map[int64]service.NoticeState{1: service.NoticeQueued, 2: service.NoticeDismissed, 3: service.NoticeQueued} {
			ok, err := tx.EndNoticeTrouble(ctx, id, to, noon)
			if err != nil || !ok {
				t.Errorf("notice %d: %v, %v", id, ok, err)
			}
			if ok, err = tx.EndNoticeTrouble(ctx, id, to, noon); err != nil || ok {
				t.Errorf("notice %d the second time: %v, %v", id, ok, err)
			}
		}
		return nil
	}))
	if diff := cmp.Diff([]string{"queued", "dismissed", "skipped", "queued"}, noticeStates(t, d)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if n, err := d.PruneNotices(t.Context(), noon.Add(time.Second), 10); err != nil || n != 2 {
		t.Errorf("forgot %d notices: %v", n, err)
	}
}

func TestTwoSendersClaimNothingTwice(t *testing.T) {
	t.Parallel()
	d := outbox(t)

	for range 20 {
		for person := int64(1); person <= 3; person++ {
			enqueue(t, d, person, time.Time{}, letter{kind: "a"}, letter{kind: "b"})
		}
	}
	var mu sync.Mutex
	var got []int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 30 {
				bs, err := d.ClaimNotices(t.Context(), noon, 2, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				for _, b := range bs {
					mu.Lock()
					got = append(got, batches([]service.NoticeBatch{b})[0].IDs...)
					mu.Unlock()
					if err := d.NoticesEnd(t.Context(), b, service.NoticeSent, noon, 1, ""); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(got)
	if len(got) != 120 || len(slices.Compact(got)) != 120 {
		t.Errorf("claimed %d notices, want each of 120 once", len(got))
	}
}
