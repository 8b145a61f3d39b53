package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"flowbot/service"
)

func TestADeadJobIsRetriedOrDismissedOnceAndWrittenDown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	troubles := service.NewTroubles(d.store, d.now)
	d.exec(`INSERT INTO river_job (kind, args, max_attempts, attempt, state, finalized_at, errors) VALUES
		('check_file', '{}', 5, 5, 'discarded', now(), ARRAY['{"error": "first"}', '{"error": "last"}']::jsonb[]),
		('print_act', '{}', 5, 5, 'discarded', now(), NULL), ('print_act', '{}', 5, 1, 'running', NULL, NULL)`)

	if n, err := troubles.Counts(t.Context(), service.CommandLine); err != nil || n != (service.TroubleCounts{Jobs: 2}) {
		t.Errorf("counts %+v (%v)", n, err)
	}
	page, err := troubles.Page(t.Context(), service.CommandLine, service.TroubleJob, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	want := []service.Trouble{
		{Kind: service.TroubleJob, ID: 2, What: "print_act", Attempts: 5},
		{Kind: service.TroubleJob, ID: 1, What: "check_file", Attempts: 5, Error: "last"},
	}
	if diff := cmp.Diff(want, page, cmpopts.IgnoreFields(service.Trouble{}, "At")); diff != "" {
		t.Error(diff)
	}

	steps := []struct {
		name  string
		by    service.Actor
		end   func(service.Actor, int64) error
		id    int64
		want  service.Reason
		state string // of the job; "" when it is gone
	}{
		{"a partner retries", d.rep, retry(d, troubles), 1, service.ReasonForbidden, "discarded"},
		{"retried", service.CommandLine, retry(d, troubles), 1, "", "available"},
		{"retried twice", service.CommandLine, retry(d, troubles), 1, service.ReasonNotFound, "available"},
		{"dismissed", service.CommandLine, dismiss(d, troubles), 2, "", ""},
		{"dismissed twice", service.CommandLine, dismiss(d, troubles), 2, service.ReasonNotFound, ""},
		{"dismissed while it runs", service.CommandLine, dismiss(d, troubles), 3, service.ReasonNotFound, "running"},
	}
	for _, s := range steps {
		if got := service.ReasonOf(s.end(s.by, s.id)); got != s.want {
			t.Errorf("%s: %q, want %q", s.name, got, s.want)
		}
		var states []string
		if err := d.store.Bun().NewRaw("SELECT state::text FROM river_job WHERE id = ?", s.id).Scan(t.Context(), &states); err != nil {
			t.Fatal(err)
		}
		if got := append(states, "")[0]; got != s.state {
			t.Errorf("%s: the job is %q, want %q", s.name, got, s.state)
		}
	}
	var written []string
	err = d.store.Bun().NewRaw("SELECT subject_id || ' ' || event FROM history WHERE subject = 'job' ORDER BY id").Scan(t.Context(), &written)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 retried", "2 dismissed"}, written); diff != "" {
		t.Error(diff)
	}
}

func retry(d *desk, s *service.Troubles) func(service.Actor, int64) error {
	return func(by service.Actor, id int64) error { return s.Retry(d.t.Context(), by, service.TroubleJob, id) }
}

func dismiss(d *desk, s *service.Troubles) func(service.Actor, int64) error {
	return func(by service.Actor, id int64) error { return s.Dismiss(d.t.Context(), by, service.TroubleJob, id) }
}

// TestATroubleThatCannotBeWrittenDownStays has the history refuse the step.
func TestATroubleThatCannotBeWrittenDownStays(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.exec(`INSERT INTO river_job (kind, args, max_attempts, attempt, state, finalized_at) VALUES ('check_file', '{}', 5, 5, 'discarded', now())`)
	d.exec("ALTER TABLE history ADD CONSTRAINT never CHECK (subject <> 'job')")
	if err := service.NewTroubles(d.store, d.now).Dismiss(t.Context(), service.CommandLine, service.TroubleJob, 1); err == nil {
		t.Error("dismissed without a trace")
	}
	if n, err := d.store.DeadJobsCount(t.Context()); err != nil || n != 1 {
		t.Errorf("%d dead jobs (%v), want 1", n, err)
	}
}
