package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"flowbot/db/pgserver"
	"flowbot/service"
)

// Manifest says what a backup holds. It stands in the backup as manifest.json
// and is written last.
type Manifest struct {
	Format    int              `json:"format"`
	CreatedAt time.Time        `json:"created_at"` // of the snapshot, UTC
	Schema    string           `json:"schema"`     // SchemaID of the program that made it
	Database  Blob             `json:"database"`   // database.dump, in pg_dump's custom format
	Tables    map[string]int64 `json:"tables"`     // rows
	Files     []Blob           `json:"files"`      // files/ab/cd/SHA256
}

// Blob is a file of a backup.
type Blob struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"` // bytes
}

// The layout of a backup.
const (
	backupFormat = 1
	manifestName = "manifest.json"
	dumpName     = "database.dump"
	filesName    = "files"
)

// ErrNotEmpty is the refusal to restore over people's work.
var ErrNotEmpty = errors.New("the database is not empty")

// Backup writes the database and every file that it speaks of to dir, as they
// stand at one moment, while others go on working. Each file is compared with
// its name on the way. The directory appears whole or not at all; one that
// exists and is not empty is refused.
func Backup(ctx context.Context, url string, files service.FileStore, dir string) (*Manifest, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("place of the backup: %w", err)
	}
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return nil, fmt.Errorf("%s exists and is not empty", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, fmt.Errorf("place of the backup: %w", err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".part-")
	if err != nil {
		return nil, fmt.Errorf("place of the backup: %w", err)
	}
	defer func() { _ = os.RemoveAll(part) }() // gone already if all went well
	m, err := backup(ctx, url, files, part)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(part, dir); err != nil {
		return nil, fmt.Errorf("put the backup in place: %w", err)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("put the backup in place: %w", err)
	}
	return m, nil
}

func backup(ctx context.Context, url string, files service.FileStore, part string) (*Manifest, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// The transaction stays open until the dump is written: it keeps the snapshot.
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("begin the backup: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()

	m := &Manifest{Format: backupFormat}
	if m.Schema, err = SchemaID(); err != nil {
		return nil, err
	}
	var snapshot string
	if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot(), now()").Scan(&snapshot, &m.CreatedAt); err != nil {
		return nil, fmt.Errorf("take a snapshot: %w", err)
	}
	m.CreatedAt = m.CreatedAt.UTC()
	if m.Tables, err = countRows(ctx, tx); err != nil {
		return nil, err
	}
	if m.Files, err = listFiles(ctx, tx); err != nil {
		return nil, err
	}
	dump := filepath.Join(part, dumpName)
	cmd, err := pgCommand(ctx, conn, url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges",
		"--snapshot="+snapshot, "--file="+dump)
	if err != nil {
		return nil, err
	}
	if err := run(cmd); err != nil {
		return nil, err
	}
	if m.Database, err = blobOf(dump); err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if err := copyOut(ctx, files, f, blobPath(part, f)); err != nil {
			return nil, err
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	if err := writeSynced(filepath.Join(part, manifestName), bytes.NewReader(text)); err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return m, syncTree(part)
}

// ReadBackup reads the manifest of the backup in dir and compares everything
// that it names with what is there. A backup with a missing, cut off or changed
// file is an error that names it.
func ReadBackup(ctx context.Context, dir string) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no backup: it has no %s", dir, manifestName)
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	if m.Format != backupFormat {
		return nil, fmt.Errorf("the backup has format %d, this program reads %d", m.Format, backupFormat)
	}
	check := func(name string, want Blob) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := blobOf(name)
		if err != nil {
			return fmt.Errorf("damaged backup: %w", err)
		}
		if got != want {
			return fmt.Errorf("damaged backup: %s is not what the manifest says", name)
		}
		return nil
	}
	if err := check(filepath.Join(dir, dumpName), m.Database); err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if !isSHA(f.SHA256) {
			return nil, fmt.Errorf("damaged backup: the manifest names a file %q", f.SHA256)
		}
		if err := check(blobPath(dir, f), f); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Restore puts the backup in dir into the database at url and into files. The
// backup is verified before anything is touched. The database changes in one
// transaction, which ends only if every table has as many rows as the manifest
// says: after an error it is what it was. One that holds organisations or people
// is refused with ErrNotEmpty unless force is set; then what it held is gone.
// Files are only ever added. At the end the schema is brought to this program's.
func Restore(ctx context.Context, url string, files service.FileStore, dir string, force bool) (*Manifest, error) {
	m, err := ReadBackup(ctx, dir)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if !force {
		if err := refuseUsed(ctx, conn); err != nil {
			return nil, err
		}
	}
	for _, f := range m.Files {
		if err := copyIn(ctx, files, f, blobPath(dir, f)); err != nil {
			return nil, err
		}
	}
	if err := restoreDatabase(ctx, conn, url, filepath.Join(dir, dumpName), m); err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if has, err := files.Has(ctx, f.SHA256); err != nil || !has {
			return nil, errors.Join(fmt.Errorf("file %s is not in the store after all", f.SHA256), err)
		}
	}
	if _, err := Migrate(ctx, url, Up); err != nil {
		return nil, fmt.Errorf("bring the restored schema to this program's: %w", err)
	}
	return m, nil
}

func restoreDatabase(ctx context.Context, conn *pgx.Conn, url, dump string, m *Manifest) error {
	toSQL, err := pgCommand(ctx, conn, "", "pg_restore", "--no-owner", "--no-privileges", "--file=-", dump)
	if err != nil {
		return err
	}
	psql, err := pgCommand(ctx, conn, url, "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
	if err != nil {
		return err
	}
	pipe, err := toSQL.StdoutPipe()
	if err != nil {
		return fmt.Errorf("restore the database: %w", err)
	}
	var said bytes.Buffer
	toSQL.Stderr = &said
	// What a broken dump leaves out must not be committed, so the end of the
	// script depends on how pg_restore ended.
	end := endOf(pipe, func() (string, error) {
		if err := toSQL.Wait(); err != nil {
			return "", fmt.Errorf("pg_restore: %w: %s", err, bytes.TrimSpace(said.Bytes()))
		}
		return checkRows(m.Tables), nil
	})
	psql.Stdin = io.MultiReader(strings.NewReader(clearSchema), end)
	if err := toSQL.Start(); err != nil {
		return fmt.Errorf("restore the database: %w", err)
	}
	if err := run(psql); err != nil {
		_ = pipe.Close()
		_ = toSQL.Process.Kill()
		_ = toSQL.Wait()
		return fmt.Errorf("restore the database, which stays as it was: %w", err)
	}
	return nil
}

const clearSchema = "SET client_min_messages = warning;\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"

// endOf reads r and then what last gives. An error of last becomes a statement
// that fails, so that the transaction does too.
func endOf(r io.Reader, last func() (string, error)) io.Reader {
	return io.MultiReader(r, &lazy{last: last})
}

type lazy struct {
	last func() (string, error)
	r    io.Reader
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.r == nil {
		text, err := l.last()
		if err != nil {
			text = "\nDO " + quote + " BEGIN " + raise(err.Error()) + " END " + quote + ";\n"
		}
		l.r = strings.NewReader(text)
	}
	return l.r.Read(p)
}

// checkRows is a script that fails unless each table has as many rows.
func checkRows(tables map[string]int64) string {
	var b strings.Builder
	for table, rows := range tables {
		name := pgx.Identifier{"public", table}.Sanitize()
		fmt.Fprintf(&b, "\nDO %s BEGIN IF (SELECT count(*) FROM %s) <> %d THEN %s END IF; END %[1]s;", quote, name, rows,
			raise(fmt.Sprintf("table %s has not the %d rows of the manifest", table, rows)))
	}
	b.WriteByte('\n')
	return b.String()
}

// quote begins and ends the body of a DO statement.
const quote = "$flowbot$"

// raise is a statement for such a body that fails with a sentence.
func raise(sentence string) string {
	sentence = strings.NewReplacer(quote, "", "%", "%%", "'", "''").Replace(sentence)
	return "RAISE EXCEPTION '" + sentence + "';"
}

// refuseUsed returns ErrNotEmpty if anybody has worked with the database: no
// work begins without an organisation or a person.
func refuseUsed(ctx context.Context, conn *pgx.Conn) error {
	for _, table := range []string{"orgs", "people"} {
		var there, used bool
		if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", "public."+table).Scan(&there); err != nil {
			return fmt.Errorf("look at the database: %w", err)
		}
		if !there {
			continue
		}
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+pgx.Identifier{table}.Sanitize()+")").Scan(&used); err != nil {
			return fmt.Errorf("look at the database: %w", err)
		}
		if used {
			return ErrNotEmpty
		}
	}
	return nil
}

func countRows(ctx context.Context, tx pgx.Tx) (map[string]int64, error) {
	rows, err := tx.Query(ctx, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	out := make(map[string]int64, len(names))
	for _, name := range names {
		var n int64
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{"public", name}.Sanitize()).Scan(&n); err != nil {
			return nil, fmt.Errorf("count %s: %w", name, err)
		}
		out[name] = n
	}
	return out, nil
}

func listFiles(ctx context.Context, tx pgx.Tx) ([]Blob, error) {
	rows, err := tx.Query(ctx, "SELECT sha256, size FROM files ORDER BY sha256")
	if err != nil {
		return nil, fmt.Errorf("list the files: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Blob])
	if err != nil {
		return nil, fmt.Errorf("list the files: %w", err)
	}
	return out, nil
}

func blobPath(dir string, f Blob) string {
	return filepath.Join(dir, filesName, f.SHA256[:2], f.SHA256[2:4], f.SHA256)
}

// copyOut copies a file from the store and compares it with its name.
func copyOut(ctx context.Context, files service.FileStore, f Blob, to string) error {
	r, err := files.Open(ctx, f.SHA256)
	if err != nil {
		return fmt.Errorf("back up file %s: %w", f.SHA256, err)
	}
	defer r.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("back up file %s: %w", f.SHA256, err)
	}
	h := sha256.New()
	if err := writeSynced(to, io.TeeReader(reader{ctx, r}, h)); err != nil {
		return fmt.Errorf("back up file %s: %w", f.SHA256, err)
	}
	if sumOf(h) != f.SHA256 {
		return fmt.Errorf("back up file %s: %w", f.SHA256, errDamaged)
	}
	return nil
}

// copyIn puts a file of a backup into the store.
func copyIn(ctx context.Context, files service.FileStore, f Blob, from string) error {
	r, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("restore file %s: %w", f.SHA256, err)
	}
	defer r.Close()
	sha, _, err := files.Put(ctx, r)
	if err != nil {
		return fmt.Errorf("restore file %s: %w", f.SHA256, err)
	}
	if sha != f.SHA256 {
		return fmt.Errorf("restore file %s: %w", f.SHA256, errDamaged)
	}
	return nil
}

// blobOf reads a file and names its content.
func blobOf(name string) (Blob, error) {
	f, err := os.Open(name)
	if err != nil {
		return Blob{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return Blob{}, err
	}
	return Blob{SHA256: sumOf(h), Size: n}, nil
}

func writeSynced(name string, r io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncTree makes the names below dir last through a power cut, and the dump,
// which another program wrote.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() || e.Name() == dumpName {
			return syncDir(path)
		}
		return nil
	})
}

// pgCommand is a program of PostgreSQL in the version of the server, working on
// the database at address if that is not empty. The password goes by the
// environment, for everybody on the machine sees the arguments.
func pgCommand(ctx context.Context, conn *pgx.Conn, address, name string, args ...string) (*exec.Cmd, error) {
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		return nil, fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	path, err := pgserver.Program(name, version)
	if err != nil {
		return nil, err
	}
	env := []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=" + os.Getenv("HOME")}
	if address != "" {
		plain, password := withoutPassword(address)
		args = append(args, "--dbname="+plain)
		if password == "" {
			password = conn.Config().Password
		}
		env = append(env, "PGPASSWORD="+password)
	}
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // PostgreSQL's own program
	cmd.Env = env
	return cmd, nil
}

// inSettings finds the password in a list of libpq settings.
var inSettings = regexp.MustCompile(`password\s*=\s*('(?:[^'\\]|\\.)*'|\S+)`)

// withoutPassword takes the password out of an address, and what only our own
// driver understands.
func withoutPassword(address string) (plain, password string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return inSettings.ReplaceAllString(address, ""), ""
	}
	if u.User != nil {
		password, _ = u.User.Password()
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	if p := q.Get("password"); p != "" {
		password = p
	}
	for key := range q {
		if key == "password" || strings.HasPrefix(key, "pool_") {
			q.Del(key)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), password
}

// run runs cmd; what it said to standard error is the error's text.
func run(cmd *exec.Cmd) error {
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}
