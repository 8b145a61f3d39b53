package migrations_test

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"flowbot/db/dbtest"
	"flowbot/db/pgserver"
	"flowbot/migrations"
)

var update = flag.Bool("update", false, "rewrite schema.sql")

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// TestSchema holds schema.sql, which is for reading, to what the migrations
// make. Another major version of PostgreSQL writes the same schema in other
// words, so there only the tables are compared.
func TestSchema(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var major int
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&major); err != nil {
		t.Fatal(err)
	}
	pgDump, err := pgserver.Program("pg_dump", major)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), pgDump, "--schema-only", "--no-owner", "--no-privileges", "--dbname="+url).Output()
	if err != nil {
		t.Fatal(err)
	}
	header := fmt.Sprintf("-- Written by make schema with PostgreSQL %d; for reading only.\n\n", major)
	got := header + plain(string(out))
	if *update {
		if err := os.WriteFile("schema.sql", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	raw, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	want := string(raw)
	if !strings.HasPrefix(want, header) {
		got, want = tables(got), tables(want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("schema.sql is out of date, run make schema (-file +migrations):\n%s", diff)
	}
}

// noise is what differs between two runs or says nothing about the schema.
var noise = regexp.MustCompile(`(?m)^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n`)

var blank = regexp.MustCompile(`\n{3,}`)

func plain(dump string) string {
	return strings.TrimSpace(blank.ReplaceAllString(noise.ReplaceAllString(dump, ""), "\n\n")) + "\n"
}

func tables(schema string) string {
	found := regexp.MustCompile(`(?m)^CREATE .*TABLE \S+`).FindAllString(schema, -1)
	slices.Sort(found)
	return strings.Join(found, "\n")
}

// TestEveryStepGoesBothWays reads the files: goose takes a missing part for an
// empty one.
func TestEveryStepGoesBothWays(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d steps, %v", len(names), err)
	}
	form := regexp.MustCompile(`^\d{5}_[a-z_]+\.sql$`)
	for _, name := range names {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		up, down, ok := strings.Cut(string(text), "-- +goose Down\n")
		if !form.MatchString(name) || !strings.HasPrefix(up, "-- +goose Up\n") || !ok || strings.TrimSpace(down) == "" {
			t.Errorf("%s: want NNNNN_what.sql with a part up and a part down", name)
		}
	}
}
