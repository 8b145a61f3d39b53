package dbtest_test

import (
	"os"
	"testing"

	"flowbot/db/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	one, other := dbtest.New(t), dbtest.New(t)
	if _, err := one.Bun().ExecContext(t.Context(), "CREATE TABLE mine ()"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Bun().ExecContext(t.Context(), "CREATE TABLE mine ()"); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		b.Run("", func(b *testing.B) { dbtest.New(b) })
	}
}
