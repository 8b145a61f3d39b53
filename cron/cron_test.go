package cron_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/cron"
	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestTimetableFiresAsItReads(t *testing.T) {
	t.Parallel()
	clock, err := cron.NewClock(nil, time.Now, slog.New(slog.DiscardHandler), cron.Timetable())
	if err != nil {
		t.Fatal(err)
	}
	if clock == nil {
		t.Fatal("no clock")
	}
	kinds := map[string]bool{}
	for _, w := range cron.Works(cron.Services{}) {
		kinds[w.Kind] = true
	}
	at := time.Date(2026, 1, 31, 6, 0, 0, 0, time.UTC)
	for _, l := range cron.Timetable() {
		j := l.Job(at)
		if !kinds[j.Kind()] {
			t.Errorf("%s: nobody works jobs of kind %s", l.Name, j.Kind())
		}
		if j.Kind() != l.Name {
			t.Errorf("line %s inserts jobs of kind %s", l.Name, j.Kind())
		}
		if remind := (service.Remind{At: at}); l.Name == remind.Kind() && j != remind {
			t.Errorf("reminders of %s are planned as %v", at, j)
		}
	}
}

func TestWrongLinesAreRefused(t *testing.T) {
	t.Parallel()
	good := cron.Line{Name: "a", Spec: "* * * * *", Replay: 1, Job: func(time.Time) service.Job { return service.PruneTicks{} }}
	with := func(change func(*cron.Line)) []cron.Line {
		l := good
		change(&l)
		return []cron.Line{l}
	}
	tests := []struct {
		name  string
		lines []cron.Line
		want  string // in the error; "" for none
	}{
		{"a good one", []cron.Line{good}, ""},
		{"no spec", with(func(l *cron.Line) { l.Spec = "" }), "timetable line a"},
		{"a spec that the library panics on", with(func(l *cron.Line) { l.Spec = "TZ=0" }), "timetable line a"},
		{"a zone that does not exist", with(func(l *cron.Line) { l.Spec = "TZ=Nowhere/Town * * * * *" }), "timetable line a"},
		{"31 February", with(func(l *cron.Line) { l.Spec = "0 0 31 2 *" }), "never fires"},
		{"no name", with(func(l *cron.Line) { l.Name = "" }), "not whole"},
		{"no job", with(func(l *cron.Line) { l.Job = nil }), "not whole"},
		{"nothing made up for", with(func(l *cron.Line) { l.Replay = 0 }), "not whole"},
		{"one name twice", []cron.Line{good, good}, "not whole"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := cron.NewClock(nil, time.Now, slog.New(slog.DiscardHandler), tt.lines)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// noted is a job that carries the moment it was planned for.
type noted struct {
	At time.Time `json:"at"`
}

func (noted) Kind() string { return "noted" }

// JobOptions puts the job where no worker of the tests looks.
func (noted) JobOptions() service.JobOptions { return service.JobOptions{Queue: "nobody"} }

func noteLine(replay int) []cron.Line {
	return []cron.Line{{Name: "note", Spec: "*/15 * * * *", Replay: replay, Job: func(at time.Time) service.Job { return noted{at} }}}
}

// planned lists the moments whose jobs wait, oldest first.
func planned(t *testing.T, d *db.DB) []string {
	t.Helper()
	rows, err := d.Pool().Query(t.Context(), "SELECT args::text FROM river_job WHERE kind = 'noted' ORDER BY args->>'at', id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var raw string
		var n noted
		if err := errors.Join(rows.Scan(&raw), json.Unmarshal([]byte(raw), &n)); err != nil {
			t.Fatal(err)
		}
		out = append(out, n.At.Format("02 15:04"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func newClock(t *testing.T, d *db.DB, lines []cron.Line) *cron.Clock {
	t.Helper()
	c, err := cron.NewClock(service.NewTicks(d, time.Now), time.Now, slog.New(slog.DiscardHandler), lines)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMissedMomentsAreMadeUpForWithinBounds(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	clock := newClock(t, d, noteLine(3))
	day := func(hour, minute int) time.Time { return time.Date(2026, 3, 5, hour, minute, 0, 0, time.UTC) }
	steps := []struct {
		name  string
		until time.Time
		want  []string // all that was ever planned
	}{
		{"a new installation begins with the newest moment", day(9, 7), []string{"05 09:00"}},
		{"nothing is new yet", day(9, 14), []string{"05 09:00"}},
		{"the next moment, to the second", day(9, 15), []string{"05 09:00", "05 09:15"}},
		{"two were missed", day(9, 50), []string{"05 09:00", "05 09:15", "05 09:30", "05 09:45"}},
		{
			"of many that were missed the newest three", day(18, 1),
			[]string{"05 09:00", "05 09:15", "05 09:30", "05 09:45", "05 17:30", "05 17:45", "05 18:00"},
		},
		{
			"a clock that goes back does nothing", day(12, 0),
			[]string{"05 09:00", "05 09:15", "05 09:30", "05 09:45", "05 17:30", "05 17:45", "05 18:00"},
		},
	}
	for _, s := range steps {
		if err := clock.CatchUp(t.Context(), s.until); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if diff := cmp.Diff(s.want, planned(t, d)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}

func TestAMomentActsOnceOverReplicas(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var wg sync.WaitGroup
	until := time.Date(2026, 3, 5, 9, 0, 0, 0, time.UTC)
	for range 8 {
		clock := newClock(t, d, noteLine(4))
		wg.Go(func() {
			for n := range 8 {
				if err := clock.CatchUp(t.Context(), until.Add(time.Duration(n)*15*time.Minute)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, at := range planned(t, d) {
		seen[at]++
	}
	if len(seen) != 8 {
		t.Errorf("%d moments acted, want 8: %v", len(seen), seen)
	}
	for at, n := range seen {
		if n != 1 {
			t.Errorf("%s acted %d times", at, n)
		}
	}
}

func TestOldTicksAreForgottenButNotTheNewest(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	now := time.Date(2026, 3, 5, 9, 0, 0, 0, time.UTC)
	ticks := service.NewTicks(d, time.Now)
	for name, ages := range map[string][]int{"busy": {1, 40, 50}, "rare": {60, 90}} {
		for _, days := range ages {
			if fired, err := ticks.Fire(t.Context(), name, now.AddDate(0, 0, -days), noted{}); err != nil || !fired {
				t.Fatal(fired, err)
			}
		}
	}
	upkeep := service.NewUpkeep(d, d, d, nil, func() time.Time { return now })
	if n, err := upkeep.PruneTicks(t.Context()); err != nil || n != 3 {
		t.Fatalf("forgot %d (%v), want 3", n, err)
	}
	for name, days := range map[string]int{"busy": 1, "rare": 60} {
		last, err := ticks.Last(t.Context(), name)
		if err != nil || !last.Equal(now.AddDate(0, 0, -days)) {
			t.Errorf("%s: the newest is %v (%v)", name, last, err)
		}
	}
}

func TestOldFilesThatNoRowSpeaksOfAreSwept(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	dir := t.TempDir()
	files, err := db.OpenFiles(t.Context(), dir, db.S3{})
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string, known bool, age time.Duration) string {
		sha, size, err := files.Put(t.Context(), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if known {
			err = d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
				return tx.SaveFile(ctx, service.File{SHA256: sha, Size: size, Type: "text/plain"})
			})
		}
		at := time.Now().Add(-age)
		if err := errors.Join(err, os.Chtimes(filepath.Join(dir, sha[:2], sha[2:4], sha), at, at)); err != nil {
			t.Fatal(err)
		}
		return sha
	}
	stays := []string{put("old and known", true, 72*time.Hour), put("young and unknown", false, time.Hour)}
	goes := put("old and unknown", false, 72*time.Hour)
	if n, err := service.NewUpkeep(d, d, d, files, time.Now).SweepFiles(t.Context()); err != nil || n != 1 {
		t.Fatalf("swept %d (%v), want 1", n, err)
	}
	for _, sha := range stays {
		if has, err := files.Has(t.Context(), sha); err != nil || !has {
			t.Errorf("a file that should stay is gone (%v)", err)
		}
	}
	if has, err := files.Has(t.Context(), goes); err != nil || has {
		t.Errorf("an orphan is still there (%v)", err)
	}
}

// counted and troubled are jobs of these tests.
type counted struct {
	N int `json:"n"`
}

func (counted) Kind() string { return "counted" }

type troubled struct {
	How string `json:"how"`
}

func (troubled) Kind() string { return "troubled" }

// JobOptions lets a job fail for good at once.
func (troubled) JobOptions() service.JobOptions { return service.JobOptions{MaxAttempts: 1} }

// insert puts jobs into the queue.
func insert(t *testing.T, d *db.DB, jobs ...service.Job) {
	t.Helper()
	err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		for _, j := range jobs {
			if err := tx.InsertJob(ctx, j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// states counts the jobs of a kind by their state.
func states(t *testing.T, d *db.DB, kind string) map[string]int {
	t.Helper()
	rows, err := d.Pool().Query(t.Context(), "SELECT state::text, count(*) FROM river_job WHERE kind = $1 GROUP BY 1", kind)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var state string
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			t.Fatal(err)
		}
		out[state] = n
	}
	return out
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestWorkersWorkEveryJobAndKeepTheDead(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	const jobs = 50
	insert(t, d, troubled{"error"}, troubled{"panic"})
	for n := range jobs {
		insert(t, d, counted{n})
	}
	var log buffer
	var worked, told sync.Map
	done := make(chan cron.JobDone, jobs+2)
	workers, err := cron.NewWorkers(cron.WorkersConfig{
		Pool: d.Pool(), ID: "test-1", Log: slog.New(slog.NewJSONHandler(&log, nil)), Done: func(j cron.JobDone) { done <- j },
	}, []cron.Work{
		cron.On(time.Minute, func(_ context.Context, j counted) error { worked.Store(j.N, true); return nil }),
		cron.OnOrTell(time.Minute, func(_ context.Context, j troubled) error {
			if j.How == "panic" {
				panic("Иванов Иван")
			}
			return errors.New("no luck")
		}, func(_ context.Context, j troubled) error { told.Store(j.How, true); return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := workers.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for range jobs + 2 {
		select {
		case j := <-done:
			if j.Failed {
				failed++
			}
		case <-t.Context().Done():
			t.Fatal("the jobs are not worked")
		}
	}
	if err := workers.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := range jobs {
		if _, ok := worked.Load(n); !ok {
			t.Errorf("job %d was not worked", n)
		}
	}
	for _, how := range []string{"error", "panic"} {
		if _, ok := told.Load(how); !ok {
			t.Errorf("nobody was told of the job that ended with a %s", how)
		}
	}
	if failed != 2 {
		t.Errorf("%d runs failed, want 2", failed)
	}
	if diff := cmp.Diff(map[string]int{"discarded": 2}, states(t, d, "troubled")); diff != "" {
		t.Errorf("dead jobs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"completed": jobs}, states(t, d, "counted")); diff != "" {
		t.Errorf("other jobs (-want +got):\n%s", diff)
	}
	for _, want := range []string{`"job failed"`, `"job panicked"`, `"kind":"troubled"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s", want)
		}
	}
	if strings.Contains(log.String(), "Иванов") {
		t.Error("the log tells what a panic said")
	}
}

func TestStoppingWaitsForTheJobUnderWay(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	insert(t, d, counted{1})
	begun, finish := make(chan struct{}), make(chan struct{})
	var finished atomic.Bool
	workers, err := cron.NewWorkers(cron.WorkersConfig{Pool: d.Pool(), ID: "test-1", Log: slog.New(slog.DiscardHandler)}, []cron.Work{
		cron.On(time.Minute, func(ctx context.Context, _ counted) error {
			close(begun)
			select {
			case <-finish:
				finished.Store(true)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := workers.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-begun
	stopped := make(chan error)
	go func() { stopped <- workers.Stop(t.Context()) }()
	close(finish)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if !finished.Load() {
		t.Error("the job was cut short")
	}
	if diff := cmp.Diff(map[string]int{"completed": 1}, states(t, d, "counted")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheSuccessorTakesOverWhatADeadProcessWasRunning(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	insert(t, d, counted{1}, counted{2}, counted{3}, troubled{"kills the process"})
	dead, err := d.Attend(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	dead.Leave() // as its session ends with a killed process
	// What a killed process leaves: jobs that run under its id.
	_, err = d.Pool().Exec(t.Context(), `
		UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(),
			attempted_by = CASE WHEN args->>'n' = '2' THEN ARRAY[$1, 'another'] ELSE ARRAY[$1] END
		WHERE args->>'n' IN ('1', '2') OR kind = 'troubled'`, dead.Name())
	if err != nil {
		t.Fatal(err)
	}
	freed, err := d.ReleaseDead(t.Context())
	if err != nil || freed.Jobs != 2 {
		t.Fatalf("put %d back (%v), want 2", freed.Jobs, err)
	}
	// Job 2 belongs to another process that lives.
	if diff := cmp.Diff(map[string]int{"available": 2, "running": 1}, states(t, d, "counted")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"discarded": 1}, states(t, d, "troubled")); diff != "" {
		t.Errorf("a job without attempts left (-want +got):\n%s", diff)
	}
}

func TestTwoWorksOfOneKindAreRefused(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	work := cron.On(time.Minute, func(context.Context, counted) error { return nil })
	_, err := cron.NewWorkers(cron.WorkersConfig{Pool: d.Pool(), ID: "test-1", Log: slog.New(slog.DiscardHandler)}, []cron.Work{work, work})
	if err == nil || !strings.Contains(err.Error(), "counted") {
		t.Errorf("got %v", err)
	}
}
