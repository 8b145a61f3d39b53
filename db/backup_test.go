package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

// installation is a database and its files.
type installation struct {
	url   string
	db    *db.DB
	files service.FileStore
}

func install(t *testing.T) installation {
	t.Helper()
	url := dbtest.URL(t)
	return installation{url, dbtest.Open(t, url), openFiles(t, t.TempDir(), db.S3{})}
}

// work leaves traces of people in an installation.
func (i installation) work(t *testing.T) installation {
	t.Helper()
	exec(t, i.db, "INSERT INTO orgs (kind, name) VALUES ('partner', 'Учебный центр «Ё» ''%'' \\ $flowbot$')")
	exec(t, i.db, "INSERT INTO people (name) SELECT 'Сотрудник ' || n FROM generate_series(1, 500) n")
	for _, content := range []string{"акт", "журнал", "снимок"} {
		i.save(t, content)
	}
	return i
}

func (i installation) save(t *testing.T, content string) {
	t.Helper()
	name := put(t, i.files, content)
	err := i.db.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		f := service.File{SHA256: name, Size: int64(len(content)), Type: "text/plain", CreatedAt: time.Now()}
		if err := tx.SaveFile(ctx, f); err != nil {
			return err
		}
		return tx.InsertJob(ctx, note{N: len(content)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// contents is a digest of each table.
func (i installation) contents(t *testing.T) map[string]string {
	t.Helper()
	var names []string
	err := i.db.Bun().NewRaw("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").Scan(t.Context(), &names)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string, len(names))
	for _, name := range names {
		var sum string
		err := i.db.Bun().NewRaw("SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') FROM "+name+" r").Scan(t.Context(), &sum)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = sum
	}
	return out
}

func (i installation) backup(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "backup")
	if _, err := db.Backup(t.Context(), i.url, i.files, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestABackupComesBackWhole(t *testing.T) {
	t.Parallel()
	from := install(t).work(t)
	dir := from.backup(t)

	url := dbtest.EmptyURL(t)
	to := installation{url: url, files: openFiles(t, t.TempDir(), db.S3{})}
	if _, err := db.Restore(t.Context(), url, to.files, dir, false); err != nil {
		t.Fatal(err)
	}
	to.db = dbtest.Open(t, url)
	if diff := cmp.Diff(from.contents(t), to.contents(t)); diff != "" {
		t.Errorf("the tables differ (-backed up +restored):\n%s", diff)
	}
	if diff := cmp.Diff(relations(t, from.url), relations(t, url)); diff != "" {
		t.Errorf("the schema differs (-backed up +restored):\n%s", diff)
	}
	if diff := cmp.Diff(list(t, from.files), list(t, to.files)); diff != "" {
		t.Errorf("the files differ (-backed up +restored):\n%s", diff)
	}
	// Numbers go on where they stopped.
	exec(t, to.db, "INSERT INTO people (name) VALUES ('Новый')")
}

// TestABackupIsOfOneMoment backs up while somebody saves files, each with its
// row: the backup has as many files as rows, and each of them.
func TestABackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	from := install(t).work(t)
	ctx, stop := context.WithCancel(t.Context())
	saved, stopped := make(chan struct{}, 1), make(chan error)
	go func() {
		for n := 0; ; n++ {
			content := fmt.Sprint("файл ", n)
			name, size, err := from.files.Put(ctx, strings.NewReader(content))
			if err == nil {
				err = from.db.InTx(ctx, func(ctx context.Context, tx service.Tx) error {
					return tx.SaveFile(ctx, service.File{SHA256: name, Size: size, Type: "text/plain", CreatedAt: time.Now()})
				})
			}
			if err != nil {
				stopped <- err
				return
			}
			select {
			case saved <- struct{}{}:
			default:
			}
		}
	}()
	<-saved
	dir := from.backup(t)
	stop()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	m, err := db.ReadBackup(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(m.Files)) != m.Tables["files"] || len(m.Files) < 4 {
		t.Errorf("%d files, %d rows", len(m.Files), m.Tables["files"])
	}
	if _, err := db.Restore(t.Context(), dbtest.EmptyURL(t), openFiles(t, t.TempDir(), db.S3{}), dir, false); err != nil {
		t.Error(err)
	}
}

func TestADamagedBackupChangesNothing(t *testing.T) {
	t.Parallel()
	whole := install(t).work(t).backup(t)
	journal := filepath.Join("files", sha("журнал")[:2], sha("журнал")[2:4], sha("журнал"))
	edit := func(name string, change func(text string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(change(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string)
		says   string
	}{
		{"a file is missing", remove(journal), "no such file"},
		{"a file has changed", edit(journal, strings.ToUpper), "not what the manifest says"},
		{"the dump is cut off", edit("database.dump", func(s string) string { return s[:len(s)/2] }), "not what the manifest says"},
		{"the dump is missing", remove("database.dump"), "no such file"},
		{"the manifest is missing", remove("manifest.json"), "holds no backup"},
		{"the manifest is cut off", edit("manifest.json", func(s string) string { return s[:len(s)/2] }), "read the manifest"},
		{"the manifest names a place outside", edit("manifest.json", func(s string) string {
			return strings.ReplaceAll(s, sha("журнал"), "../../../etc/passwd")
		}), "the manifest names a file"},
		{"the manifest is of a later format", edit("manifest.json", func(s string) string {
			return strings.Replace(s, `"format": 1`, `"format": 2`, 1)
		}), "format 2"},
		{"a table has lost rows", edit("manifest.json", func(s string) string {
			return strings.Replace(s, `"people": 500`, `"people": 501`, 1)
		}), "stays as it was"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			tt.damage(t, dir)
			to := install(t)
			before := to.contents(t)
			_, err := db.Restore(t.Context(), to.url, to.files, dir, true)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
			if diff := cmp.Diff(before, to.contents(t)); diff != "" {
				t.Errorf("the database has changed:\n%s", diff)
			}
		})
	}
}

// TestADumpThatBreaksOffIsNotCommitted has a dump with a true checksum that
// pg_restore cannot read to the end.
func TestADumpThatBreaksOffIsNotCommitted(t *testing.T) {
	t.Parallel()
	dir := install(t).work(t).backup(t)
	dump, err := os.ReadFile(filepath.Join(dir, "database.dump"))
	if err != nil {
		t.Fatal(err)
	}
	half := dump[:len(dump)-len(dump)/8]
	if err := os.WriteFile(filepath.Join(dir, "database.dump"), half, 0o600); err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(sha(string(dump)), sha(string(half)), fmt.Sprint(`"size": `, len(dump)), fmt.Sprint(`"size": `, len(half))).Replace(string(manifest))
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	to := install(t)
	before := to.contents(t)
	if _, err := db.Restore(t.Context(), to.url, to.files, dir, true); err == nil || !strings.Contains(err.Error(), "pg_restore") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, to.contents(t)); diff != "" {
		t.Errorf("the database has changed:\n%s", diff)
	}
}

func TestPeoplesWorkIsNotOverwritten(t *testing.T) {
	t.Parallel()
	from := install(t).work(t)
	dir := from.backup(t)
	to := install(t)
	exec(t, to.db, "INSERT INTO orgs (kind, name) VALUES ('center', 'Другой')")
	before := to.contents(t)
	if _, err := db.Restore(t.Context(), to.url, to.files, dir, false); !errors.Is(err, db.ErrNotEmpty) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, to.contents(t)); diff != "" {
		t.Errorf("the database has changed:\n%s", diff)
	}
	// With force, and with to's connections open, as serve's are.
	if _, err := db.Restore(t.Context(), to.url, to.files, dir, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(from.contents(t), to.contents(t)); diff != "" {
		t.Errorf("the tables differ (-backed up +restored):\n%s", diff)
	}
}

func TestABackupWithoutAFileIsNoBackup(t *testing.T) {
	t.Parallel()
	from := install(t).work(t)
	from.files = openFiles(t, t.TempDir(), db.S3{})
	parent := t.TempDir()
	_, err := db.Backup(t.Context(), from.url, from.files, filepath.Join(parent, "backup"))
	if service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(parent)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABackupDoesNotOverwrite(t *testing.T) {
	t.Parallel()
	from := install(t).work(t)
	dir := from.backup(t)
	if _, err := db.Backup(t.Context(), from.url, from.files, dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("got %v", err)
	}
	if _, err := db.ReadBackup(t.Context(), dir); err != nil {
		t.Errorf("the first backup: %v", err)
	}
}

// TestAPasswordIsNoArgument looks at what pg_dump would be called with.
func TestAPasswordIsNoArgument(t *testing.T) {
	t.Parallel()
	tests := []struct{ address, plain, password string }{
		{"postgres://u:geheim@h:5432/d?sslmode=disable", "postgres://u@h:5432/d?sslmode=disable", "geheim"},
		{"postgres://u@h/d?password=geheim&pool_max_conns=4", "postgres://u@h/d", "geheim"},
		{"host=h user=u password=geheim dbname=d", "host=h user=u  dbname=d", ""},
		{`host=h password='ge \'heim' dbname=d`, "host=h  dbname=d", ""},
	}
	for _, tt := range tests {
		plain, password := db.WithoutPassword(tt.address)
		if plain != tt.plain || password != tt.password {
			t.Errorf("%s: got %q and %q", tt.address, plain, password)
		}
	}
}
