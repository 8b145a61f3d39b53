package db_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"

	"github.com/google/go-cmp/cmp"
)

// noChat comes before the first chat.
const noChat = math.MinInt64

func store(tb testing.TB, d *db.DB, us ...service.RawUpdate) int {
	tb.Helper()
	for i := range us {
		if us[i].Raw == nil {
			us[i].Raw = json.RawMessage(fmt.Sprintf(`{"update_id":%d}`, us[i].ID))
		}
	}
	n, err := d.StoreUpdates(tb.Context(), us)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func claim(tb testing.TB, d *db.DB, after int64, limit int, lease time.Duration) []service.Update {
	tb.Helper()
	us, err := d.ClaimUpdates(tb.Context(), after, limit, lease)
	if err != nil {
		tb.Fatal(err)
	}
	slices.SortFunc(us, func(a, b service.Update) int { return int(a.ID - b.ID) })
	return us
}

func ids(us []service.Update) []int64 {
	var out []int64
	for _, u := range us {
		out = append(out, u.ID)
	}
	return out
}

// must fails the test if a call of the inbox did.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func TestUpdatesAreStoredOnceAsTheyCame(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)

	raws := []string{
		`{"update_id":1, "message":{"text":"Акт ? «1» 😀"}}`,
		`{"update_id":2,"text":"a\u0000b \ud800"}`, // what jsonb would refuse
		"{\"update_id\":3,\"text\":\"\xff'\"}",     // not UTF-8
	}
	var us []service.RawUpdate
	for i, raw := range raws {
		us = append(us, service.RawUpdate{ID: int64(i + 1), ChatID: int64(i), Raw: json.RawMessage(raw)})
	}
	if n := store(t, d, us...); n != 3 {
		t.Errorf("%d updates are new, want 3", n)
	}
	if n := store(t, d, append(us, service.RawUpdate{ID: 4, ChatID: 9})...); n != 1 {
		t.Errorf("%d updates are new the second time, want 1", n)
	}
	var got []string
	for _, u := range claim(t, d, noChat, 10, time.Minute) {
		got = append(got, string(u.Raw))
	}
	want := []string{raws[0], raws[1], strings.ToValidUTF8(raws[2], "\uFFFD"), `{"update_id":4}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inbox (-want +got):\n%s", diff)
	}
}

func TestAChatIsWorkedInOrderOneAtATime(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)

	store(t, d,
		service.RawUpdate{ID: 1, ChatID: 10}, service.RawUpdate{ID: 2, ChatID: 20},
		service.RawUpdate{ID: 3, ChatID: 10}, service.RawUpdate{ID: 4, ChatID: -30})
	first := claim(t, d, noChat, 10, time.Minute)
	if diff := cmp.Diff([]int64{1, 2, 4}, ids(first)); diff != "" {
		t.Errorf("the heads of all chats (-want +got):\n%s", diff)
	}
	if again := claim(t, d, noChat, 10, time.Minute); len(again) != 0 {
		t.Errorf("claimed %v while their chats are being worked", ids(again))
	}
	store(t, d, service.RawUpdate{ID: 0, ChatID: 20}) // late
	if again := claim(t, d, noChat, 10, time.Minute); len(again) != 0 {
		t.Errorf("claimed %v although a later update of its chat is being worked", ids(again))
	}
	for _, u := range first {
		must(t, d.UpdateWorked(t.Context(), u))
	}
	if diff := cmp.Diff([]int64{0, 3}, ids(claim(t, d, noChat, 10, time.Minute))); diff != "" {
		t.Errorf("the next of each chat (-want +got):\n%s", diff)
	}
}

func TestEveryChatHasItsTurn(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)

	for chat := int64(1); chat <= 5; chat++ {
		store(t, d, service.RawUpdate{ID: chat, ChatID: chat})
	}
	if diff := cmp.Diff([]int64{1, 4, 5}, ids(claim(t, d, 3, 3, time.Minute))); diff != "" {
		t.Errorf("after chat 3 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{2, 3}, ids(claim(t, d, 1, 3, time.Minute))); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

func TestAnUpdateComesUpAgainWhenItsHolderDies(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)

	store(t, d, service.RawUpdate{ID: 1, ChatID: 10}, service.RawUpdate{ID: 2, ChatID: 10})
	dead := claim(t, d, noChat, 10, -time.Second)[0]
	alive := claim(t, d, noChat, 10, time.Minute)[0]
	if alive.ID != 1 || alive.Attempts != 2 {
		t.Fatalf("claimed update %d for the %d. time, want 1 for the second", alive.ID, alive.Attempts)
	}
	// The first holder was slow, not dead: it must not end the other's work.
	must(t, d.UpdateWorked(t.Context(), dead))
	must(t, d.UpdateAside(t.Context(), dead, "late"))
	if us := claim(t, d, noChat, 10, time.Minute); len(us) != 0 {
		t.Errorf("claimed %v while update 1 is held", ids(us))
	}
	must(t, d.UpdateWorked(t.Context(), alive))
	if diff := cmp.Diff([]int64{2}, ids(claim(t, d, noChat, 10, time.Minute))); diff != "" {
		t.Errorf("the next (-want +got):\n%s", diff)
	}
}

func TestWhoeverLivesHoldsOnToAnUpdate(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)

	store(t, d, service.RawUpdate{ID: 1, ChatID: 10}, service.RawUpdate{ID: 2, ChatID: 20})
	us := claim(t, d, noChat, 10, -time.Second)
	must(t, d.HoldUpdates(t.Context(), us[:1], time.Minute))
	again := claim(t, d, noChat, 10, -time.Second)
	if diff := cmp.Diff([]int64{2}, ids(again)); diff != "" {
		t.Errorf("only what nobody held is lost (-want +got):\n%s", diff)
	}
	must(t, d.HoldUpdates(t.Context(), us[1:], time.Minute)) // its first holder comes back
	if diff := cmp.Diff([]int64{2}, ids(claim(t, d, noChat, 10, time.Minute))); diff != "" {
		t.Errorf("a holder of before holds nothing (-want +got):\n%s", diff)
	}
}

func TestAFailedUpdateHoldsItsChatUntilItIsSetAside(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)

	store(t, d, service.RawUpdate{ID: 1, ChatID: 10}, service.RawUpdate{ID: 2, ChatID: 10})
	u := claim(t, d, noChat, 10, time.Minute)[0]
	must(t, d.UpdateLater(t.Context(), u, time.Minute, "no answer"))
	if us := claim(t, d, noChat, 10, time.Minute); len(us) != 0 {
		t.Errorf("claimed %v before its pause is over", ids(us))
	}
	must(t, d.UpdateLater(t.Context(), u, -time.Second, "no answer"))
	u = claim(t, d, noChat, 10, time.Minute)[0]
	if u.ID != 1 || u.Error != "no answer" {
		t.Errorf("claimed update %d with error %q", u.ID, u.Error)
	}
	must(t, d.UpdateAside(t.Context(), u, "poison"))
	if diff := cmp.Diff([]int64{2}, ids(claim(t, d, noChat, 10, time.Minute))); diff != "" {
		t.Errorf("the chat goes on (-want +got):\n%s", diff)
	}
	aside, err := d.UpdatesAside(t.Context(), 0, 10)
	must(t, err)
	n, err := d.UpdatesAsideCount(t.Context())
	must(t, err)
	if len(aside) != 1 || n != 1 || aside[0].Error != "poison" || aside[0].State != service.UpdateSetAside {
		t.Errorf("set aside: %d, %+v", n, aside)
	}
}

func TestTwoReplicasNeverWorkOneChatAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)

	const chats, each, replicas = 7, 30, 4
	var us []service.RawUpdate
	for i := range chats * each {
		us = append(us, service.RawUpdate{ID: int64(i + 1), ChatID: int64(i % chats)})
	}
	store(t, d, us...)
	var mu sync.Mutex
	working := map[int64]bool{}
	order := map[int64][]int64{}
	left := len(us)
	var wg sync.WaitGroup
	for range replicas {
		wg.Go(func() {
			for {
				batch, err := d.ClaimUpdates(t.Context(), noChat, 3, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, u := range batch {
					if working[u.ChatID] {
						t.Errorf("chat %d is worked twice at once", u.ChatID)
					}
					working[u.ChatID] = true
					order[u.ChatID] = append(order[u.ChatID], u.ID)
				}
				mu.Unlock()
				for _, u := range batch {
					mu.Lock()
					working[u.ChatID] = false
					left--
					mu.Unlock()
					if err := d.UpdateWorked(t.Context(), u); err != nil {
						t.Error(err)
						return
					}
				}
				mu.Lock()
				over := left == 0
				mu.Unlock()
				if over {
					return
				}
			}
		})
	}
	wg.Wait()
	for chat, ids := range order {
		if !slices.IsSorted(ids) || len(ids) != each {
			t.Errorf("chat %d was worked in the order %v", chat, ids)
		}
	}
}

func TestOldUpdatesAreForgotten(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)

	store(t, d, service.RawUpdate{ID: 1, ChatID: 1}, service.RawUpdate{ID: 2, ChatID: 2}, service.RawUpdate{ID: 3, ChatID: 3})
	for _, u := range claim(t, d, noChat, 2, time.Minute) {
		must(t, d.UpdateWorked(t.Context(), u))
	}
	for _, tt := range []struct {
		before time.Time
		limit  int
		want   int
	}{{time.Now().Add(-time.Hour), 10, 0}, {time.Now().Add(time.Hour), 1, 1}, {time.Now().Add(time.Hour), 10, 1}} {
		n, err := d.PruneUpdates(t.Context(), tt.before, tt.limit)
		must(t, err)
		if n != tt.want {
			t.Errorf("forgot %d updates, want %d", n, tt.want)
		}
	}
	if diff := cmp.Diff([]int64{3}, ids(claim(t, d, noChat, 10, time.Minute))); diff != "" {
		t.Errorf("what waits stays (-want +got):\n%s", diff)
	}
}
