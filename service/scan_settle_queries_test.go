package service_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"flowbot/service"
)

// askedQueries counts what a handle is asked.
type askedQueries struct{ n atomic.Int64 }

// BeforeQuery implements bun.QueryHook.
func (*askedQueries) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

// AfterQuery implements bun.QueryHook.
func (q *askedQueries) AfterQuery(context.Context, *bun.QueryEvent) { q.n.Add(1) }

// TestSettlingAsksLittleOfEachPage counts what further pages cost, whose certificates
// are attached with their blanks: what is the same for all of them is asked once.
func TestSettlingAsksLittleOfEachPage(t *testing.T) {
	t.Parallel()
	const few, many, most = 5, 25, 10
	asked := func(pages int) int64 {
		d := newScanDesk(t)
		e, list := d.waiting(pages)
		var drawn [][]byte
		for i, a := range list {
			drawn = append(drawn, d.scanned(a, onBlank(fmt.Sprintf("%013d", 100+i))))
		}
		b := d.sends(d.anna, e, drawn...)
		d.readAll()
		var q askedQueries
		d.store.Bun().AddQueryHook(&q) //nolint:staticcheck // the handle is this test's own
		if err := d.batches.Settle(t.Context(), service.SettleBatch{BatchID: b.ID}); err != nil {
			t.Fatal(err)
		}
		if n := q.n.Load(); d.view(b).Matched == pages {
			return n
		}
		t.Fatal("not all are attached")
		return 0
	}
	if each := (asked(many) - asked(few)) / (many - few); each > most {
		t.Errorf("%d queries for each page", each)
	}
}
