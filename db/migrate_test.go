package db_test

import (
	"context"
	"sync"
	"testing"

	"flowbot/db"
	"flowbot/db/dbtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// TestTheSchemaGoesDownAndUp takes each step back alone and forward again, and
// everything at the end.
func TestTheSchemaGoesDownAndUp(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	steps := migrate(t, url, db.Status)
	for _, s := range steps {
		if !s.Applied {
			t.Errorf("the template lacks %s", s.Name)
		}
	}
	before := relations(t, url)

	own := len(steps) - 1 // the job queue's schema is not taken back by Down
	for n := range own {
		got := migrate(t, url, db.Down)
		applied := 0
		for _, s := range got {
			if s.Applied {
				applied++
			}
		}
		if want := len(steps) - n - 1; applied != want {
			t.Fatalf("after %d times down %d steps stand, want %d", n+1, applied, want)
		}
	}
	migrate(t, url, db.Down) // nothing is left: no error
	migrate(t, url, db.Up)
	if diff := cmp.Diff(before, relations(t, url)); diff != "" {
		t.Errorf("down and up changed the schema (-before +after):\n%s", diff)
	}

	migrate(t, url, db.Reset)
	if left := relations(t, url); len(left) > 0 {
		t.Errorf("reset leaves %v", left)
	}
	migrate(t, url, db.Up)
	if diff := cmp.Diff(before, relations(t, url)); diff != "" {
		t.Errorf("reset and up changed the schema (-before +after):\n%s", diff)
	}
}

func TestReplicasMigrateOneAfterAnother(t *testing.T) {
	t.Parallel()
	url := dbtest.EmptyURL(t)
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		wg.Go(func() { _, errs[i] = db.Migrate(t.Context(), url, db.Up) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	for _, s := range migrate(t, url, db.Status) {
		if !s.Applied {
			t.Errorf("%s is pending", s.Name)
		}
	}
}

func TestStatusOfAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	for _, s := range migrate(t, dbtest.EmptyURL(t), db.Status) {
		if s.Applied {
			t.Errorf("%s stands in an empty database", s.Name)
		}
	}
}

func migrate(t *testing.T, url string, do db.Direction) []db.Step {
	t.Helper()
	steps, err := db.Migrate(t.Context(), url, do)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// relations lists tables with their columns, indexes and constraints, and
// functions, all but goose's own table.
func relations(t *testing.T, url string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `
		SELECT line FROM (
		SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || coalesce(' ' || column_default, '') AS line
		FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
		FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL SELECT p.oid::regprocedure || ' ' || md5(prosrc) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
		) l WHERE line !~ '\mgoose_db_version' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}
