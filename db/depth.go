package db

import (
	"context"
	"fmt"
	"strings"
)

// Depth is how much stands in one state of a queue.
type Depth struct {
	Queue string // updates, notices, jobs
	State string
	Count int // at most 100,000: more is not told apart
}

// watched are the states of the queues that tell of work or of trouble; the
// rest is finished and would take a walk over the whole table.
var watched = []struct {
	queue, table string
	states       []string
}{
	{"updates", "updates", []string{"waiting", "set_aside"}},
	{"notices", "notices", []string{"queued", "sending", "unknown", "failed"}},
	{"jobs", "river_job", []string{"available", "running", "retryable", "scheduled", "discarded"}},
}

// Depths counts what waits and what lies aside, for metrics.
func (d *DB) Depths(ctx context.Context) ([]Depth, error) {
	var parts []string
	for _, w := range watched {
		for _, s := range w.states {
			// Literals, so that the partial indexes fit; all of them are ours.
			parts = append(parts, fmt.Sprintf(
				"SELECT '%s' AS queue, '%s' AS state, (SELECT count(*) FROM (SELECT 1 FROM %s WHERE state = '%s' LIMIT 100000) x) AS count",
				w.queue, s, w.table, s))
		}
	}
	var out []Depth
	if err := d.bun.NewRaw(strings.Join(parts, " UNION ALL ")).Scan(ctx, &out); err != nil {
		return nil, fmt.Errorf("depths of the queues: %w", explain(err))
	}
	return out, nil
}
